# frozen_string_literal: true

module Spanwire
  # A span. Calls on a finished span, or on one of the process that this one was forked from, do nothing.
  class Span
    # The library's handle, not the id that is sent.
    attr_reader :handle

    def initialize(handle)
      @handle = handle
    end

    # Sets a tag: a number if a double holds the value exactly, else a text. nil removes the tag.
    def set_tag(key, value)
      case value
      when Float then number(key, value)
      when Integer
        Scratch::EXACT.cover?(value) ? number(key, value) : set_tag(key, value.to_s)
      when nil then remove_tag(key)
      else
        key = Text.from(key)
        value = Text.from(value)
        Native.span_set_tag_n(@handle, key, key.bytesize, value, value.bytesize)
      end
      self
    rescue StandardError
      self
    end
    alias []= set_tag

    # Sets several tags; texts go in one call.
    def set_tags(tags)
      Scope.current.scratch { |memory| memory.set_tags(@handle, tags) }
      self
    rescue StandardError
      self
    end

    def remove_tag(key)
      Native.span_remove_tag(@handle, Text.terminated(key))
      self
    rescue StandardError
      self
    end

    # Sets a tag with its type, as OpenTelemetry does: an array becomes key.0, key.1 and so on. nil removes the tag.
    def set_attribute(key, value)
      value.nil? ? remove_tag(key) : set_attributes(key => value)
    end

    # Sets several tags with their types: texts, booleans, numbers, or arrays of one of these. nil is left out.
    def set_attributes(attributes)
      Attributes.new.span(attributes) { |list, count| Native.span_set_attributes(@handle, list, count) }
      self
    rescue StandardError
      self
    end

    # Adds a structured value (meta_struct): a map, encoded as MessagePack.
    def set_meta_struct(key, bytes)
      key = Text.terminated(key)
      memory = FFI::MemoryPointer.new(:char, bytes.bytesize)
      Native.span_set_meta_struct(@handle, key, memory.put_bytes(0, bytes), bytes.bytesize)
      self
    rescue StandardError
      self
    end

    # Adds an event, now or at a Time. Attributes are as in set_attributes; their types stay.
    def add_event(name, attributes = {}, time: nil)
      Attributes.new.event(name, attributes, time) { |event| Native.span_add_event(@handle, event) }
      self
    rescue StandardError
      self
    end

    # Adds a link to the span of a Context, to a span that is open, or to what a request carried.
    def add_link(context, attributes = {})
      context = context.context unless context.is_a?(Context)
      Attributes.new.link(context, attributes) { |link| Native.span_add_link(@handle, link) }
      self
    rescue StandardError
      self
    end

    # Returns a tag's value as text; nil if there is none.
    def get_tag(key)
      key = Text.terminated(key)
      Scope.current.scratch do |memory|
        memory.answer { |buffer, capacity, need| Native.span_get_tag(@handle, key, buffer, capacity, need) }
      end
    rescue StandardError
      nil
    end
    alias [] get_tag

    def name=(name)
      Native.span_set_name(@handle, Text.terminated(name))
    rescue StandardError
      nil
    end

    def service=(service)
      Native.span_set_service(@handle, Text.terminated(service))
    rescue StandardError
      nil
    end

    def resource=(resource)
      @resource = true
      resource = Text.from(resource)
      Native.span_set_resource_n(@handle, resource, resource.bytesize)
    rescue StandardError
      nil
    end

    # Whether `resource=` was called. An integration then leaves the resource as it is.
    def resource? = @resource == true

    def type=(type)
      Native.span_set_type(@handle, Text.terminated(type))
    rescue StandardError
      nil
    end

    # Sets the sampling priority of the trace: -1 reject by the user, 0 reject, 1 keep, 2 keep by the user.
    def sampling_priority=(priority)
      Native.span_set_priority(@handle, priority)
    rescue StandardError
      nil
    end

    # Marks the span as failed: with an exception's class, message and backtrace, or with a text alone.
    def set_error(error)
      type = Text.from(error.is_a?(Exception) ? error.class : "")
      message = Text.from(error.is_a?(Exception) ? error.message : error)
      stack = Text.from(error.is_a?(Exception) ? error.full_message(highlight: false, order: :top) : "")
      fail_with(type, message, stack)
    rescue StandardError # an exception whose own methods raise
      fail_with(Text.from(error.class), "", "")
    end

    # Finishes the span, now or at a Time.
    def finish(end_time = nil)
      return Native.span_finish(@handle) && nil unless end_time

      Native.span_finish_at(@handle, Span.nanoseconds(end_time)) && nil
    rescue StandardError # no Time, or a Ractor that may not call the library
      end_time ? finish : nil
    end

    # Ends the span without sending it.
    def discard
      Native.span_discard(@handle)
      nil
    rescue StandardError
      nil
    end

    # Returns the parent for late children and for children on other threads; nil when the span is finished.
    def context
      Scope.current.scratch { |memory| memory.context(@handle) }
    rescue StandardError
      nil
    end

    # Sets the headers that continue the trace in another service, as Propagation.inject does. Returns `headers`.
    def inject(headers) = Propagation.inject(headers, self)

    # The kind of system that began the trace, such as "synthetics"; nil if it is not known, or the span is finished.
    def origin = Span.origin_of(:span_get_origin, @handle)

    # The span's baggage: texts that go to later children and to other services.
    def baggage = Baggage.new(:span, @handle)

    # The ids as in logs (dd.trace_id, dd.span_id); nil when the span is finished.
    def trace_id
      id_text(Abi::ID_TRACE)
    end

    def trace_id_hex
      id_text(Abi::ID_TRACE_HEX)
    end

    def span_id
      id_text(Abi::ID_SPAN)
    end

    # The fields for a line of the application's log, in one text: "dd.trace_id=… dd.span_id=… dd.service=…", or members
    # of a JSON object without its braces. No ids when the span is finished; empty with DD_LOGS_INJECTION=false.
    def log_correlation(json: false)
      Span.log_fields(Spanwire.tracer.handle, @handle, json)
    end

    # The same for a handle of a tracer and of a span; either may be 0.
    def self.log_fields(tracer, span, json)
      form = json ? Abi::LOG_FIELDS_JSON : Abi::LOG_FIELDS_TEXT
      Scope.current.scratch { |memory| memory.log_fields(tracer, span, form) }
    rescue StandardError # a Ractor that may not call the library
      ""
    end

    # What the library's function answers for a handle.
    def self.origin_of(function, handle)
      Scope.current.scratch do |memory|
        memory.answer { |buffer, capacity, need| Native.public_send(function, handle, buffer, capacity, need) }
      end
    rescue StandardError # a Ractor that may not call the library
      nil
    end

    # Whether this is no real span.
    def null?
      false
    end

    def self.nanoseconds(time)
      time.to_i * 1_000_000_000 + time.nsec
    end

    private

    def number(key, value)
      key = Text.from(key)
      Native.span_set_metric_n(@handle, key, key.bytesize, value)
    end

    def fail_with(type, message, stack)
      Native.span_set_error_n(@handle, filled(type), type.bytesize, message, message.bytesize, filled(stack),
                              stack.bytesize)
      self
    rescue StandardError
      self
    end

    def filled(text)
      text.empty? ? nil : text
    end

    def id_text(kind)
      Scope.current.scratch { |memory| memory.id_text(@handle, kind) }
    rescue StandardError
      nil
    end
  end

  # Used when tracing is off or no span could be started: every call does nothing. Methods are defined with `def`,
  # because a Ractor cannot call methods that are made of blocks.
  class NullSpan
    def name=(_name); end
    def service=(_service); end
    def resource=(_resource); end
    def resource? = true
    def type=(_type); end
    def sampling_priority=(_priority); end
    def handle = 0
    def set_tag(_key, _value) = self
    alias []= set_tag
    def set_tags(_tags) = self
    def remove_tag(_key) = self
    def get_tag(_key) = nil
    alias [] get_tag
    def set_error(_error) = self
    def set_attribute(_key, _value) = self
    def set_attributes(_attributes) = self
    def set_meta_struct(_key, _bytes) = self
    def add_event(_name, _attributes = {}, time: nil) = self
    def add_link(_context, _attributes = {}) = self
    def finish(_end_time = nil) = nil
    def discard = nil
    def context = nil
    def inject(headers) = Propagation.inject(headers, self)
    def origin = nil
    def baggage = Baggage.new(:span, 0)
    def trace_id = nil
    def trace_id_hex = nil
    def span_id = nil
    def log_correlation(json: false) = Spanwire.log_correlation(json: json)
    def null? = true
  end

  # The current span of a process that has become a daemon. It was abandoned with the former process; children in the
  # daemon have it as their parent.
  class DepartedSpan < NullSpan
    attr_reader :context

    # The headers that continue its trace, as they were before the process became a daemon.
    attr_reader :headers

    def initialize(context, headers)
      super()
      @context = context
      @headers = headers.freeze
    end

    # What children in the daemon start with: all that the headers carry, such as origin and baggage. Only the ids where
    # the settings do not let these headers in.
    def parent
      @parent ||= Propagation.extract(@headers).then { |came| came&.trace_id == @context.trace_id ? came : @context }
    end

    def origin = @headers["x-datadog-origin"]
  end
end
