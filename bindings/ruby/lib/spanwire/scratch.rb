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
    KEPT = 16_384 # bytes of names and keys that stay
    KEPT_SIZE = 128 # of each of them at most
    UTF_8 = Encoding::UTF_8

    def initialize(capacity = USUAL)
      @capacity = capacity
      @memory = FFI::MemoryPointer.new(capacity)
      @address = @memory.address
      @answer = @memory.slice(0, ANSWER)
      @options_address = @address + TEXTS
      @kept = {}
      @kept_end = 0
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
    # that a double holds. Most spans are like that. Returns nil for others. There are few calls in it, because each costs as
    # much as copying a long text.
    def put_simple(open, context, remote, name, service, resource, type, start_ns, tags)
      @end = SIMPLE_TEXTS_AT
      return unless (name = @kept[name] || keep(name)) && (!service || (service = @kept[service] || keep(service))) &&
                    (!type || (type = @kept[type] || keep(type)))

      resource_at = resource_size = 0
      if resource
        return unless String === resource && (resource.ascii_only? || resource.encoding.equal?(UTF_8))

        @memory.put_bytes(@end, resource)
        resource_at = @address + @end
        @end += resource_size = resource.bytesize
      end
      words = [OPTIONS, open, context, name[0], name[1], service ? service[0] : 0, service ? service[1] : 0, resource_at,
               resource_size, type ? type[0] : 0, type ? type[1] : 0, start_ns, 0, 0, 0, 0, remote]
      @memory.put_array_of_uint64(TEXTS, words) if !tags || put_simple_tags(words, tags)
    rescue IndexError # the texts do not fit
      nil
    end

    # Writes texts and numbers of the tags, and adds the texts to the words.
    def put_simple_tags(words, tags)
      return if tags.size > SIMPLE_TAGS

      memory = @memory
      kept = @kept
      number_at = SIMPLE_METRICS_AT
      tags.each do |key, value|
        key = kept[key] || keep(key)
        return nil unless key

        if String === value
          return nil unless value.ascii_only? || value.encoding.equal?(UTF_8)

          memory.put_bytes(@end, value)
          words.push(key[0], key[1], @address + @end, size = value.bytesize)
          @end += size
        elsif Float === value || (Integer === value && EXACT.cover?(value))
          memory.put_uint64(number_at, key[0])
          memory.put_uint64(number_at + WORD, key[1])
          memory.put_float64(number_at + METRIC_VALUE, value)
          number_at += METRIC
        else
          return nil
        end
      end
      words[12] = @options_address + OPTIONS
      words[13] = (words.size - OPTIONS_WORDS) / TAG_WORDS
      words[14] = @address + SIMPLE_METRICS_AT
      words[15] = (number_at - SIMPLE_METRICS_AT) / METRIC
    end

    # Returns address and size of a name or a key in native memory. A program has few of them, so that the first ones stay
    # there; others are written for this span alone. Returns nil for what is no text.
    def keep(text)
      return unless String === text || Symbol === text

      string = Text.from(text)
      size = string.bytesize
      if size > KEPT_SIZE || @kept_end + size > KEPT
        @memory.put_bytes(@end, string)
        @end += size
        return [@address + @end - size, size]
      end
      @kept_memory ||= FFI::MemoryPointer.new(KEPT)
      @kept_memory.put_bytes(@kept_end, string)
      @kept_end += size
      @kept[text] = [@kept_memory.address + @kept_end - size, size].freeze
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
