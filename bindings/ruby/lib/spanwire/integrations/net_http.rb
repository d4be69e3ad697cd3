# frozen_string_literal: true

require "net/http"
require_relative "../../spanwire"
require_relative "http"

module Spanwire
  module Integrations
    # Net::HTTP: a client span for each request, whose headers continue the trace in the other service. A connection that
    # `start` cannot open is a span, too. Requests to the Agent, and of a Logger that is being given the tracer's log, are
    # not traced. Loading this file is enough.
    module NetHttp
      # Prepended to Net::HTTP. `request` opens the connection if it is not open, and calls itself for that.
      module Hook
        def request(request, body = nil, &block)
          return super if @spanwire_busy || NetHttp.untraced?(self, request)

          begin
            @spanwire_busy = true
            Spanwire.trace("http.request", **NetHttp.options(self, request)) do |span|
              Propagation.inject(request, span)
              response = super(request, body, &block)
              NetHttp.answered(span, response)
              response
            end
          ensure
            @spanwire_busy = false
          end
        end

        private

        def connect
          started = Time.now
          super
        rescue StandardError => e
          NetHttp.unconnected(self, started, e) unless @spanwire_busy || NetHttp.untraced?(self, nil)
          raise
        end
      end

      # A tracer sets it on what it sends to the Agent.
      OF_A_TRACER = "datadog-meta-tracer-version"
      PORTS = { "http" => 80, "https" => 443 }.freeze
      LOCAL = %w[localhost 127.0.0.1 ::1].freeze
      private_constant :OF_A_TRACER, :PORTS, :LOCAL

      class << self
        def untraced?(http, request)
          Scope.current.muted || !Spanwire.tracer.enabled? || !(request && request[OF_A_TRACER]).nil? || agent?(http)
        rescue StandardError # such as in a Ractor
          true
        end

        # The arguments of `trace`.
        def options(http, request)
          scheme = http.use_ssl? ? "https" : "http"
          port = ":#{http.port}" unless http.port == PORTS[scheme]
          url = request.path.to_s.include?("://") ? request.path : "#{scheme}://#{http.address}#{port}#{request.path}"
          tags = { "operation" => "request", "http.method" => request.method, "http.url" => Http.url(url) }
          { type: "http", resource: request.method, tags: peer(http).merge(tags) }
        rescue StandardError # a request that is none: Net::HTTP complains
          { type: "http" }
        end

        def answered(span, response)
          span.set_tag("http.status_code", response.code)
          span.set_error("HTTP status #{response.code}") if response.code.to_i >= 400
        rescue StandardError
          nil
        end

        def unconnected(http, started, error)
          span = Spanwire.start_span("http.connect", type: "http", resource: "CONNECT", start_time: started,
                                                     tags: peer(http).merge("operation" => "connect"))
          span.set_error(error).finish
        rescue StandardError
          nil
        end

        private

        def peer(http)
          { "component" => "net/http", "span.kind" => "client", "out.host" => http.address,
            "network.destination.port" => http.port }
        end

        # Whether a connection leads to the tracer's Agent.
        def agent?(http)
          host, port = Spanwire.tracer.agent
          return false unless http.port == port

          address = http.address.delete("[]")
          address == host || (LOCAL.include?(host) && LOCAL.include?(address))
        end
      end

      ::Net::HTTP.prepend(Hook)
    end
  end
end
