# frozen_string_literal: true

module Spanwire
  # Attributes of spans, links and events as the library takes them. Keeps what the structures point to until the block has
  # ended.
  class Attributes
    EXACT = (-(2**63)...2**63)
    private_constant :EXACT

    def initialize
      @kept = []
    end

    # Yields address and length of an array of spanwire_attribute.
    def span(attributes)
      address, count = list(attributes)
      yield FFI::Pointer.new(address), count
    end

    # Yields the address of a spanwire_span_event. No time means now.
    def event(name, attributes, time)
      name = Text.from(name)
      time = time ? Span.nanoseconds(time) : 0
      yield structure(:span_event, address(name), name.bytesize, time, *list(attributes))
    end

    # Yields the address of a spanwire_span_link to the span of a Context.
    def link(context, attributes)
      priority = context.sampling_priority
      flags = priority ? Abi::LINK_HAS_FLAGS | (priority.positive? ? 1 : 0) : 0
      low = context.trace_id & 0xffff_ffff_ffff_ffff
      yield structure(:span_link, context.trace_id >> 64, low, context.span_id, 0, 0, *list(attributes), flags)
    end

    private

    def structure(name, *fields)
      keep([Abi::SIZES.fetch(name), *fields].pack(Abi::LAYOUTS.fetch(name)))
    end

    # Address and length of an array of spanwire_attribute.
    def list(attributes)
      packed = attributes.to_h.compact.filter_map { |key, value| attribute(key, value) }
      packed.empty? ? [0, 0] : [address(packed.join), packed.size]
    end

    # nil if the value's own methods raise: the others are kept.
    def attribute(key, value)
      key = Text.from(key)
      head = [address(key), key.bytesize]
      fields = value.is_a?(Array) ? [Abi::VALUE_ARRAY, 0, 0, 0.0, 0, 0, *values(value)] : scalar(value) + [0, 0]
      (head + fields).pack(Abi::LAYOUTS.fetch(:attribute))
    rescue StandardError
      nil
    end

    # Address and length of an array of spanwire_value.
    def values(array)
      [address(array.map { |value| scalar(value).pack(Abi::LAYOUTS.fetch(:value)) }.join), array.size]
    end

    # Type, boolean, integer, number, address and length of the text.
    def scalar(value)
      case value
      when true, false then [Abi::VALUE_BOOLEAN, value ? 1 : 0, 0, 0.0, 0, 0]
      when Float then [Abi::VALUE_FLOATING, 0, 0, value, 0, 0]
      when Integer then EXACT.cover?(value) ? [Abi::VALUE_INTEGER, 0, value, 0.0, 0, 0] : text(value)
      else text(value)
      end
    end

    def text(value)
      text = Text.from(value)
      [Abi::VALUE_TEXT, 0, 0, 0.0, address(text), text.bytesize]
    end

    def address(bytes)
      bytes.empty? ? 0 : keep(bytes).address
    end

    def keep(bytes)
      memory = FFI::MemoryPointer.new(:char, bytes.bytesize)
      memory.put_bytes(0, bytes)
      @kept << memory
      memory
    end
  end
end
