# frozen_string_literal: true

module Spanwire
  # Native memory for the structures of a call, so that one call starts a span with everything that is known. In this
  # order: room for results, a spanwire_context, the texts, spanwire_span_options with its arrays of tags and metrics.
  #
  # Texts are copied here because Ruby may move a string while the library reads it.
  class Scratch
    ANSWER = 64
    CONTEXT = Abi::SIZES.fetch(:context)
    TEXTS = ANSWER + CONTEXT
    OPTIONS = Abi::SIZES.fetch(:span_options)
    WORD = 8
    OPTIONS_WORDS = OPTIONS / WORD
    TAG_WORDS = Abi::SIZES.fetch(:tag) / WORD
    METRIC = Abi::SIZES.fetch(:metric)
    METRIC_VALUE = Abi::OFFSETS.fetch(:metric).fetch(:value)
    USUAL = 8192
    LARGEST = 1 << 26 # the default of SPANWIRE_MEMORY_MAX
    EXACT = (-(2**53)..2**53).freeze # integers that a double holds
    # For a span whose values need no conversion, the structures come first, with room for this many tags.
    SIMPLE_TAGS = 16
    SIMPLE_METRICS_AT = TEXTS + OPTIONS + SIMPLE_TAGS * TAG_WORDS * WORD
    SIMPLE_TEXTS_AT = SIMPLE_METRICS_AT + SIMPLE_TAGS * METRIC
    EMPTY = {}.freeze
    UTF_8 = Encoding::UTF_8

    def initialize(capacity = USUAL)
      @capacity = capacity
      @memory = FFI::MemoryPointer.new(capacity)
      @address = @memory.address
      @answer = @memory.slice(0, ANSWER)
      @options_address = @address + TEXTS
      @simple_address = @address + SIMPLE_TEXTS_AT
      @end = 0
    end

    # Starts a span and returns its handle, or 0. `parent` is a handle, 0, a Context, or a RemoteContext; texts are
    # strings or nil, or what Text makes strings of.
    def start(tracer, parent, name, service, resource, type, start_ns, tags)
      open = context = remote = 0
      if Integer === parent then open = parent
      elsif RemoteContext === parent then remote = parent.handle
      else context = put_context(parent)
      end
      unless put_simple(open, context, remote, name, service, resource, type, start_ns, tags)
        return start_any(tracer, open, context, remote, name, service, resource, type, start_ns, tags)
      end
      Native.span_start_with(tracer, @options_address, @address).zero? ? @memory.get_uint64(0) : 0
    end

    # The same for any values: each text is converted and copied by itself.
    def start_any(tracer, open, context, remote, name, service, resource, type, start_ns, tags)
      @end = TEXTS
      words = [OPTIONS, open, context]
      put(words, Text.from(name))
      [service, resource, type].each { |text| text ? put(words, Text.from(text)) : words.push(0, 0) }
      words << start_ns
      put_with_tags(words, remote, tags || EMPTY)
      Native.span_start_with(tracer, @address + options_at, @address).zero? ? @memory.get_uint64(0) : 0
    rescue IndexError # the texts do not fit
      raise if @capacity >= LARGEST

      larger = Scratch.new(@capacity * 8)
      context = larger.copy_context(@memory) unless context.zero?
      larger.start_any(tracer, open, context, remote, name, service, resource, type, start_ns, tags)
    end

    # Takes over the packed context that is in another memory. Returns its address.
    def copy_context(from)
      @memory.put_bytes(ANSWER, from.get_bytes(ANSWER, CONTEXT))
      @address + ANSWER
    end

    # Sets several tags: all texts in one call, each number in one.
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

    # Returns the Context of a span; nil if there is no such span.
    def context(span)
      @memory.put_uint64(0, CONTEXT)
      Context.unpack(@memory.get_bytes(0, CONTEXT)) if Native.span_context(span, @answer).zero?
    end

    # Reads the context that headers carry: an array of names and values in turn, as bytes. Returns its handle, or 0.
    def extract(tracer, texts)
      @end = TEXTS
      words = []
      texts.each do |text|
        words.push(@address + @end, text.bytesize)
        @end += text.bytesize
      end
      @memory.put_bytes(TEXTS, texts.join)
      @memory.put_array_of_uint64(options_at, words)
      @memory.put_uint64(0, 0)
      Native.context_extract(tracer, @address + options_at, texts.size / 2, @address)
      @memory.get_uint64(0)
    rescue IndexError
      raise if @capacity >= LARGEST

      Scratch.new(@capacity * 8).extract(tracer, texts)
    end

    # Returns ids and sampling decision of a context that came in, as a Context; nil if it has no ids.
    def remote_context(handle)
      @memory.put_uint64(0, CONTEXT)
      Context.unpack(@memory.get_bytes(0, CONTEXT)) if Native.context_get(handle, @answer).zero?
    end

    # Returns an id as text; `kind` is one of Abi::ID_…; nil if there is no such span.
    def id_text(span, kind)
      @answer.get_string(0) if Native.span_id_text(span, kind, @answer, ANSWER, nil).zero?
    end

    # Returns the fields for a line of the application's log. They are also there for a span that is finished, then
    # without ids.
    def log_fields(tracer, span, form)
      buffer = @memory.slice(ANSWER, @capacity - ANSWER)
      buffer.put_uint8(0, 0)
      if Native.log_correlation(tracer, span, form, buffer, buffer.size, @answer) == Abi::E_LIMIT
        buffer = FFI::MemoryPointer.new(@answer.get_uint64(0))
        Native.log_correlation(tracer, span, form, buffer, buffer.size, @answer)
      end
      buffer.get_string(0).force_encoding(Encoding::UTF_8)
    end

    # Returns text that the library writes: yields buffer, capacity and the place for the needed size; once more if the
    # buffer was too small.
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

    # Where the structures go: after the texts, aligned.
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

    # Adds the words of text tags. Yields numbers; skips nil.
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

    # Writes a span whose values need no conversion: strings in encodings that are sent as they are, few tags, and numbers
    # that a double holds. Most spans are like that. Returns nil for others. There are few steps and no calls of Ruby methods
    # in it, because each costs as much as copying a text.
    def put_simple(open, context, remote, name, service, resource, type, start_ns, tags)
      return unless String === name && (!service || String === service) && (!resource || String === resource) &&
                    (!type || String === type)

      texts = "#{name}#{service}#{resource}#{type}"
      at = @simple_address
      words = [OPTIONS, open, context, at, size = name.bytesize,
               service ? (at += size) : 0, service ? (size = service.bytesize) : 0,
               resource ? (at += size) : 0, resource ? (size = resource.bytesize) : 0,
               type ? (at += size) : 0, type ? (size = type.bytesize) : 0,
               start_ns, 0, 0, 0, 0, remote]
      return unless texts.encoding.equal?(UTF_8) || texts.ascii_only?

      @memory.put_bytes(SIMPLE_TEXTS_AT, texts)
      return unless !tags || put_simple_tags(words, at + size - @address, tags)

      @memory.put_array_of_uint64(TEXTS, words)
    rescue Encoding::CompatibilityError, IndexError # IndexError: the texts do not fit
      nil
    end

    # Writes the tags, their texts from `at` on, and adds them to the words. Numbers are written at once.
    def put_simple_tags(words, at, tags)
      return if tags.size > SIMPLE_TAGS

      memory = @memory
      address = @address
      number_at = SIMPLE_METRICS_AT
      tags.each do |key, value|
        key = key.name if Symbol === key
        return nil unless String === key && (key.ascii_only? || key.encoding.equal?(UTF_8))

        memory.put_bytes(at, key)
        size = key.bytesize
        if String === value
          return nil unless value.ascii_only? || value.encoding.equal?(UTF_8)

          memory.put_bytes(value_at = at + size, value)
          words.push(address + at, size, address + value_at, size = value.bytesize)
          at = value_at + size
        elsif Float === value || (Integer === value && EXACT.cover?(value))
          memory.put_uint64(number_at, address + at)
          memory.put_uint64(number_at + WORD, size)
          memory.put_float64(number_at + METRIC_VALUE, value)
          number_at += METRIC
          at += size
        else
          return nil
        end
      end
      words[12] = @options_address + OPTIONS
      words[13] = (words.size - OPTIONS_WORDS) / TAG_WORDS
      words[14] = address + SIMPLE_METRICS_AT
      words[15] = (number_at - SIMPLE_METRICS_AT) / METRIC
    end

    # Writes the options, followed by their tags and metrics.
    def put_with_tags(words, remote, tags)
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
      words.push(@address + texts_at, texts.size / TAG_WORDS, @address + metrics_at, numbers.size, remote)
      @memory.put_array_of_uint64(at, words.concat(texts, metrics))
      numbers.each_with_index { |value, n| @memory.put_float64(metrics_at + n * METRIC + METRIC_VALUE, value) }
    end
  end
end
