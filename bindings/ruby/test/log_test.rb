# frozen_string_literal: true

require_relative "helper"

class LogTest < ProgramTest
  def test_records_reach_the_logger_on_a_thread_of_the_gems_own
    outcome = run_well(<<~'RUBY')
      Spanwire.debug = true
      trace("loud") {}
      LOG.wait_for("name=loud")
      p LOG.records.find { |record| record[1].start_with?("span finished: name=loud") }.values_at(0, 2, 3)
      p LOG.records.map(&:last).uniq
    RUBY
    assert_equal ['[0, "spanwire", "spanwire-ruby"]', '["spanwire-ruby"]'], outcome.lines
  end

  def test_debug_mode_in_the_configuration_and_for_a_while
    outcome = run_well(<<~'RUBY')
      Spanwire.configure { |c| c.diagnostics.debug = true }
      p Spanwire.debug?
      Spanwire.debug = false
      p Spanwire.debug?
      Spanwire.debug_for(60)
      p Spanwire.debug?
      trace("a") {}
      LOG.wait_for("name=a")
    RUBY
    assert_equal %w[true false true], outcome.lines
  end

  def test_a_setting_that_cannot_be_used_is_told_at_once_and_without_a_thread
    outcome = run_well('p LOG.records.map { |r| r[0, 2] }, Thread.list.size', "DD_TRACE_DEBUG" => "perhaps")
    assert_match(/\A\[\[2, "setting rejected: DD_TRACE_DEBUG=perhaps/, outcome.lines[0])
    assert_equal "1", outcome.lines[1]
  end

  def test_an_exception_in_the_logger_is_counted_and_the_thread_goes_on
    outcome = run_program(<<~'RUBY')
      def LOG.add(severity, message, progname)
        raise IOError, "disk full" if message.include?("name=bad")
        super
      end
      Spanwire.debug = true
      trace("bad") {}
      trace("good") {}
      LOG.wait_for("span finished: name=good")
      p LOG.records.count { |record| record[1].include?("name=bad") }, Spanwire.stats[:log_failures]
      p Thread.list.map(&:name).count("spanwire-ruby"), LOG.records.last.last
    RUBY
    assert outcome.status.success?
    assert_equal ["0", "2", "1", '"spanwire-ruby"'], outcome.lines
    assert_equal "spanwire: the logger raised, IOError: disk full; further ones are only counted\n", outcome.err
  end

  def test_a_logger_that_is_traced_itself_comes_to_an_end
    outcome = run_well(<<~'RUBY')
      def LOG.add(...)
        Spanwire.tracer.trace("log") { super }
        Spanwire.flush(0.1)
      end
      Spanwire.debug = true
      trace("a") {}
      LOG.wait_for("span finished: name=a")
      Spanwire.debug = false
      p LOG.records.size < 20
    RUBY
    assert_equal ["true"], outcome.lines
    assert_equal ["a"], outcome.spans.map { |span| span["name"] }
  end

  def test_the_log_thread_comes_back_when_somebody_killed_it
    run_well(<<~'RUBY')
      trace("a") {}
      Thread.list.find { |thread| thread.name == "spanwire-ruby" }.kill.join
      Spanwire.debug = true
      trace("b") {}
      LOG.wait_for("name=b")
    RUBY
  end

  def test_what_was_logged_before_the_end_is_delivered_before_it
    outcome = run_well(<<~'RUBY')
      at_exit { $stdout.write(LOG.records.map { |record| record[1] + "\n" }.join) }
      Spanwire.shutdown
      Spanwire.debug = true
      exit
    RUBY
    refute_includes outcome.out, "name="
    outcome = run_program(<<~'RUBY', "UNCONFIGURED" => "1")
      require "logger"
      Spanwire.configure { |c| c.logger.instance = Logger.new($stderr); c.diagnostics.debug = true }
      trace("last") {}
    RUBY
    assert_match(/DEBUG -- spanwire: span finished: name=last/, outcome.err)
    assert_match(/tracer stopped: sent=1 lost=0/, outcome.err)
  end

  def test_a_line_of_the_json_dialect_has_its_level_too
    outcome = run_well(<<~'RUBY', "SPANWIRE_LOG_DIALECT" => "json")
      Spanwire.debug = true
      trace("a") {}
      LOG.wait_for('"name":"a"')
      p LOG.records.map(&:first).uniq.sort, LOG.records.all? { |record| JSON.parse(record[1]) }
    RUBY
    assert_includes ["[0]", "[0, 1]"], outcome.lines[0]
  end
end
