# frozen_string_literal: true

require_relative "helper"

class LogTest < ProgramTest
  def test_records_reach_the_logger_on_a_thread_of_the_gems_own
    outcome = run_well(<<~'RUBY')
      Spanwire.debug = true
      trace("loud") {}
      LOG.wait_for("Name: loud")
      record = LOG.records.find { |severity, message, *| message.include?("Name: loud") }
      p record.values_at(0, 2, 3), record[1].lines[0].sub(/\(.*tracer.rb:371:in `write'\)/, "(where)").chomp
      p LOG.records.map(&:last).uniq
    RUBY
    assert_equal ['[0, "ddtrace", "spanwire-ruby"]', '"[ddtrace] (where) Writing 1 spans (enabled: true)"',
                  '["spanwire-ruby"]'], outcome.lines
  end

  # As the documentation of Ruby's tracer shows it, with the program's own place of the library's.
  PAGE = /
    \AD,\ \[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\ \#\d+\]\ DEBUG\ --\ ddtrace:\ \[ddtrace\]\ \(\S+:371:in\ `write'\)
    \ Writing\ 2\ spans\ \(enabled:\ true\)\n\n\ Name:\ checkout\nSpan\ ID:\ \d+\nParent\ ID:\ 0\n
  /x

  TRADE = <<~'RUBY'
    trace("checkout", resource: "GET /cart", type: "web") { trace("payment") { |span| span.set_tag("card", "visa") } }
    Spanwire.flush
  RUBY

  def test_without_a_logger_standard_error_has_the_tracers_lines
    outcome = run_program(TRADE, "UNCONFIGURED" => "1", "DD_TRACE_DEBUG" => "true", "DD_TRACE_STARTUP_LOGS" => "0")
    assert_match PAGE, outcome.err
    assert_match(/^ Name: payment\n.*^   card => visa/m, outcome.err)
    # Lines that are no Logger's are not dressed as one's.
    outcome = run_program(TRADE, "UNCONFIGURED" => "1", "DD_TRACE_DEBUG" => "true", "SPANWIRE_LOG_DIALECT" => "json")
    refute_empty outcome.err.lines.map { |line| JSON.parse(line) }
  end

  def test_an_instance_prints_the_same_lines_and_any_other_formatter_the_mark
    outcome = run_well(<<~'RUBY' + TRADE, "UNCONFIGURED" => "1")
      require "logger"
      Spanwire.configure do |c|
        c.logger.instance = Logger.new($stdout)
        c.diagnostics.debug, c.diagnostics.startup_logs = true, false
      end
    RUBY
    assert_match PAGE, outcome.out
    outcome = run_well(<<~'RUBY' + TRADE, "UNCONFIGURED" => "1")
      require "logger"
      logger = Logger.new($stdout, formatter: ->(_severity, _time, _program, message) { "#{message}\n" })
      Spanwire.configure { |c| c.logger.instance, c.diagnostics.debug = logger, true }
      Spanwire.logger.info { "this is typically called by tracing code" }
    RUBY
    assert_equal "this is typically called by tracing code", outcome.lines[0]
    assert_match(/^\[ddtrace\] \(\S+:371:in `write'\) Writing 2 spans/, outcome.out)
  end

  def test_the_level_of_the_tracer_and_that_of_the_logger_both_hold
    program = <<~'RUBY' + TRADE
      require "logger"
      of_logger, of_tracer, debug = eval(ENV.fetch("LEVELS"))
      Spanwire.configure do |c|
        c.logger.instance, c.logger.level = Logger.new($stdout, level: of_logger), of_tracer
        c.diagnostics.debug, c.diagnostics.startup_logs = debug, false
      end
    RUBY
    shown = {
      "Logger::DEBUG, nil, nil" => false, "Logger::DEBUG, :info, nil" => false,
      "Logger::DEBUG, Logger::INFO, nil" => false, "Logger::DEBUG, :debug, nil" => true,
      "Logger::DEBUG, Logger::DEBUG, nil" => true,
      "Logger::DEBUG, :error, true" => true, "Logger::INFO, :debug, true" => false
    }
    shown.each do |levels, expected|
      outcome = run_well(program, "UNCONFIGURED" => "1", "LEVELS" => "[#{levels}]")
      assert_equal expected, outcome.out.include?("Writing 2 spans"), "#{levels}:\n#{outcome.out}"
    end
  end

  def test_a_file_has_the_tracers_lines_beside_the_logger
    Tempfile.create("log") do |file|
      outcome = run_well(TRADE + "p LOG.records.count { |record| record[1].include?('Name: checkout') }",
                         "DD_TRACE_DEBUG" => "true", "DD_TRACE_STARTUP_LOGS" => "0", "DD_TRACE_LOG_FILE" => file.path)
      assert_equal ["1"], outcome.lines
      assert_match PAGE, File.read(file.path)
    end
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
      LOG.wait_for("Name: a")
    RUBY
    assert_equal %w[true false true], outcome.lines
  end

  def test_a_setting_that_cannot_be_used_is_told_at_once_and_without_a_thread
    outcome = run_well('p LOG.records.map { |r| r[0, 2] }, Thread.list.size', "DD_TRACE_DEBUG" => "perhaps")
    assert_match(/\A\[\[2, "\[ddtrace\] spanwire: setting rejected: DD_TRACE_DEBUG=perhaps/, outcome.lines[0])
    assert_equal "1", outcome.lines[1]
  end

  def test_an_exception_in_the_logger_is_counted_and_the_thread_goes_on
    outcome = run_program(<<~'RUBY')
      def LOG.add(severity, message, progname)
        raise IOError, "disk full" if message.include?("Name: bad")
        super
      end
      Spanwire.debug = true
      trace("bad") {}
      trace("good") {}
      LOG.wait_for("Name: good")
      p LOG.records.count { |record| record[1].include?("Name: bad") }, Spanwire.stats[:log_failures]
      p Thread.list.map(&:name).count("spanwire-ruby"), LOG.records.last.last
    RUBY
    assert outcome.status.success?
    assert_equal ["0", "1", "1", '"spanwire-ruby"'], outcome.lines
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
      LOG.wait_for("Name: a")
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
      LOG.wait_for("Name: b")
    RUBY
  end

  def test_what_was_logged_before_the_end_is_delivered_before_it
    outcome = run_well(<<~'RUBY')
      at_exit { $stdout.write(LOG.records.map { |record| record[1] + "\n" }.join) }
      Spanwire.shutdown
      Spanwire.debug = true
      exit
    RUBY
    refute_includes outcome.out, "Name: "
    outcome = run_program(<<~'RUBY', "UNCONFIGURED" => "1", "SPANWIRE_LOG_DIALECT" => "native")
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
