# frozen_string_literal: true

module Spanwire
  # The C extension (ext/spanwire_ext), which is optional: it starts, tags and finishes most spans in fewer steps than the
  # ffi gem, with the same results. Its methods stand in front of those of Span, Tracer and Scope, which do what it leaves
  # to them.
  module Extension
    FILE = "spanwire/spanwire_ext"
    OFF = %w[false 0].freeze
    private_constant :FILE, :OFF

    @problem = "the library is not loaded"

    class << self
      # Why the extension is not in use, as a sentence; nil if it is.
      attr_reader :problem

      # Uses the extension, if there is one, with the library that the ffi gem has loaded.
      def load(library)
        @problem = attempt(library)
      end

      private

      def attempt(library)
        return "SPANWIRE_RUBY_EXTENSION turns it off" if OFF.include?(ENV.fetch("SPANWIRE_RUBY_EXTENSION", "").downcase)

        # `require` alone could activate another version of the gem.
        _kind, path = $LOAD_PATH.resolve_feature_path(FILE)
        return "it is not built: no #{FILE} in the load path" unless path

        require path
        return "#{path} is that of version #{BUILT_FOR}, and this gem is #{VERSION}" if BUILT_FOR != VERSION

        attach(FUNCTIONS.map { |name| library.find_function("spanwire_#{name}").address })
        Span.prepend(SpanMethods)
        Tracer.prepend(TracerMethods)
        Scope.singleton_class.prepend(ScopeMethods)
        nil
      rescue StandardError, LoadError => e
        "it cannot be used (#{e.class}: #{e.message})"
      end
    end
  end
end
