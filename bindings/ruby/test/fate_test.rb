# frozen_string_literal: true

require_relative "helper"

class FateTest < ProgramTest
  def test_a_trace_is_open_then_sent_and_its_id_may_have_any_form
    outcome = run_well(<<~'RUBY')
      span = Spanwire.tracer.start_span("checkout")
      span.sampling_priority = 2
      context, text = span.context, span.trace_id_hex
      p Spanwire.trace_fate(text).then { |fate| [fate.state, fate.spans_open, fate.priority, fate.handed_at] }
      span.finish
      Spanwire.flush(10)
      fate = Spanwire.trace_fate(context)
      p [fate.state, fate.trace_id == context.trace_id, fate.spans_sent, fate.priority, fate.mechanism, fate.rule, fate.rate]
      p [fate.dropped, fate.http_status, fate.error_number, fate.limited?, fate.decided_elsewhere?, fate.frozen?]
      p fate.handed_at <= fate.changed_at, fate.text.encoding, fate.text.include?("the program")
      low = context.trace_id & 0xffff_ffff_ffff_ffff
      forms = [context.trace_id, low, text.upcase, text[16..], low.to_s]
      p forms.map { |form| Spanwire.trace_fate(form) == fate }
      p ["", "no id", "#{text} ", (1 << 64).to_s, -1, 1 << 128, nil, 1.5].map { |id| Spanwire.trace_fate(id) }
      p Spanwire.trace_fate(1).then { |none| [none.state, none.trace_id, none.priority, none.rate] }
      gone = Spanwire.tracer.start_span("gone")
      its = gone.trace_id
      gone.discard
      p Spanwire.trace_fate(its).state
    RUBY
    assert_equal <<~'TEXT', outcome.out
      [:open, 1, nil, nil]
      [:sent, true, 1, 2, -4, nil, nil]
      [nil, nil, nil, false, false, true]
      true
      #<Encoding:UTF-8>
      true
      [true, true, true, true, true]
      [nil, nil, nil, nil, nil, nil, nil, nil]
      [:unknown, nil, nil, nil]
      :discarded
    TEXT
  end

  # Nothing listens at port 1.
  def test_a_lost_trace_names_the_reason_and_the_rule
    rules = '[{"name":"other","sample_rate":0},{"name":"lost","sample_rate":1}]'
    settings = { "DD_TRACE_AGENT_URL" => "http://127.0.0.1:1", "DD_TRACE_SAMPLING_RULES" => rules }
    outcome = run_well(<<~'RUBY', settings)
      context = trace("lost", &:context)
      Spanwire.shutdown(10)
      fate = Spanwire.trace_fate(context.trace_id)
      p [fate.state, fate.dropped, fate.spans_dropped, fate.error_number == Errno::ECONNREFUSED::Errno]
      p [fate.rule, fate.rate, fate.mechanism]
    RUBY
    assert_equal ["[:dropped, :unreachable, 1, true]", "[2, 1.0, -3]"], outcome.lines
  end

  def test_without_the_library_no_fate_is_known
    outcome = run_program("p Spanwire.trace_fate(1)", "SPANWIRE_LIBRARY" => "/nowhere/libspanwire.so")
    assert_equal "nil\n", outcome.out
  end
end
