# frozen_string_literal: true

require_relative "../helper"

# Needs ActiveSupport, so tests/rails.rs runs it and not all.rb.
class NotificationsTest < ProgramTest
  # ActiveSupport is not free of warnings.
  EVENTS = <<~'RUBY'
    $VERBOSE = nil
    require "spanwire/integrations/notifications"
    $VERBOSE = true
    AS = ActiveSupport::Notifications
    Events = Spanwire::Integrations::Notifications
    Events.subscribe(/\Aown\./)
    def sql(text, &block) = AS.instrument("sql.active_record", sql: text, name: "Load", &block)
    def own(name, payload = {}, &block) = AS.instrument("own.#{name}", payload, &block)
  RUBY

  def run_well(code, env = {}) = super(EVENTS + code, env)

  def parent(outcome, span) = outcome.spans.find { |other| other["span_id"] == span["parent_id"] }

  def test_events_hang_under_the_event_or_span_around_them
    outcome = run_well(<<~'RUBY')
      own("outer") { trace("middle") { own("inner") { sql("SELECT 1") {} } } }
      p Spanwire.current_span
      sql("outside of any span") {}
      trace("x") { AS.instrument("sql.active_record", sql: "PRAGMA x", name: "SCHEMA") {} }
      AS.instrument("own.without a block")
    RUBY
    assert_equal ["nil"], outcome.lines
    assert_equal %w[own.outer middle own.inner sql.query x] + ["own.without a block"],
                 outcome.spans.map { |span| span["name"] }
    assert_equal [nil, "own.outer", "middle", "own.inner", nil, nil],
                 outcome.spans.map { |span| parent(outcome, span)&.fetch("name") }
    assert_equal ["sql", "SELECT 1"], outcome.span("sql.query").values_at("type", "resource")
  end

  def test_an_exception_marks_the_events_that_it_leaves
    outcome = run_well(<<~'RUBY')
      begin
        own("outer") { begin; own("inner") { raise KeyError, "no key" }; rescue KeyError; end; own("good") { 1 } }
        own("failed") { raise Interrupt }
      rescue Interrupt
        p Spanwire.current_span
      end
      catch(:out) { own("thrown") { throw :out } }
      begin
        own("exit") { exit }
      rescue SystemExit
        p Spanwire.current_span
      end
    RUBY
    assert_equal %w[nil nil], outcome.lines
    errors = outcome.spans.to_h { |span| [span["name"], span["meta"]["error.type"]] }
    assert_equal({ "own.outer" => nil, "own.inner" => "KeyError", "own.good" => nil, "own.failed" => "Interrupt",
                   "own.thrown" => nil, "own.exit" => nil }, errors)
  end

  def test_fibers_and_threads_have_events_of_their_own
    outcome = run_well(<<~'RUBY')
      fibers = %w[a b].map { |name| Fiber.new { trace(name) { own("of #{name}") { Fiber.yield; sql(name) { Fiber.yield } } } } }
      3.times { fibers.each(&:resume) }
      ready = Queue.new
      threads = %w[c d].map do |name|
        Thread.new do
          trace(name) { own("of #{name}") { ready << 1; sleep 0.001 until ready.size == 2; 10.times { sql(name) { Thread.pass } } } }
        end
      end
      threads.each(&:join)
      # As ActionController::Live does: the other thread gets the variables of this one, which goes on.
      trace("request") do
        variables = Thread.current.keys.to_h { |key| [key, Thread.current[key]] }
        @thread = Thread.new do
          variables.each { |key, value| Thread.current[key] = value }
          own("live") { ready << 1; sleep 0.001 until ready.size == 4; sql("live") {} }
        end
        sleep 0.001 until ready.size == 3
      end
      trace("next request") { ready << 1; @thread.join; sql("next") {} }
    RUBY
    found = outcome.spans.select { |span| span["name"] == "sql.query" }.map do |span|
      above = parent(outcome, span)
      [span["resource"], above&.fetch("name"), above && parent(outcome, above)&.fetch("name")]
    end
    expected = %w[a b c d].to_h { |name| [[name, "own.of #{name}", name], name < "c" ? 1 : 10] }
    expected[["live", "own.live", "request"]] = expected[["next", "next request", nil]] = 1
    assert_equal expected, found.tally
  end

  def test_odd_payloads_and_unbalanced_events_harm_nothing
    outcome = run_program(EVENTS + <<~'RUBY')
      odd = Object.new
      def odd.to_s = raise("no text")
      trace("x") do
        p sql(odd) { "ran" }
        AS.instrument("process_action.action_controller", controller: odd, headers: odd) { p "ran" }
        AS.instrument("render_template.action_view", { identifier: nil }.freeze) { p "ran" }
        AS.instrument("sql.active_record", sql: "a", connection: odd) { p "ran" }
        # One that gets no end is ended by the event around it.
        own("outer") { AS.instrumenter.start("own.no end", {}) }
        AS.instrumenter.finish("own.no start", {})
        p Spanwire.current_span["component"].nil?
      end
      p Spanwire.stats[:spans_open]
    RUBY
    assert_equal ['"ran"'] * 4 + %w[true 0], outcome.lines
    # What a raising argument of any span says, once.
    assert_equal 1, outcome.err.lines.size, outcome.err
    assert_equal outcome.span("own.outer")["span_id"], outcome.span("own.no end")["parent_id"]
  end

  def test_a_forked_process_goes_on_within_an_event
    outcome = run_well(<<~'RUBY')
      trace("parent") do |span|
        own("event") do
          Process.wait(fork { trace("child", parent: span.context) { own("in child") { sql("SELECT 2") {} } } })
          p $?.success?
        end
      end
    RUBY
    assert_equal ["true"], outcome.lines
    names = %w[sql.query own.in\ child child parent]
    names.each_cons(2) { |name, above| assert_equal above, parent(outcome, outcome.span(name))["name"] }
  end
end
