# frozen_string_literal: true

module Spanwire
  # Loads the library and defines the functions that the gem calls, under their names without `spanwire_`.
  #
  # None of them takes a callback: a call into Ruby from one of the library's threads would end the process or hang it.
  module Native
    FUNCTIONS = %i[
      version status_text tracer_new tracer_free tracer_stats tracer_config_json span_start_with span_set_tag_n
      span_set_metric_n span_set_tags span_remove_tag span_get_tag span_set_service span_set_resource_n span_set_type
      span_set_name span_set_error_n span_set_priority span_finish span_finish_at span_discard span_context span_id_text
      debug_set debug_set_for debug_get trace_fate log_take log_fd log_correlation
      context_extract context_free context_get context_inject_text span_inject_text context_get_origin span_get_origin
      span_set_attributes span_add_event span_add_link span_set_meta_struct
      span_set_baggage span_get_baggage span_remove_baggage span_baggage_text
      context_set_baggage context_get_baggage context_remove_baggage context_baggage_text
    ].freeze

    # Functions that wait: while they do, Ruby's other threads run. They get texts as pointers to native memory.
    WAITING = %i[tracer_flush tracer_shutdown flare_write flare_send].freeze

    # Functions that get addresses as numbers, of memory that was filled before: no object is made for a pointer.
    BY_ADDRESS = %i[span_start_with span_set_tags context_extract].freeze

    # The library's name for the loader's search: LD_LIBRARY_PATH, ld.so.conf, /usr/lib.
    SONAME = "libspanwire.so.0"

    class << self
      # Why there is no library to call, as a sentence for people; nil when there is one.
      attr_reader :problem

      # Loads the library once. Returns whether it can be called.
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
        if abi != Abi::ABI_VERSION
          return "#{path} speaks interface #{abi}, and this gem, #{VERSION}, speaks #{Abi::ABI_VERSION}"
        end

        missing = define(library, FUNCTIONS, false) + define(library, WAITING, true)
        return "#{path} is too old for this gem, #{VERSION}: it has no #{missing.join(", ")}" if missing.any?

        Extension.load(library)
        nil
      rescue LoadError => e
        "#{path} or the ffi gem cannot be loaded (#{e.message}); set SPANWIRE_LIBRARY to the path of libspanwire.so"
      rescue StandardError => e
        "#{path} cannot be used (#{e.class}: #{e.message})"
      end

      # Defines a module function for each. Returns the names of those that the library does not have.
      def define(library, functions, blocking)
        functions.filter_map do |name|
          parameters, result = Abi::FUNCTIONS.fetch(name)
          parameters = parameters.map { |type| type == :pointer ? :size_t : type } if BY_ADDRESS.include?(name)
          parameters = parameters.map { |type| type == :string ? :pointer : type } if blocking
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
