# frozen_string_literal: true

require_relative "../../spanwire"
require_relative "http"

module Spanwire
  module Integrations
    # Middleware for any Rack application: a span for each request, which continues the trace of the headers and is the
    # current span while the application and the body run. It never raises itself.
    #
    #   use Spanwire::Integrations::Rack
    class Rack
      # Where Rack's env holds the request's span.
      SPAN = "spanwire.request_span"
      # Where frameworks put an exception that they answered with an error page.
      EXCEPTIONS = %w[action_dispatch.exception sinatra.error].freeze
      private_constant :EXCEPTIONS

      def initialize(app)
        @app = app
      end

      def call(env)
        return @app.call(env) if env[SPAN] # the middleware is in use twice

        span = start(env)
        return @app.call(env) if span.nil? || span.null?

        env[SPAN] = span
        response = nil
        scope = Scope.current
        outer = scope.span
        begin
          scope.span = span
          response = @app.call(env)
        rescue Exception => e # any exception, which is raised again
          span.set_error(e) unless e.is_a?(SystemExit) && e.success?
          raise
        ensure
          scope.span = outer
          leave(span, scope) unless response
        end
        answer(env, span, response)
      end

      private

      def start(env)
        context = Propagation.extract(env)
        verb = env["REQUEST_METHOD"]
        tags = { "component" => "rack", "operation" => "request", "span.kind" => "server", "http.method" => verb,
                 "http.url" => url(env), "http.useragent" => env["HTTP_USER_AGENT"] }
        Spanwire.start_span("rack.request", type: "web", resource: verb, tags: tags, continue_from: context)
      rescue StandardError
        nil
      ensure
        context&.free
      end

      def url(env)
        host = env["HTTP_HOST"] || "#{env["SERVER_NAME"]}:#{env["SERVER_PORT"]}"
        parts = [env["rack.url_scheme"], "://", host, env["SCRIPT_NAME"], env["PATH_INFO"], "?", env["QUERY_STRING"]]
        Http.url(parts.map { |part| part.to_s.b }.join) # as bytes, because the encodings of parts may differ
      rescue StandardError
        nil
      end

      # The application did not return: by an exception, by a throw, or by a Timeout, which may throw.
      def leave(span, scope)
        span.set_error(scope.timeout) if scope.timeout
        span.finish
      end

      # Returns the response whose body ends the span. An Array is complete and is passed on as it is, because servers
      # treat it differently. The server closes no body after a hijack.
      def answer(env, span, response)
        status, headers, body = response
        describe(env, span, status)
        if body.is_a?(Array) || body.nil? || env["rack.hijack_io"] || headers&.key?("rack.hijack")
          span.finish
          return response
        end
        [status, headers, Body.new(body, span)]
      rescue StandardError # no response of Rack: the server complains
        span.finish
        response
      end

      def describe(env, span, status)
        status = status.to_i
        span.set_tag("http.status_code", status.to_s)
        route = env["sinatra.route"] || "#{env["REQUEST_METHOD"]} #{status}"
        span.resource = route unless span.resource?
        return if status < 500 || span["error.message"]

        span.set_error(EXCEPTIONS.filter_map { |name| env[name] }.first || "HTTP status #{status}")
      end
    end
  end
end

require_relative "rack_body"
