# frozen_string_literal: true

module Spanwire
  # Native memory of one thread, in which a call's structures are laid out, so that one crossing starts a span with
  # everything that is known of it. From the front: room for answers, a spanwire_context, the texts, and behind them
  # spanwire_span_options with its arrays of tags and metrics.
  #
  # Texts are copied here because Ruby may move a string while it is being read.
  class Scratch
    ANSWER = 64
    CONTEXT = Abi::SIZES.fetch(:context)
    TEXTS = ANSWER + CONTEXT
    OPTIONS = Abi::SIZES.fetch(:span_options)
    WORD = 8
    TAG_WORDS = Abi::SIZES.fetch(:tag) / WORD
    METRIC = Abi::SIZES.fetch(:metric)
    METRIC_VALUE = Abi::OFFSETS.fetch(:metric).fetch(:value)
    USUAL = 8192
    LARGEST = 1 << 26 # what SPANWIRE_MEMORY_MAX would refuse anyway
    EXACT = (-(2**53)..2**53).freeze # integers that a double holds

    def initialize(capacity = USUAL)
      @capacity = capacity
      @memory = FFI::MemoryPointer.new(capacity)
      @address = @memory.address
      @answer = @memory.slice(0, ANSWER)
      @end = 0
    end

    # Starts a span; 0 where there is none. `parent` is a span's number, 0, or a Context; texts are strings or nil.
    def start(tracer, parent, name, service, resource, type, start_ns, tags)
      @end = TEXTS
      context = 0
      context, parent = put_context(parent), 0 unless parent.is_a?(Integer)
      words = [OPTIONS, parent, context]
      put(words, name)
      service ? put(words, service) : words.push(0, 0)
      resource ? put(words, resource) : words.push(0, 0)
      type ? put(words, type) : words.push(0, 0)
      words << start_ns
      if tags
        put_with_tags(words, tags)
      else
        words.push(0, 0, 0, 0)
        @memory.put_array_of_uint64(options_at, words)
      end
      @memory.put_uint64(0, 0)
      Native.span_start_with(tracer, @address + options_at, @address)
      @memory.get_uint64(0)
    rescue IndexError # the texts do not fit
      raise if @capacity >= LARGEST

      Scratch.new(@capacity * 8).start(tracer, parent, name, service, resource, type, start_ns, tags)
    end

    # Sets several tags: texts in one call, numbers in one each.
    def set_tags(span, tags)
      @end = TEXTS
      words = []
      numbers = {}
      put_tags(words, tags) { |key, value| numbers[key] = value }
      @memory.put_array_of_uint64(options_at, words)
      Native.span_set_tags(span, @address + options_at, words.size / TAG_WORDS)
      numbers.each { |key, value| Native.span_set_metric_n(span, key, key.bytesize, value) }
    rescue IndexError
      raise if @capacity >= LARGEST

      Scratch.new(@capacity * 8).set_tags(span, tags)
    end

    # What children of this span need elsewhere; nil where there is no such span.
    def context(span)
      @memory.put_uint64(0, CONTEXT)
      Context.unpack(@memory.get_bytes(0, CONTEXT)) if Native.span_context(span, @answer).zero?
    end

    # An id as text (SPANWIRE_ID_…); nil where there is no such span.
    def id_text(span, kind)
      @answer.get_string(0) if Native.span_id_text(span, kind, @answer, ANSWER, nil).zero?
    end

    # Text that the library writes: yields buffer, capacity and where the needed size goes, again if need be.
    def answer
      buffer = @memory.slice(ANSWER, @capacity - ANSWER)
      2.times do
        status = yield buffer, buffer.size, @answer
        need = @answer.get_uint64(0)
        return buffer.get_bytes(0, need - 1).force_encoding(Encoding::UTF_8) if status.zero?
        return if status != Abi::E_LIMIT

        buffer = FFI::MemoryPointer.new(need)
      end
      nil
    end

    private

    # Where the structures go: behind the texts, aligned.
    def options_at
      (@end + 7) & ~7
    end

    # Copies a text, and adds its address and length to the words.
    def put(words, text)
      length = text.bytesize
      @memory.put_bytes(@end, text)
      words.push(@address + @end, length)
      @end += length
    end

    def put_context(context)
      @memory.put_bytes(ANSWER, context.pack)
      @address + ANSWER
    end

    # Adds the words of text tags; numbers are yielded, tags that are nil left out.
    def put_tags(words, tags)
      tags.each do |key, value|
        case value
        when String
          put(words, Text.from(key))
          put(words, Text.from(value))
        when Float then yield Text.from(key), value
        when nil then next
        else
          key = Text.from(key)
          next yield key, value if EXACT === value && value.is_a?(Integer)

          put(words, key)
          put(words, Text.from(value))
        end
      end
    end

    # Writes the options and, right behind them, their tags and metrics.
    def put_with_tags(words, tags)
      texts = []
      metrics = []
      numbers = []
      put_tags(texts, tags) do |key, value|
        put(metrics, key)
        metrics << 0
        numbers << value
      end
      at = options_at
      texts_at = at + OPTIONS
      metrics_at = texts_at + texts.size * WORD
      words.push(@address + texts_at, texts.size / TAG_WORDS, @address + metrics_at, numbers.size)
      @memory.put_array_of_uint64(at, words.concat(texts, metrics))
      numbers.each_with_index { |value, n| @memory.put_float64(metrics_at + n * METRIC + METRIC_VALUE, value) }
    end
  end
end
