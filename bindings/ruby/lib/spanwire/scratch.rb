# frozen_string_literal: true

module Spanwire
  # Native memory of one thread, in which a call's structures are laid out: spanwire_span_options and what it points to,
  # spanwire_context, and room for answers. One crossing starts a span with everything that is known of it.
  #
  # Texts are copied here because Ruby may move a string while it is being read.
  class Scratch
    ANSWER = 64 # bytes at the beginning, for what the library writes
    OPTIONS = 128 # sizeof(spanwire_span_options)
    CONTEXT = 48 # sizeof(spanwire_context)
    TAG = 32 # sizeof(spanwire_tag)
    METRIC = 24 # sizeof(spanwire_metric)
    USUAL = 4096
    EXACT = (-(2**53)..2**53).freeze # integers that a double holds

    NOTHING = [].freeze

    def initialize(capacity = USUAL)
      @memory = FFI::MemoryPointer.new(capacity)
      @address = @memory.address
      @capacity = capacity
      @answer = @memory.slice(0, ANSWER)
      @options = @memory.slice(ANSWER, capacity - ANSWER)
    end

    # Starts a span; 0 where there is none. `parent` is a span's number, 0, or a Context; texts are strings or nil.
    def start(tracer, parent, name, service, resource, type, start_ns, tags)
      texts, numbers = tags ? sort(tags) : [NOTHING, NOTHING]
      at = ANSWER + OPTIONS + CONTEXT + TAG * (texts.size / 2) + METRIC * (numbers.size / 2)
      need = at + name.bytesize + (service ? service.bytesize : 0) + (resource ? resource.bytesize : 0) +
             (type ? type.bytesize : 0) + bytes(texts) + bytes_of_keys(numbers)
      return Scratch.new(need).start(tracer, parent, name, service, resource, type, start_ns, tags) if need > @capacity

      tags_at = ANSWER + OPTIONS + CONTEXT
      metrics_at = tags_at + TAG * (texts.size / 2)
      context = parent.is_a?(Context) ? context_at(ANSWER + OPTIONS, parent) : 0
      words = [OPTIONS, context.zero? ? parent : 0, context]
      at = put_text(words, name, at)
      at = put_text(words, service, at)
      at = put_text(words, resource, at)
      at = put_text(words, type, at)
      words.push(start_ns, @address + tags_at, texts.size / 2, @address + metrics_at, numbers.size / 2)
      @memory.put_array_of_uint64(ANSWER, words)
      at = put_tags(texts, tags_at, at) unless texts.empty?
      put_numbers(numbers, metrics_at, at) unless numbers.empty?

      @memory.put_uint64(0, 0)
      Native.span_start_with(tracer, @options, @answer)
      @memory.get_uint64(0)
    end

    # Sets text tags, pairs of texts one after the other, in one call.
    def set_tags(span, texts)
      count = texts.size / 2
      need = ANSWER + TAG * count + bytes(texts)
      return Scratch.new(need).set_tags(span, texts) if need > @capacity

      put_tags(texts, ANSWER, ANSWER + TAG * count)
      Native.span_set_tags(span, @options, count)
    end

    # What children of this span need elsewhere; nil where there is no such span.
    def context(span)
      @memory.put_uint64(0, CONTEXT)
      Context.unpack(@memory.get_bytes(8, CONTEXT - 8)) if Native.span_context(span, @answer).zero?
    end

    # An id as text (SPANWIRE_ID_…); nil where there is no such span.
    def id_text(span, kind)
      @answer.get_string(0) if Native.span_id_text(span, kind, @answer, ANSWER, nil).zero?
    end

    # Text that the library writes: `yield`s buffer, capacity and where the needed size goes, again if need be.
    def answer
      need = @memory.slice(0, 8)
      buffer = @options
      2.times do
        status = yield buffer, buffer.size, need
        return buffer.get_string(0).force_encoding(Encoding::UTF_8) if status.zero?
        return if status != Native::LIMIT

        buffer = FFI::MemoryPointer.new(need.get_uint64(0))
      end
      nil
    end

    # Tags as the library takes them: texts and numbers apart, key after value. Tags that are nil are not set.
    def sort(tags)
      texts = []
      numbers = []
      tags.each do |key, value|
        case value
        when String then texts.push(Text.from(key), Text.from(value))
        when Float then numbers.push(Text.from(key), value)
        when Integer
          EXACT.cover?(value) ? numbers.push(Text.from(key), value) : texts.push(Text.from(key), value.to_s)
        when nil then next
        else texts.push(Text.from(key), Text.from(value))
        end
      end
      [texts, numbers]
    end

    private

    def put_text(words, text, at)
      return words.push(0, 0) && at if text.nil?

      length = text.bytesize
      words.push(@address + at, length)
      @memory.put_bytes(at, text)
      at + length
    end

    def put_tags(texts, to, at)
      words = []
      texts.each { |text| at = put_text(words, text, at) }
      @memory.put_array_of_uint64(to, words)
      at
    end

    def put_numbers(numbers, to, at)
      numbers.each_slice(2) do |key, value|
        length = key.bytesize
        @memory.put_bytes(at, key)
        @memory.put_array_of_uint64(to, [@address + at, length])
        @memory.put_float64(to + 16, value)
        to += METRIC
        at += length
      end
    end

    def context_at(at, context)
      @memory.put_uint64(at, CONTEXT)
      @memory.put_bytes(at + 8, context.pack)
      @address + at
    end

    def bytes(texts)
      sum = 0
      texts.each { |text| sum += text.bytesize }
      sum
    end

    def bytes_of_keys(numbers)
      sum = 0
      numbers.each_slice(2) { |key, _| sum += key.bytesize }
      sum
    end
  end
end
