# frozen_string_literal: true

module Spanwire
  # Trace contexts in the headers of requests. The settings DD_TRACE_PROPAGATION_STYLE_EXTRACT and …_INJECT choose the
  # styles: by default `datadog`, `tracecontext` and `baggage`.
  #
  #   context = Spanwire::Propagation.extract(env)
  #   Spanwire.tracer.trace("rack.request", continue_from: context) do
  #     Spanwire::Propagation.inject(request)   # a Hash, or a Net::HTTP request
  #   end
  module Propagation
    module_function

    # Reads the context that a request carries: from Rack's env, or from any Hash of headers, with names in any case, as
    # texts or symbols, with dashes or underscores. Returns a RemoteContext; nil if the headers have none. Never raises.
    def extract(headers)
      tracer = Spanwire.tracer.handle
      return if tracer.zero? || headers.nil?

      texts = texts_of(headers)
      return if texts.empty?

      handle = Scope.current.scratch { |memory| memory.extract(tracer, texts) }
      handle.zero? ? nil : RemoteContext.new(handle)
    rescue StandardError
      nil
    end

    # Sets the headers that continue the trace of `span`, a Span or a RemoteContext, in another service. `headers` is a
    # Hash or anything with `[]=`; names are in lower case. Returns `headers`. Never raises itself.
    def inject(headers, span = Spanwire.current_span)
      if span.is_a?(DepartedSpan)
        span.headers.each { |name, value| headers[name] = value }
        return headers
      end
      lines_of(span).each_line(chomp: true) do |line|
        name, value = line.split(": ", 2)
        headers[name] = value
      end
      headers
    end

    # The headers that contexts are read from, to be looked up in Rack's env.
    NAMES = %w[
      x-datadog-trace-id x-datadog-parent-id x-datadog-sampling-priority x-datadog-origin x-datadog-tags
      traceparent tracestate x-b3-traceid x-b3-spanid x-b3-sampled x-b3-flags b3 baggage
    ].to_h { |name| ["HTTP_#{name.upcase.tr("-", "_")}".freeze, name.freeze] }.freeze
    # Every request in Rack has it, and no header of a Hash is named so.
    RACK = "REQUEST_METHOD"
    PREFIX = "HTTP_"
    private_constant :NAMES, :RACK, :PREFIX

    # Names and values in turn, as bytes. An Array as a value is a header that came several times.
    def texts_of(headers)
      texts = []
      if headers.is_a?(Hash) && headers.key?(RACK)
        NAMES.each { |key, name| add(texts, name, headers[key]) }
      else
        headers.each do |name, value|
          name = name.name if name.is_a?(Symbol)
          next unless name.is_a?(String)

          name = name.b
          name.tr!("_", "-") unless name.start_with?(PREFIX)
          add(texts, name, value)
        end
      end
      texts
    end

    def add(texts, name, value)
      case value
      when nil then nil
      when Array then value.each { |one| texts.push(name, one.to_s.b) }
      else texts.push(name, value.to_s.b)
      end
    end

    def lines_of(span)
      return "" if span.nil? || span.handle.zero?

      function = span.is_a?(RemoteContext) ? :context_inject_text : :span_inject_text
      text = Scope.current.scratch do |memory|
        memory.answer do |buffer, capacity, need|
          Native.public_send(function, span.handle, buffer, capacity, need)
        end
      end
      text || ""
    rescue StandardError
      ""
    end
    private_class_method :texts_of, :add, :lines_of
  end
end
