# frozen_string_literal: true

require_relative "helper"

class ConfigurationTest < ProgramTest
  def settings(code, env = {})
    outcome = run_well("#{code}\nputs Spanwire.tracer.config_json", { "UNCONFIGURED" => "1" }.merge(env))
    JSON.parse(outcome.lines.last)
  end

  def test_what_is_configured_wins_over_the_environment
    config = settings(<<~'RUBY', "DD_SERVICE" => "other", "DD_ENV" => "other")
      Spanwire.configure do |c|
        c.service, c.env, c.version, c.tags = "shop", "prod", "1.2", { "team" => "blue" }
        c.settings["SPANWIRE_FLUSH_INTERVAL_MS"] = 50
        c.logger.level = :warn
        c.diagnostics.startup_logs = false
      end
    RUBY
    assert_equal ["shop", "prod", "1.2", { "team" => "blue" }], config.values_at("service", "env", "dd_version", "tags")
    values = config["settings"].transform_values { |setting| setting["value"] }
    names = %w[SPANWIRE_FLUSH_INTERVAL_MS DD_TRACE_LOG_LEVEL DD_TRACE_STARTUP_LOGS]
    assert_equal ["50", "warn", "false"], values.values_at(*names)
  end

  def test_the_environment_is_enough
    config = settings("", "DD_SERVICE" => "till", "DD_VERSION" => "7")
    assert_equal ["till", "7", "ruby", RUBY_VERSION], config.values_at("service", "dd_version", "lang", "lang_version")
  end

  def test_the_service_is_by_default_the_programs_name
    names = { "/srv/shop/bin/sell.rb" => "sell", "puma: cluster worker 0: 17 [a/b]" => "puma", "-e" => "ruby" }
    names.each do |program, service|
      assert_equal service, settings("$PROGRAM_NAME = #{program.dump}")["service"]
    end
  end

  def test_a_log_file_of_the_environment_is_written_by_the_library
    config = settings("", "DD_TRACE_LOG_FILE" => "/dev/null")
    assert_equal "file,ring", config["settings"]["SPANWIRE_LOG_SINKS"]["value"]
  end

  def test_configuring_again_keeps_the_tracer_and_the_spans_that_are_open
    outcome = run_well(<<~'RUBY')
      tracer = Spanwire.tracer
      tracer.trace("open") { Spanwire.configure { |c| c.service = "till" }; tracer.trace("new") {} }
      p tracer.equal?(Spanwire.tracer)
    RUBY
    assert_equal ["true"], outcome.lines
    assert_equal ["shop", "till"], [outcome.span("open")["service"], outcome.span("new")["service"]]
  end

  def test_a_process_may_be_configured_anew_as_often_as_it_likes
    outcome = run_well(<<~'RUBY', "SPANWIRE_FLUSH_INTERVAL_MS" => "50")
      open = Array.new(3) do |n|
        Spanwire.configure { |c| c.service = "open-#{n}" }
        Spanwire.tracer.start_span("open")
      end
      200.times do |n|
        Spanwire.configure { |c| c.service = "service-#{n}" }
        trace("x", tags: { "n" => n }) {}
      end
      open.each(&:finish)
      p Spanwire.problem
    RUBY
    assert_equal ["nil"], outcome.lines
    assert_equal 203, outcome.spans.size
    wanted = (0...200).map { |n| ["service-#{n}", n] }
    found = outcome.spans.filter_map { |span| [span["service"], span["metrics"]["n"].to_i] if span["name"] == "x" }
    assert_equal wanted, found.sort_by(&:last)
    services = outcome.spans.filter_map { |span| span["service"] if span["name"] == "open" }
    assert_equal %w[open-0 open-1 open-2], services.sort
  end

  def test_configuring_between_the_same_settings_keeps_their_tracers
    outcome = run_well(<<~'RUBY')
      handles = 300.times.map do |n|
        Spanwire.configure { |c| c.service = n.odd? ? "one" : "other" }
        trace("x") {}
        Spanwire.tracer.handle
      end
      p handles.uniq.size, Spanwire.problem
      Spanwire.configure # gives the last share back with the next two tracers
      2.times { |n| Spanwire.flush; Spanwire.configure { |c| c.service = "after-#{n}" } }
      Spanwire.configure { |c| c.service = "last" }
      trace("x") {}
    RUBY
    assert_equal %w[2 nil], outcome.lines
    assert_equal({ "one" => 150, "other" => 150, "last" => 1 }, outcome.spans.map { |span| span["service"] }.tally)
  end

  def test_threads_trace_while_others_configure
    outcome = run_well(<<~'RUBY', "SPANWIRE_FLUSH_INTERVAL_MS" => "50")
      threads = Array.new(3) { Thread.new { 400.times { trace("x") { Thread.pass } } } }
      100.times { |n| Spanwire.configure { |c| c.service = "s#{n}" } }
      threads.each(&:join)
    RUBY
    assert_equal 1200, outcome.spans.size
  end

  def test_a_setting_that_reads_like_another_one_does_not_turn_tracing_off
    odd = '{"enabled":false}'
    outcome = run_well(<<~'RUBY', "ODD" => odd)
      Spanwire.configure { |c| c.service = ENV["ODD"]; c.tags = { "enabled" => "false", "a" => ENV["ODD"] } }
      p Spanwire.tracer.enabled?
      trace("x") {}
      Spanwire.configure { |c| c.enabled = false }
      p Spanwire.tracer.enabled?
    RUBY
    assert_equal %w[true false], outcome.lines
    assert_equal [odd], outcome.spans.map { |span| span["service"] }
  end

  def test_an_exception_in_the_block_is_the_callers_and_leaves_tracing_as_it_was
    outcome = run_well(<<~'RUBY')
      begin
        Spanwire.configure { raise "no" }
      rescue RuntimeError => e
        p e.message
      end
      trace("x") {}
    RUBY
    assert_equal ['"no"'], outcome.lines
    assert_equal "shop", outcome.span("x")["service"]
  end

  def test_a_library_that_is_missing_is_one_warning_and_blocks_run
    outcome = run_well(<<~'RUBY', "SPANWIRE_LIBRARY" => "/nowhere/libspanwire.so")
      p trace("x") { |span| span.set_tag("a", 1); trace("y") { :answer } }
      Spanwire.configure { |c| c.env = "prod" }
      Spanwire.debug = true
      Spanwire.debug_for(1)
      p Spanwire.debug?, Spanwire.flush, Spanwire.shutdown, Spanwire.stats
      p Spanwire.tracer.enabled?, Spanwire.log_correlation
      p LOG.records.size, LOG.records.dig(0, 0), LOG.records.dig(0, 1)[0, 50]
    RUBY
    assert_equal [":answer", "false", "true", "true", "{:log_failures=>0, :start_failures=>0}", "false", '""', "1", "2",
                  '"tracing is off: /nowhere/libspanwire.so or the ffi"'], outcome.lines
  end
end
