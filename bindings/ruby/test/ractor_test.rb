# frozen_string_literal: true

require_relative "helper"

# A Ractor cannot use the objects of the main one. Its blocks run untraced, and nothing raises.
class RactorTest < ProgramTest
  def run_quiet(code, env = {})
    outcome = run_program("Warning[:experimental] = false\n" + code, env)
    assert outcome.status.success?, "#{outcome.status}\n#{outcome.out}\n#{outcome.err}"
    assert_empty outcome.err.lines.grep_v(/DATADOG TRACER CONFIGURATION/).join
    outcome
  end

  def test_blocks_run_untraced_in_a_ractor
    outcome = run_quiet(<<~'RUBY')
      p Ractor.new { Spanwire.tracer.trace("in a ractor", tags: { "a" => 1 }) { |span| span.name = "x"; 42 } }.take
      trace("outside") {}
    RUBY
    assert_equal ["42"], outcome.lines
    assert_equal ["outside"], outcome.spans.map { |span| span["name"] }
  end

  def test_nothing_raises_in_a_ractor
    code = <<~'RUBY'
      p(Ractor.new do
        tracer = Spanwire.tracer
        span = tracer.start_span("x", parent: nil)
        span.name = span.service = span.resource = span.type = "y"
        span.sampling_priority = 2
        span.set_tag("a", 1).set_tags("b" => 2).remove_tag("a").set_error("no").finish
        Spanwire.configure { |c| c.service = "other" }
        Spanwire.configuration.service = "other"
        Spanwire.debug = true
        Spanwire.debug_for(1)
        Spanwire.logger
        [span.null?, span.context, tracer.enabled?, tracer.stats, tracer.config_json, tracer.flush(1), tracer.current_span,
         Spanwire.current_span, Spanwire.log_correlation, Spanwire.debug?, Spanwire.flush, Spanwire.stats, Spanwire.problem,
         Spanwire.shutdown]
      end.take)
      trace("outside") {}
    RUBY
    said = '[true, nil, false, nil, nil, true, nil, nil, "", false, true, {}, "nothing is traced in a Ractor", true]'
    outcome = run_quiet(code)
    assert_equal [said], outcome.lines
    assert_equal ["outside"], outcome.spans.map { |span| span["name"] }
    assert_equal [said], run_quiet(code, "UNCONFIGURED" => "1").lines.grep(/null|true/)
  end

  def test_a_span_that_is_copied_into_a_ractor_raises_nothing
    outcome = run_quiet(<<~'RUBY')
      trace("outside") do |span|
        p(Ractor.new(span, span.context) do |copy, context|
          copy.name = copy.service = copy.resource = copy.type = "outside"
          copy.sampling_priority = 1
          copy.set_tag("a", 1).set_tag("b", "c").set_tags("d" => 1).remove_tag("a").set_error(IOError.new("x"))
          copy["a"]
          copy.context
          copy.trace_id
          [copy.finish, copy.finish(Time.now), copy.discard, context.span_id.positive?]
        end.take)
      end
    RUBY
    assert_equal ["[nil, nil, nil, true]"], outcome.lines
    assert_equal 1, outcome.spans.size
  end

  def test_a_fork_in_a_ractor_is_none_of_our_business
    outcome = run_quiet(<<~'RUBY')
      p Ractor.new { pid = fork { exit!(7) }; Process.wait2(pid).last.exitstatus }.take
      trace("outside") {}
    RUBY
    assert_equal ["7"], outcome.lines
    assert_equal ["outside"], outcome.spans.map { |span| span["name"] }
  end

  def test_an_exception_leaves_a_ractors_block_as_it_is
    outcome = run_quiet(<<~'RUBY')
      ractor = Ractor.new do
        Thread.current.report_on_exception = false
        Spanwire.tracer.trace("x") { raise ArgumentError, "mine" }
      end
      begin
        ractor.take
      rescue Ractor::RemoteError => e
        p e.cause
      end
    RUBY
    assert_equal ["#<ArgumentError: mine>"], outcome.lines
  end
end
