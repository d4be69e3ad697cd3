# frozen_string_literal: true

require_relative "helper"

class FlareTest < ProgramTest
  def test_a_flare_is_written_once_and_sent_to_no_one_without_an_agent
    outcome = run_well(<<~'RUBY', "DD_TRACE_AGENT_URL" => "file:///dev/null", "DD_SERVICE" => "shop")
      require "tmpdir"
      tracer = Spanwire.tracer
      tracer.start_span("checkout")
      Dir.mktmpdir do |folder|
        path = "#{folder}/flare.zip"
        p tracer.write_flare(path)
        p File.binread(path, 2), format("%o", File.stat(path).mode & 0o777)
        p tracer.write_flare(path)
      end
      p tracer.send_flare(case_id: 12345, email: "user@example.com")
      p tracer.send_flare(case_id: "no number", email: "user@example.com", hostname: "web-1", timeout: 0.01)
    RUBY
    assert_equal ['nil', '"PK"', '"600"', '"cannot write the file: file exists"', '"this tracer sends to no Agent"',
                  '"an argument is missing or invalid"'], outcome.lines.last(6).map(&:chomp)
  end
end
