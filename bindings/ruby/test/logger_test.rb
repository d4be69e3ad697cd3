# frozen_string_literal: true

require_relative "helper"

class LoggerTest < ProgramTest
  # Loggers that write to standard output, without the time.
  LOGGERS = <<~'RUBY'
    require "spanwire/integrations/logger"
    Loggers = Spanwire::Integrations::Logger
    def logger(formatter = nil) = Loggers.correlate(Logger.new($stdout, formatter: formatter))
    TEXT = proc { |severity, _, progname, message| "#{severity} #{progname}: #{message}\n" }
    OBJECT = proc { |_, _, _, message| "#{JSON.generate(message)}\n" }
  RUBY

  def run_well(code, env = {}) = super(LOGGERS + code, { "DD_ENV" => "prod", "DD_VERSION" => "1 2" }.merge(env))

  def ids(outcome)
    trace = outcome.traces.first
    [trace["trace_id"], trace["spans"].first["span_id"]]
  end

  def test_a_line_names_the_trace_before_its_message
    outcome = run_well(<<~'RUBY')
      log = logger(TEXT)
      trace("x") { log.info("hello"); log.warn("web") { "from a block" } }
      log.info("outside")
      trace("x") { Logger.new($stdout, formatter: TEXT).info("another Logger") }
    RUBY
    trace, span = ids(outcome)
    fields = "dd.service=shop dd.env=prod dd.version=1_2"
    assert_equal ["INFO : [dd.trace_id=#{trace} dd.span_id=#{span} #{fields}] hello",
                  "WARN web: [dd.trace_id=#{trace} dd.span_id=#{span} #{fields}] from a block",
                  "INFO : [#{fields}] outside", "INFO : another Logger"], outcome.lines
  end

  def test_the_default_formatter_stays_as_it_is_for_every_kind_of_message
    outcome = run_well(<<~'RUBY')
      log = logger
      trace("x") do
        log.info("I")
        log.error(IOError.new("broken"))
        log.debug({ "a" => 1 })
        log.info(nil)
        log.info("")
        log.info("first\nsecond")
        log << "raw\n"
      end
    RUBY
    trace, span = ids(outcome)
    fields = "[dd.trace_id=#{trace} dd.span_id=#{span} dd.service=shop dd.env=prod dd.version=1_2]"
    said = outcome.lines.map { |line| line.sub(/\A([A-Z], )\[[^\]]*\]/, '\1') }
    assert_equal ["I,   INFO -- : #{fields} I", "E,  ERROR -- : broken (IOError) #{fields}", "",
                  "D,  DEBUG -- : #{{ "a" => 1 }.inspect} #{fields}", "I,   INFO -- : nil #{fields}",
                  "I,   INFO -- : #{fields}", "I,   INFO -- : #{fields} first", "second", "raw"], said
  end

  def test_lines_of_json_get_members
    outcome = run_well(<<~'RUBY')
      log = logger(OBJECT)
      trace("x") { log.info({ a: "}" }); log.info({}); log.info([1]) }
      log.info({ b: 1 })
    RUBY
    trace, span = ids(outcome)
    members = { "dd.trace_id" => trace, "dd.span_id" => span, "dd.service" => "shop", "dd.env" => "prod", "dd.version" => "1 2" }
    said = outcome.lines.values_at(0, 1, 3).map { |line| JSON.parse(line) }
    assert_equal [members.merge("a" => "}"), members, members.drop(2).to_h.merge("b" => 1)], said
  end

  def test_odd_formatters_and_messages_harm_nothing
    outcome = run_well(<<~'RUBY')
      trace("x") do
        logger(proc { |*, message| message }).info("\xFF\xFE\n".b)
        logger(proc { 5 }).info("a number")
        logger(proc { nil }).info("nothing")
        logger(proc { "{" }).info("{")
        logger(proc { "ü: \xE9\n" }).info("é".encode("ISO-8859-1"))
        begin
          logger(proc { raise KeyError }).info("x")
        rescue KeyError
          puts "raised"
        end
        p Loggers.correlate(nil), Loggers.correlate(LOG).equal?(LOG)
      end
    RUBY
    assert outcome.out.b.include?("dd.trace_id"), outcome.out
    assert_equal %w[raised nil true], outcome.lines.last(3)
  end

  def test_switched_off_untraced_and_for_the_tracers_own_log_lines_are_as_before
    code = 'trace("x") { logger(TEXT).info("hello") }'
    assert_equal "INFO : hello\n", run_well(code, "DD_LOGS_INJECTION" => "false").out
    assert_equal "INFO : hello\n", run_program(LOGGERS + code, "SPANWIRE_LIBRARY" => "/nowhere").out
    own = run_well(<<~'RUBY', "UNCONFIGURED" => "1")
      Spanwire.configure { |c| c.logger.instance = logger(TEXT) }
      Spanwire.debug = true
      trace("x") {}
      Spanwire.flush
    RUBY
    assert_includes own.out, "Name: x"
    refute_includes own.out, "dd.service="
  end

  def test_threads_and_forked_processes_write_the_ids_of_their_own_spans
    outcome = run_well(<<~'RUBY')
      log = logger(TEXT)
      20.times.map { |n| Thread.new { trace("t#{n}") { 5.times { log.info("t#{n}"); Thread.pass } } } }.each(&:join)
      Process.wait(fork { trace("child") { log.info("child") } })
    RUBY
    named = outcome.spans.to_h { |span| [span["span_id"], span["name"]] }
    said = outcome.lines.map { |line| [named[line[/dd.span_id=(\d+)/, 1]], line[/\S+\z/]] }
    assert_equal 101, said.size
    assert(said.all? { |name, message| name == message }, said)
  end
end
