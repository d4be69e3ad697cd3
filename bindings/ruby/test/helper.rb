# frozen_string_literal: true

require "json"
require "minitest/autorun"
require "open3"
require "rbconfig"
require "socket"
require "tempfile"

# Each test runs a program of its own, as a user's would be: the gem's state belongs to a process. The library is that
# of SPANWIRE_LIBRARY, else of target/stage.
class ProgramTest < Minitest::Test
  LIB = File.expand_path("../lib", __dir__)
  STAGED = File.expand_path("../../../target/stage/lib/libspanwire.so", __dir__)
  LIBRARY = ENV["SPANWIRE_LIBRARY"].to_s.empty? ? STAGED : ENV["SPANWIRE_LIBRARY"]

  # What became of a program: its output, and the spans that it sent, by name.
  Outcome = Struct.new(:out, :err, :status, :traces) do
    def spans = traces.flat_map { |trace| trace["spans"] }
    def span(name) = spans.find { |span| span["name"] == name } || raise("no span #{name} in #{spans}")
    def lines = out.lines(chomp: true)
  end

  PRELUDE = <<~RUBY
    # encoding: utf-8
    require "json"
    require "spanwire"
    $stdout.sync = true
    # A Logger that keeps what it is given.
    class Kept
      attr_reader :records
      def initialize = @records = []
      def add(severity, message, progname) = @records << [severity, message, progname, Thread.current.name]
      def wait_for(text, seconds = 5)
        until @records.any? { |record| record[1].include?(text) }
          raise "no \#{text} in \#{@records}" if (seconds -= 0.02).negative?
          sleep 0.02
        end
      end
    end
    LOG = Kept.new
    Spanwire.configure { |c| c.service = "shop"; c.logger.instance = LOG } unless ENV["UNCONFIGURED"]
    def trace(...) = Spanwire.tracer.trace(...)
  RUBY

  def run_program(code, env = {})
    agent = Tempfile.new("spans")
    env = { "SPANWIRE_LIBRARY" => LIBRARY, "DD_TRACE_AGENT_URL" => "file://#{agent.path}" }.merge(env)
    command = ["timeout", "-s", "KILL", "30", RbConfig.ruby, "-w", "-I", LIB, "-e", PRELUDE + code]
    out, err, status = Open3.capture3(env, *command)
    # Processes that share a file may write an empty line, which is why it is skipped.
    lines = File.readlines(agent.path, encoding: "UTF-8", chomp: true).reject(&:empty?)
    traces = lines.map { |line| JSON.parse(line) }
    Outcome.new(out.force_encoding("UTF-8"), err.force_encoding("UTF-8"), status, traces)
  ensure
    agent&.close!
  end

  # A program that has to end well, without a word on standard error.
  def run_well(code, env = {})
    outcome = run_program(code, env)
    assert outcome.status.success?, "#{outcome.status}\n#{outcome.out}\n#{outcome.err}"
    assert_empty outcome.err
    outcome
  end
end
