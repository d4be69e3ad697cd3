# frozen_string_literal: true

require_relative "helper"

class RackTest < ProgramTest
  # A request as a server passes it on.
  ENVIRONMENT = <<~'RUBY'
    require "spanwire/integrations/rack"
    def env(more = {})
      { "REQUEST_METHOD" => "GET", "rack.url_scheme" => "http", "HTTP_HOST" => "shop:8080", "SCRIPT_NAME" => "/a",
        "PATH_INFO" => "/cart", "QUERY_STRING" => "item=7&token=secret", "HTTP_USER_AGENT" => "curl" }.merge(more)
    end
    def app(&block) = Spanwire::Integrations::Rack.new(block)
    def finished = Spanwire.stats[:spans_finished]
  RUBY

  def run_well(code, env = {}) = super(ENVIRONMENT + code, env)

  def test_a_request_continues_its_trace_and_is_the_current_span
    outcome = run_well(<<~'RUBY')
      headers = { "HTTP_X_DATADOG_TRACE_ID" => "7", "HTTP_X_DATADOG_PARENT_ID" => "8", "HTTP_X_DATADOG_ORIGIN" => "rum" }
      page = app { |env| trace("inner") {}; [201, { "a" => "b" }, [Spanwire.current_span.equal?(env["spanwire.request_span"]).to_s]] }
      # In use twice.
      p Spanwire::Integrations::Rack.new(page).call(env(headers)), Spanwire.current_span
    RUBY
    assert_equal ['[201, {"a"=>"b"}, ["true"]]', "nil"], outcome.lines
    span = outcome.span("rack.request")
    assert_equal 2, outcome.spans.size
    assert_equal ["8", "web", "GET 201", 0], span.values_at("parent_id", "type", "resource", "error")
    assert_equal span["span_id"], outcome.span("inner")["parent_id"]
    tags = %w[http.method http.url http.status_code http.useragent span.kind component _dd.origin]
    assert_equal ["GET", "http://shop:8080/a/cart?item&token", "201", "curl", "server", "rack", "rum"],
                 span["meta"].values_at(*tags)
  end

  def test_a_streaming_body_ends_the_span_when_it_is_closed
    outcome = run_well(<<~'RUBY')
      body = Object.new
      def body.each
        yield "a"
        trace("in body") {}
        yield "b"
      end
      def body.close = trace("closing") {}
      def body.to_path = "/file"
      answer = app { [200, {}, body] }.call(env)
      said = []
      p finished, answer[2].respond_to?(:to_path), answer[2].to_path, answer[2].respond_to?(:to_ary)
      p answer[2].respond_to?(:call), answer[2].respond_to?(:each)
      answer[2].each { |part| said << part << Spanwire.current_span.nil? }
      p said, finished, Spanwire.current_span
      answer[2].close
      p finished
      stream = app { [200, {}, ->(out) { trace("in stream") { out << "x" } }] }.call(env)[2]
      p stream.respond_to?(:call), stream.respond_to?(:each), stream.call(+""), stream.close
    RUBY
    assert_equal ["0", "true", '"/file"', "false", "false", "true", '["a", false, "b", false]', "1", "nil", "3",
                  "true", "false", '"x"', "nil"], outcome.lines
    first, second = outcome.spans.select { |span| span["name"] == "rack.request" }
    assert_equal first["span_id"], outcome.span("in body")["parent_id"]
    assert_equal second["span_id"], outcome.span("in stream")["parent_id"]
  end

  def test_errors_of_the_application_are_marked_and_those_of_the_server_are_not
    outcome = run_well(<<~'RUBY')
      def raises = yield && "" rescue $!.class
      p raises { app { raise IOError, "broken" }.call(env) }
      p catch(:done) { app { throw :done, 5 }.call(env) }
      app { [503, {}, []] }.call(env)
      app { |env| env["action_dispatch.exception"] = KeyError.new("no key"); [500, {}, []] }.call(env)
      app { |env| env["spanwire.request_span"].set_error("mine").resource = "named"; [500, {}, []] }.call(env)
      parts = Enumerator.new { |to| to << "a"; raise EOFError, "in body" }
      answer = app { [200, {}, parts] }.call(env)[2]
      p raises { answer.each {} }
      answer.close
      # The client is gone.
      answer = app { [200, {}, %w[a].each] }.call(env)[2]
      p raises { answer.each { raise Errno::EPIPE } }
      answer.close
      require "timeout"
      p raises { Timeout.timeout(0.01) { app { sleep 5 }.call(env) } }
      p Spanwire.current_span, Spanwire.stats[:spans_open]
    RUBY
    assert_equal %w[IOError 5 EOFError Errno::EPIPE Timeout::Error nil 0], outcome.lines
    found = outcome.spans.map { |span| [span["resource"], *span["meta"].values_at("error.type", "error.message")] }
    assert_equal [["GET", "IOError", "broken"], ["GET", nil, nil], ["GET 503", nil, "HTTP status 503"],
                  ["GET 500", "KeyError", "no key"], ["named", nil, "mine"], ["GET 200", "EOFError", "in body"],
                  ["GET 200", nil, nil], ["GET", "Timeout::Error", "execution expired"]], found
    assert_equal [1, 0, 1, 1, 1, 1, 0, 1], outcome.spans.map { |span| span["error"] }
  end

  def test_odd_requests_and_responses_reach_server_and_application_as_they_are
    outcome = run_well(<<~'RUBY')
      odd = Object.new
      def odd.to_s = raise("no text")
      p app { [200, {}, []] }.call({})
      p app { [200, {}, []] }.call(env("HTTP_HOST" => "\xFF\xFE".b, "PATH_INFO" => "/\xE9", "QUERY_STRING" => "a=\xFF&&=&b"))
      p app { [200, {}, []] }.call(env("QUERY_STRING" => odd))
      p app { nil }.call(env), app { 5 }.call(env), app { [200] }.call(env), app { [-1, {}, []] }.call(env)
      hijack = { "rack.hijack" => ->(io) {} }
      p app { [200, hijack, [].each] }.call(env)[1].equal?(hijack)
      p app { |env| env["rack.hijack_io"] = 1; [200, {}, [].each] }.call(env)[2].class
      p Spanwire.stats[:spans_open], finished
    RUBY
    assert_equal ["[200, {}, []]"] * 3 + ["nil", "5", "[200]", "[-1, {}, []]", "true", "Enumerator", "0", "9"],
                 outcome.lines
  end

  def test_secrets_in_urls_are_left_out
    outcome = run_well(<<~'RUBY')
      ["/a?b=c&d=e#f", "http://me:pw@host/x@y?z", "https://me@host?a=b", "/?", "", "a@b/c", "/x?a=b=c&=d&&e",
       "http://host/#t=1", "\xE9?x=1".b].each { |url| puts Spanwire::Integrations::Http.url(url) }
    RUBY
    assert_equal ["/a?b&d", "http://host/x@y??", "https://host?a", "/", "", "b/c", "/x?a&?&?", "http://host/"],
                 outcome.lines.first(8)
    assert_equal "\xE9?x".b, outcome.lines.last.b
  end
end
