# frozen_string_literal: true

require_relative "helper"

class NetHttpTest < ProgramTest
  # A server that answers each request with the status that its path names, and its headers as the body.
  SERVER = <<~'RUBY'
    require "spanwire/integrations/net_http"
    def serve
      server = TCPServer.new("127.0.0.1", 0)
      Thread.new do
        while (client = server.accept)
          head = []
          while (line = client.gets&.chomp) && !line.empty? do head << line end
          status, body = head.first.to_s[%r{ /(\d{3})}, 1] || 200, head.drop(1).join("\n")
          client.write("HTTP/1.1 #{status} X\r\nContent-Length: #{body.bytesize}\r\nConnection: close\r\n\r\n#{body}")
          client.close
        end
      end
      server.addr[1]
    end
    PORT = serve
    def url(path) = URI("http://127.0.0.1:#{PORT}#{path}")
  RUBY

  def run_well(code, env = {}) = super("require 'socket'\n" + SERVER + code, env)

  def requests(outcome) = outcome.spans.select { |span| span["name"] == "http.request" }

  def test_a_request_is_a_span_whose_headers_continue_the_trace
    outcome = run_well(<<~'RUBY')
      trace("page") do |page|
        sent = Net::HTTP.get(url("/200?user=7&password=secret&token")).lines(chomp: true).to_h { |l| l.split(": ", 2) }
        puts sent["X-Datadog-Parent-Id"], sent["Traceparent"].size, Spanwire.current_span.equal?(page)
      end
      puts PORT
    RUBY
    span = outcome.span("http.request")
    parent, length, current, port = outcome.lines
    assert_equal [span["span_id"], "55", "true"], [parent, length, current]
    assert_equal [outcome.span("page")["span_id"], "http", "GET", 0], span.values_at("parent_id", "type", "resource", "error")
    tags = %w[http.method http.url http.status_code span.kind component out.host]
    url = "http://127.0.0.1:#{port}/200?user&password&?"
    assert_equal ["GET", url, "200", "client", "net/http", "127.0.0.1"], span["meta"].values_at(*tags)
    assert_equal port.to_f, span["metrics"]["network.destination.port"]
  end

  def test_each_form_of_request_is_one_span
    outcome = run_well(<<~'RUBY')
      Net::HTTP.get_response(url("/204"))
      Net::HTTP.post(url("/200"), "body", "Content-Type" => "text/plain")
      Net::HTTP.new("127.0.0.1", PORT).request(Net::HTTP::Delete.new("/200"))
      Net::HTTP.start("127.0.0.1", PORT) { |http| http.head("/200") }
      Net::HTTP.start("127.0.0.1", PORT) { |http| http.request_get("/200") { |answer| answer.read_body { |part| part } } }
    RUBY
    assert_equal %w[GET POST DELETE HEAD GET], requests(outcome).map { |span| span["resource"] }
    assert_equal 5, outcome.spans.size
  end

  def test_answers_that_are_errors_and_connections_that_fail_are_marked
    outcome = run_well(<<~'RUBY')
      [404, 503].each { |status| Net::HTTP.get(url("/#{status}")) }
      gone = TCPServer.new("127.0.0.1", 0).then { |server| server.addr[1].tap { server.close } }
      begin
        Net::HTTP.new("127.0.0.1", gone).get("/")
      rescue SystemCallError => e
        puts e.class
      end
      begin
        Net::HTTP.start("127.0.0.1", gone) { raise "not reached" }
      rescue SystemCallError => e
        puts e.class
      end
      begin
        Net::HTTP.new("127.0.0.1", PORT).request(nil)
      rescue NoMethodError => e
        puts e.class
      end
      Net::HTTP.get(url("/200"))
    RUBY
    assert_equal ["Errno::ECONNREFUSED"] * 2 + ["NoMethodError"], outcome.lines
    found = outcome.spans.map { |span| [span["name"], span["error"], span["meta"]["error.message"].to_s[/\A[^(]*/].strip] }
    refused = "Failed to open TCP connection to 127.0.0.1:"
    assert_equal [["http.request", 1, "HTTP status 404"], ["http.request", 1, "HTTP status 503"]], found.first(2)
    assert_equal %w[http.request http.connect], found[2, 2].map(&:first)
    assert(found[2, 2].all? { |_, error, message| error == 1 && message.start_with?(refused) }, found)
    assert_equal ["http.request", 0, ""], found.last
  end

  def test_requests_to_the_agent_and_of_the_logger_that_gets_the_log_are_not_traced
    outcome = run_well(<<~'RUBY')
      # As a Logger does that sends its lines elsewhere.
      remote = Object.new
      def remote.add(*) = Net::HTTP.get(url("/200"))
      Spanwire.configure { |c| c.logger.instance = remote }
      trace("first") {}
      Spanwire.debug = true
      trace("logged") {}
      Spanwire.flush
      Spanwire.debug = false
      request = Net::HTTP::Put.new("/v0.4/traces", { "Datadog-Meta-Tracer-Version" => "1" })
      request.content_type = "application/msgpack"
      Net::HTTP.new("127.0.0.1", PORT).request(request)
      Spanwire.configure { |c| c.agent_url = "http://localhost:#{PORT}" }
      Net::HTTP.get(url("/200"))
      p Spanwire.stats.values_at(:spans_started, :log_failures)
      Spanwire.configure { |c| c.agent_url = "http://127.0.0.1:1" }
      Net::HTTP.get(url("/200"))
      p Spanwire.stats[:spans_started]
    RUBY
    assert_equal ["[0, 0]", "1"], outcome.lines
    assert_equal %w[first logged], outcome.spans.map { |span| span["name"] }
  end

  def test_threads_fibers_and_forked_processes_have_requests_of_their_own
    outcome = run_well(<<~'RUBY')
      names = %w[a b]
      names.map { |name| Thread.new { trace(name) { 5.times { Net::HTTP.get(url("/200")) } } } }.each(&:join)
      fibers = %w[c d].map do |name|
        Fiber.new { trace(name) { 2.times { Fiber.yield; Net::HTTP.get(url("/200")) } } }
      end
      3.times { fibers.each(&:resume) }
      trace("parent") { |span| Process.wait(fork { trace("child", parent: span.context) { Net::HTTP.get(url("/200")) } }) }
    RUBY
    parents = requests(outcome).map { |span| span["parent_id"] }.tally
    counts = { "a" => 5, "b" => 5, "c" => 2, "d" => 2, "child" => 1 }
    assert_equal counts.transform_keys { |name| outcome.span(name)["span_id"] }, parents
  end

  def test_a_program_that_is_not_traced_sends_its_requests_as_before
    code = <<~'RUBY'
      puts Net::HTTP.get(url("/200"))
      require "spanwire/integrations/rack"
      p Spanwire::Integrations::Rack.new(->(_) { [200, {}, ["ran"]] }).call({ "REQUEST_METHOD" => "GET" })
    RUBY
    off = run_well(code, "DD_TRACE_ENABLED" => "false")
    gone = run_program("require 'socket'\n" + SERVER + code, "SPANWIRE_LIBRARY" => "/nowhere")
    [off, gone].each do |outcome|
      assert outcome.status.success?, outcome.err
      refute_includes outcome.out, "Datadog"
      assert_equal '[200, {}, ["ran"]]', outcome.lines.last
      assert_empty outcome.spans
    end
  end
end
