# frozen_string_literal: true

module Spanwire
  # What children of a span need when they are elsewhere or late: ids and the decision whether the trace is kept. A
  # value: it outlives the span and may cross threads, forks and queues. `tracer.trace(name, parent: context)`.
  class Context
    HAS_PRIORITY = Abi::CONTEXT_HAS_PRIORITY
    SIZE = Abi::SIZES.fetch(:context)
    LAYOUT = Abi::LAYOUTS.fetch(:context)
    private_constant :HAS_PRIORITY, :SIZE, :LAYOUT

    # The trace's id, 128 bits.
    attr_reader :trace_id
    # The id of the span that children name as their parent.
    attr_reader :span_id
    # -1 rejected by hand, 0 rejected, 1 kept, 2 kept by hand; nil: not decided yet.
    attr_reader :sampling_priority

    def initialize(trace_id:, span_id:, sampling_priority: nil, decision_maker: 0)
      @trace_id = trace_id
      @span_id = span_id
      @sampling_priority = sampling_priority
      @decision_maker = decision_maker
      freeze
    end

    # As a spanwire_context.
    def pack
      flags = @sampling_priority ? HAS_PRIORITY : 0
      low = @trace_id & 0xffff_ffff_ffff_ffff
      [SIZE, @trace_id >> 64, low, @span_id, @sampling_priority.to_i, @decision_maker, flags, 0].pack(LAYOUT)
    end

    def self.unpack(bytes)
      _size, high, low, span_id, priority, decision_maker, flags = bytes.unpack(LAYOUT)
      priority = nil if (flags & HAS_PRIORITY).zero?
      new(trace_id: high << 64 | low, span_id: span_id, sampling_priority: priority, decision_maker: decision_maker)
    end

    def ==(other)
      other.is_a?(Context) && pack == other.pack
    end
    alias eql? ==

    def hash
      pack.hash
    end
  end
end
