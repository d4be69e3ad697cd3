# frozen_string_literal: true

module Spanwire
  # The library, loaded: the functions of spanwire.h that the gem calls, under their names without `spanwire_`, and what
  # goes wrong with loading. Nothing here knows what a span is for.
  #
  # No function takes a callback: a call into Ruby from one of the library's threads would end the process or hang it.
  module Native
    ABI = 0
    OK = 0
    LIMIT = -10

    TEXT = %i[pointer size_t].freeze # bytes and their length; a Ruby string may stand for the pointer
    ADDRESS = :size_t # of memory that was filled before, as a number
    OUT = %i[pointer size_t pointer].freeze # buffer, capacity, need

    FUNCTIONS = {
      version: [[], :string],
      status_text: [[:int32], :string],
      tracer_new: [%i[pointer size_t pointer pointer], :int32],
      tracer_free: [[:uint64], :int32],
      tracer_stats: [%i[uint64 pointer], :int32],
      tracer_config_json: [[:uint64, *OUT], :int32],
      span_start_with: [[:uint64, ADDRESS, ADDRESS], :int32],
      span_set_tag_n: [[:uint64, *TEXT, *TEXT], :int32],
      span_set_metric_n: [[:uint64, *TEXT, :double], :int32],
      span_set_tags: [[:uint64, ADDRESS, :size_t], :int32],
      span_remove_tag: [%i[uint64 string], :int32],
      span_get_tag: [[:uint64, :string, *OUT], :int32],
      span_set_service: [%i[uint64 string], :int32],
      span_set_resource_n: [[:uint64, *TEXT], :int32],
      span_set_type: [%i[uint64 string], :int32],
      span_set_name: [%i[uint64 string], :int32],
      span_set_error_n: [[:uint64, *TEXT, *TEXT, *TEXT], :int32],
      span_set_priority: [%i[uint64 int32], :int32],
      span_finish: [[:uint64], :int32],
      span_finish_at: [%i[uint64 int64], :int32],
      span_discard: [[:uint64], :int32],
      span_context: [%i[uint64 pointer], :int32],
      span_id_text: [[:uint64, :int32, *OUT], :int32],
      debug_set: [[:int32], :int32],
      debug_set_for: [[:uint32], :int32],
      debug_get: [[], :int32],
      log_take: [[:pointer, *OUT], :int32],
      log_fd: [[], :int32]
    }.freeze

    # Those that wait: while they do, Ruby's other threads run.
    WAITING = {
      tracer_flush: [%i[uint64 uint32], :int32],
      tracer_shutdown: [%i[uint64 uint32], :int32]
    }.freeze

    # The library's name for the usual search: LD_LIBRARY_PATH, ld.so.conf, /usr/lib.
    SONAME = "libspanwire.so.0"

    class << self
      # Why there is no library to call, as a sentence for people; nil when there is one.
      attr_reader :problem

      # Loads the library once. Answers whether it can be called.
      def load
        return @problem.nil? if @tried

        @tried = true
        @problem = attach(ENV.fetch("SPANWIRE_LIBRARY", "").then { |path| path.empty? ? SONAME : path })
        @problem.nil?
      end

      private

      def attach(path)
        require "ffi"
        library = FFI::DynamicLibrary.open(path, FFI::DynamicLibrary::RTLD_NOW | FFI::DynamicLibrary::RTLD_LOCAL)
        abi = library.find_function("spanwire_abi_version")
        return "#{path} is not the spanwire library: it has no spanwire_abi_version" if abi.nil? || abi.null?

        abi = FFI::Function.new(:uint32, [], abi).call
        return "#{path} speaks interface #{abi}, and this gem, #{VERSION}, speaks #{ABI}" if abi != ABI

        missing = define(library, FUNCTIONS, false) + define(library, WAITING, true)
        return if missing.empty?

        "#{path} is too old for this gem, #{VERSION}: it has no #{missing.join(", ")}"
      rescue LoadError => e
        "#{path} or the ffi gem cannot be loaded (#{e.message}); set SPANWIRE_LIBRARY to the path of libspanwire.so"
      rescue StandardError => e
        "#{path} cannot be used (#{e.class}: #{e.message})"
      end

      # Makes a module function of each, and answers the names of those that the library does not have.
      def define(library, functions, blocking)
        functions.filter_map do |name, (parameters, result)|
          symbol = library.find_function("spanwire_#{name}")
          next "spanwire_#{name}" if symbol.nil? || symbol.null?

          function = FFI::Function.new(result, parameters, symbol, blocking: blocking)
          function.attach(self, name.to_s)
          nil
        end
      end
    end
  end
end
