# frozen_string_literal: true

require_relative "../helper"

# The middleware between the checks of the rack gem. tests/rails.rs runs it.
class RackLintTest < ProgramTest
  def test_requests_and_responses_keep_racks_rules
    outcome = run_well(<<~'RUBY')
      $VERBOSE = nil
      require "rack"
      require "rack/mock"
      require "tempfile"
      require "spanwire/integrations/rack"
      text = { "Content-Type" => "text/plain" }
      bodies = { "/array" => -> { ["x"] }, "/each" => -> { Enumerator.new { |to| to << "a" << "b" } },
                 "/file" => -> { Tempfile.open("body") { |file| file << "file"; file.flush; File.open(file.path) } },
                 "/response" => -> { Rack::Response.new(["y"]).finish[2] } }
      application = ->(env) { [200, text.dup, bodies.fetch(env["PATH_INFO"]).call] }
      checked = Rack::Builder.new { use Rack::Lint; use Spanwire::Integrations::Rack; use Rack::Lint; run application }
      usual = Rack::Builder.new do
        [Rack::Deflater, Rack::ETag, Rack::ConditionalGet, Spanwire::Integrations::Rack, Rack::Head].each { |one| use one }
        run application
      end
      [checked, usual].each do |builder|
        app = builder.to_app
        bodies.each_key { |path| p Rack::MockRequest.new(app).get(path).body }
      end
      p Rack::MockRequest.new(usual.to_app).get("/each", "HTTP_ACCEPT_ENCODING" => "gzip").headers["Content-Encoding"]
      p Spanwire.stats.values_at(:spans_finished, :spans_open)
    RUBY
    bodies = ['"x"', '"ab"', '"file"', '"y"']
    assert_equal bodies * 2 + ['"gzip"', "[9, 0]"], outcome.lines
  end
end
