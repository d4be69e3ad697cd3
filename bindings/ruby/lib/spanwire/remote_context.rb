# frozen_string_literal: true

module Spanwire
  # A context that came in with a request: its ids, and what a Context has not: origin, tags of the trace, tracestate,
  # baggage. `Spanwire::Propagation.extract` returns one; `trace(name, continue_from: context)` continues its trace.
  #
  # The library holds it until `free` or until this object is collected. It holds at most 4,096: one more frees the
  # oldest. A forked child may use one of its parent, but not change its baggage.
  class RemoteContext
    # The library's handle; 0 when it is freed.
    attr_reader :handle

    # Frees a context when its object is collected. In a forked child the library leaves contexts of the parent alone.
    Release = Struct.new(:handle) do
      def call(_id)
        Native.context_free(handle) unless handle.zero?
      rescue StandardError
        nil
      end
    end
    private_constant :Release

    def initialize(handle)
      @handle = handle
      @release = Release.new(handle)
      ObjectSpace.define_finalizer(self, @release)
    end

    # Ids and sampling decision as a Context; nil if there are none. A context may consist of baggage alone.
    def context
      Scope.current.scratch { |memory| memory.remote_context(@handle) }
    rescue StandardError
      nil
    end

    # The trace id, 128 bits; nil if there is none.
    def trace_id = context&.trace_id

    # The id of the span that sent the request; nil if there is none.
    def span_id = context&.span_id

    # -1 rejected by the user, 0 rejected, 1 kept, 2 kept by the user; nil: not decided yet.
    def sampling_priority = context&.sampling_priority

    # Sets the headers that pass the context on as if this process were not there, for a proxy that starts no span.
    # Returns `headers`.
    def inject(headers) = Propagation.inject(headers, self)

    # The kind of system that began the trace, such as "synthetics"; nil if the headers did not say it.
    def origin = Span.origin_of(:context_get_origin, @handle)

    # The baggage that came in. Changes reach spans that are started with this context later.
    def baggage = Baggage.new(:context, @handle)

    # Frees it now. Spans that were started with it keep what they have of it.
    def free
      @release.call(nil)
      @handle = @release.handle = 0
      nil
    end

    # A copy has nothing. Ruby gives it the finalizer of the original, which would free the context of the original.
    def initialize_copy(_other)
      ObjectSpace.undefine_finalizer(self)
      @handle = 0
      @release = Release.new(0)
    end
  end
end
