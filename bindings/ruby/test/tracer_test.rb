# frozen_string_literal: true

require_relative "helper"

class TracerTest < ProgramTest
  def test_everything_given_to_trace_arrives
    outcome = run_well(<<~'RUBY')
      tags = { "card" => "visa", amount: 42.5, "items" => 3, "vip" => true, "none" => nil }
      tags.update("big" => 2**60, "é" => "ü")
      answer = trace("checkout", service: "till", resource: "GET /cart", type: "web", tags: tags) { :answer }
      p answer
    RUBY
    assert_equal [":answer"], outcome.lines
    span = outcome.span("checkout")
    assert_equal %w[till web], span.values_at("service", "type")
    assert_equal "GET /cart", span["resource"]
    texts = span["meta"].slice("card", "vip", "big", "é", "none")
    assert_equal({ "card" => "visa", "vip" => "true", "big" => (2**60).to_s, "é" => "ü" }, texts)
    assert_equal({ "amount" => 42.5, "items" => 3.0 }, span["metrics"].slice("amount", "items"))
  end

  def test_every_setter_of_a_span_arrives
    outcome = run_well(<<~'RUBY')
      trace("first") do |span|
        span.name, span.service, span.resource, span.type = "second", "till", "GET /", "web"
        span.set_tag("text", "a\0b").set_tag("number", 7).set_tags("many" => "x" * 20_000, "more" => 1, other: :symbol)
        span["short"] = "form"
        span.set_tag("gone", 1).remove_tag("gone")
        p span["text"], span["many"].size, span["gone"], span.get_tag("number")
      end
    RUBY
    assert_equal ['"a\u0000b"', "20000", "nil", '"7"'], outcome.lines
    span = outcome.span("second")
    assert_equal ["till", "GET /", "web"], span.values_at("service", "resource", "type")
    assert_equal ["a\0b", "symbol", "form"], span["meta"].values_at("text", "other", "short")
    assert_equal [7.0, 1.0, nil], span["metrics"].values_at("number", "more", "gone")
  end

  def test_links_and_events_arrive_with_their_attributes
    outcome = run_well(<<~'RUBY')
      trace("linked") do |span|
        attributes = { text: "ü", "yes" => true, n: -7, half: 0.5, list: [1, 2], none: [] }
        span.add_event("now").add_event("then", attributes, time: Time.at(7, 8, :nsec))
        span.add_link(span.context, attributes).add_event(nil, { n: 1 }).add_link(nil)
        span.add_event("kept", { mixed: [1, "a"], good: true })
        puts span.context.span_id.to_s(16).rjust(16, "0")
      end
    RUBY
    span = outcome.span("linked")
    typed = { "text" => "ü", "yes" => true, "n" => -7, "half" => 0.5, "list" => [1, 2], "none" => [] }
    events = span["span_events"]
    assert_equal(%w[now then kept], events.map { |event| event["name"] })
    assert_equal({ "name" => "then", "time_unix_nano" => 7_000_000_008, "attributes" => typed }, events[1])
    assert_equal({ "good" => true }, events[2]["attributes"])
    flat = { "text" => "ü", "yes" => "true", "n" => "-7", "half" => "0.5", "list.0" => "1", "list.1" => "2" }
    links = span["span_links"].map { |link| link.values_at("span_id", "attributes", "flags") }
    assert_equal [[outcome.lines[0], flat, 1]], links
  end

  def test_an_attribute_that_raises_and_no_attributes_at_all_cost_no_event
    outcome = run_well(<<~'RUBY')
      bad = Object.new
      def bad.to_s = raise("no text")
      ring = []
      ring << ring
      trace("odd") { |span| span.add_event("nil", nil).add_event("bad", { bad: bad, list: [bad], ring: ring, good: 1 }) }
    RUBY
    events = outcome.span("odd")["span_events"].map { |event| [event["name"], event["attributes"]] }
    assert_equal [["nil", nil], ["bad", { "ring" => ["[[...]]"], "good" => 1 }]], events
  end

  def test_attributes_that_are_no_float_and_no_integer_of_64_bits_are_texts
    outcome = run_well(<<~'RUBY')
      trace("numbers") { |span| span.add_event("e", { half: 1/2r, large: 2**63, complex: 2i, symbol: :s, nothing: nil }) }
    RUBY
    texts = { "half" => "1/2", "large" => "9223372036854775808", "complex" => "0+2i", "symbol" => "s" }
    assert_equal texts, outcome.span("numbers")["span_events"][0]["attributes"]
  end

  def test_texts_of_other_encodings_and_broken_ones_arrive_as_utf8
    outcome = run_well(<<~'RUBY')
      trace("x", tags: { "latin" => "\xE9".dup.force_encoding("ISO-8859-1"), "wide" => "é".encode("UTF-16LE"),
                         "broken" => "a\xFFb", "bytes" => "\xFFb".b }) {}
    RUBY
    texts = outcome.span("x")["meta"].values_at("latin", "wide", "broken", "bytes")
    assert_equal ["é", "é", "a\uFFFDb", "\uFFFDb"], texts
  end

  def test_texts_larger_than_the_threads_memory_arrive
    outcome = run_well('trace("x", resource: "r" * 4000, tags: { "a" => "1" * 24_000, "b" => "2" * 24_000 }) {}')
    span = outcome.span("x")
    assert_equal [4000, 24_000, 24_000], [span["resource"], *span["meta"].values_at("a", "b")].map(&:size)
  end

  # Spans that need no conversion are written in another way than others.
  def test_a_span_with_one_value_more_to_convert_arrives_as_the_same_span
    program = run_well(<<~'RUBY')
      given = { "text" => "tëxt", :symbol => "s", "empty" => "", "bytes" => "a\0b", "float" => 42.5,
                "integer" => 7, "exact" => 2**53, "ascii" => "a".dup.force_encoding("ISO-8859-1") }
      context = Spanwire::Context.new(trace_id: 5, span_id: 6)
      from = { service: "shop", resource: "r" * 4000, type: "web", parent: context }
      { "one" => {}, "two" => { "yes" => true }, "long" => { "long" => "l" * 9000 }, "many" => (0..16).to_h { |n| ["n#{n}", n] },
        "latin" => { "latin" => "\xE9".dup.force_encoding("ISO-8859-1") }, "binary" => { "binary" => "é".b } }.each do |name, more|
        Spanwire.tracer.start_span(name, **from, tags: given.merge(more)).finish
      end
    RUBY
    one, *others = %w[one two long many latin binary].map { |name| program.span(name) }
    assert_equal "tëxt", one["meta"]["text"]
    assert_equal 4000, one["resource"].size
    assert_equal "6", one["parent_id"]
    others.each do |other|
      %w[service resource type parent_id].each { |field| assert_equal one[field], other[field] }
      %w[meta metrics].each { |kind| assert_equal one[kind], other[kind].slice(*one[kind].keys) }
    end
    assert_equal 9000, others[1]["meta"]["long"].size
    assert_equal %w[é é], [others[3]["meta"]["latin"], others[4]["meta"]["binary"]]
  end

  def test_more_names_and_keys_than_memory_keeps_arrive
    program = run_well(<<~'RUBY')
      2.times do
        400.times do |n|
          span = Spanwire.tracer.start_span("name #{n} #{"x" * 50}", tags: { "key #{n} #{"y" * 50}" => "v#{n}", symbol: n })
          span.finish
        end
      end
    RUBY
    spans = program.spans
    assert_equal 800, spans.size
    spans.each do |span|
      number = span["name"].split[1]
      assert_equal ["v#{number}", number.to_f], [span["meta"]["key #{number} #{"y" * 50}"], span["metrics"]["symbol"].to_f]
    end
  end

  def test_nested_blocks_are_parents
    outcome = run_well('trace("a") { trace("b") { trace("c") {} }; trace("d") {} }; trace("e") {}')
    parents = outcome.spans.to_h { |span| [span["name"], span["parent_id"]] }
    ids = outcome.spans.to_h { |span| [span["name"], span["span_id"]] }
    assert_equal ["0", ids["a"], ids["b"], ids["a"], "0"], parents.values_at("a", "b", "c", "d", "e")
  end

  def test_threads_and_fibers_have_a_current_span_each
    outcome = run_well(<<~'RUBY')
      trace("main") do |main|
        Thread.new { trace("thread") { trace("in thread") {} } }.join
        fiber = Fiber.new { trace("fiber") { Fiber.yield; trace("in fiber") {} } }
        fiber.resume
        trace("in main") { fiber.resume }
        Thread.new { trace("given", parent: main) {} }.join
        p Spanwire.current_span.equal?(main)
      end
      p Spanwire.current_span
    RUBY
    assert_equal %w[true nil], outcome.lines
    id = ->(name) { outcome.span(name)["span_id"] }
    parent = ->(name) { outcome.span(name)["parent_id"] }
    assert_equal ["0", id["thread"]], [parent["thread"], parent["in thread"]]
    assert_equal ["0", id["fiber"]], [parent["fiber"], parent["in fiber"]]
    assert_equal [id["main"], id["main"]], [parent["in main"], parent["given"]]
  end

  def test_a_context_continues_a_trace_after_its_span_has_finished
    outcome = run_well(<<~'RUBY')
      context = trace("early") { |span| span.context }
      trace("late", parent: context) {}
      foreign = Spanwire::Context.new(trace_id: (7 << 64) | 8, span_id: 9, sampling_priority: 2)
      trace("foreign", parent: foreign) do |span|
        p span.context.trace_id == (7 << 64 | 8), span.context.sampling_priority
      end
      p span = trace("gone") { |s| s }.context
    RUBY
    assert_equal %w[true 2 nil], outcome.lines
    assert_equal outcome.span("early")["span_id"], outcome.span("late")["parent_id"]
    assert_equal "9", outcome.span("foreign")["parent_id"]
  end

  def test_an_exception_is_recorded_and_goes_on
    outcome = run_well(<<~'RUBY')
      begin
        trace("outer") { trace("inner") { raise ArgumentError, "no card" } }
      rescue ArgumentError => e
        p e.message, Spanwire.current_span
      end
    RUBY
    assert_equal ['"no card"', "nil"], outcome.lines
    %w[outer inner].each do |name|
      span = outcome.span(name)
      assert_equal 1, span["error"]
      assert_equal ["ArgumentError", "no card"], span["meta"].values_at("error.type", "error.message")
      assert_match(/no card \(ArgumentError\).*block/m, span["meta"]["error.stack"])
    end
  end

  def test_an_exception_whose_own_methods_raise_is_still_the_applications
    outcome = run_well(<<~'RUBY')
      class Odd < StandardError
        def message = raise("not even that")
        def full_message(**) = raise("nor that")
      end
      begin
        trace("x") { raise Odd }
      rescue Odd
        puts "went on"
      end
    RUBY
    assert_equal ["went on"], outcome.lines
    assert_equal [1, "Odd"], [outcome.span("x")["error"], outcome.span("x")["meta"]["error.type"]]
  end

  def test_leaving_a_block_without_an_exception_is_no_error
    outcome = run_well(<<~'RUBY')
      def early = trace("returned") { return 1 }
      catch(:done) { trace("thrown") { throw :done } }
      [1].each { trace("broken") { break } }
      p early, trace("next") { next 2 }
      Thread.new { trace("killed") { Thread.current.kill } }.join
      trace("left") { exit }
    RUBY
    assert_equal %w[1 2], outcome.lines
    errors = outcome.spans.to_h { |span| span.values_at("name", "error") }
    assert_equal %w[broken killed left next returned thrown].to_h { |name| [name, 0] }, errors.sort.to_h
  end

  def test_a_timeout_that_ends_a_block_is_on_its_span
    outcome = run_well(<<~'RUBY')
      require "timeout"
      class Slow < StandardError; end
      def attempt
        yield
      rescue Timeout::Error, Slow => e
        e.class
      end
      p attempt { trace("around") { Timeout.timeout(0.05) { trace("outer") { trace("inner") { sleep } } } } }
      p attempt { Timeout.timeout(0.05, Slow) { trace("with a class") { sleep } } }
      p attempt { Timeout.timeout(0.05) { Fiber.new { trace("in a fiber") { sleep } }.resume } }
      p attempt { Timeout.timeout(0.05) { Timeout.timeout(5) { trace("of the outer one") { sleep } } } }
      p attempt { Timeout.timeout(5) { trace("in time") { 1 } } }
    RUBY
    assert_equal ["Timeout::Error", "Slow", "Timeout::Error", "Timeout::Error", "1"], outcome.lines
    errors = outcome.spans.to_h { |span| span.values_at("name", "error") }
    assert_equal 0, errors.delete("in time")
    assert_equal [1], errors.values.uniq
    assert_equal 6, errors.size
    messages = %w[outer inner].flat_map { |name| outcome.span(name)["meta"].values_at("error.type", "error.message") }
    assert_equal ["Timeout::Error", "execution expired"] * 2, messages
  end

  def test_a_timeout_leaves_no_mark_on_blocks_that_are_left_later
    outcome = run_well(<<~'RUBY')
      require "timeout"
      2.times do
        Timeout.timeout(0.02) { trace("slow") { sleep } }
      rescue Timeout::Error
        catch(:done) { trace("thrown") { throw :done } }
        Timeout.timeout(5) { [1].each { trace("broken") { break } } }
      end
    RUBY
    errors = outcome.spans.group_by { |span| span["name"] }.transform_values { |spans| spans.map { |span| span["error"] } }
    assert_equal({ "broken" => [0, 0], "slow" => [1, 1], "thrown" => [0, 0] }, errors.sort.to_h)
  end

  def test_an_exception_from_outside_of_the_block_is_on_its_span
    outcome = run_program(<<~'RUBY')
      thread = Thread.new { Thread.current.report_on_exception = false; trace("raised into") { sleep } }
      Thread.pass until thread.stop?
      thread.raise(IOError, "stop that")
      thread.join rescue nil
      fiber = Fiber.new { trace("cancelled") { Fiber.yield } }
      fiber.resume
      fiber.raise(IOError, "stop that") rescue nil
      begin
        trace("interrupted") { Process.kill("INT", Process.pid); sleep }
      rescue Interrupt
      end
      Process.wait fork { trace("succeeded") { exit(true) } }
      Process.wait fork { trace("failed") { exit(3) } }
      trace("aborted") { abort("no card") }
    RUBY
    types = outcome.spans.to_h { |span| [span["name"], [span["error"], span["meta"]["error.type"]]] }
    assert_equal [1, "IOError"], types["raised into"]
    assert_equal [1, "IOError"], types["cancelled"]
    assert_equal [1, "Interrupt"], types["interrupted"]
    assert_equal [0, nil], types["succeeded"]
    assert_equal [1, "SystemExit"], types["failed"]
    assert_equal [1, "SystemExit"], types["aborted"]
    assert_equal "no card", outcome.span("aborted")["meta"]["error.message"]
  end

  def test_what_raises_in_a_tag_costs_the_span_and_not_the_block
    outcome = run_program(<<~'RUBY')
      odd = Object.new
      def odd.to_s = raise("no text")
      p trace("x", tags: { "a" => odd }) { |span| span.null? }
      p trace("y") { |span| span.set_tag("a", odd).set_tag("b", "c"); :on }
      p Spanwire.stats[:start_failures]
    RUBY
    assert_equal ["true", ":on", "1"], outcome.lines
    assert_equal ["c", nil], outcome.span("y")["meta"].values_at("b", "a")
    assert_match(/\Aspanwire: no span could be started, RuntimeError: no text/, outcome.err)
  end

  def test_a_span_is_finished_on_another_thread_and_at_a_given_time
    outcome = run_well(<<~'RUBY')
      start = Time.at(1_700_000_000, 5, :nsec)
      span = Spanwire.tracer.start_span("x", start_time: start)
      p Spanwire.current_span
      Thread.new { span.finish(start + 2) }.join
      p span.finish, span.set_tag("late", 1).equal?(span), span.trace_id
    RUBY
    assert_equal %w[nil nil true nil], outcome.lines
    assert_equal [1_700_000_000_000_000_005, 2_000_000_000], outcome.span("x").values_at("start", "duration")
  end

  def test_a_signal_handler_may_trace
    outcome = run_well(<<~'RUBY')
      trap("USR1") { trace("handler") {} }
      trace("main") { Process.kill("USR1", Process.pid); sleep 0.2 }
    RUBY
    assert_equal %w[handler main], outcome.spans.map { |span| span["name"] }.sort
  end

  def test_ids_for_logs_are_those_that_are_sent
    outcome = run_well(<<~'RUBY')
      Spanwire.configure { |c| c.service = "shop"; c.env = "prod" }
      finished = trace("x") do |span|
        puts Spanwire.log_correlation, span.log_correlation(json: true), span.trace_id_hex
        span
      end
      puts Spanwire.log_correlation, finished.log_correlation
    RUBY
    trace, span = outcome.traces.first["trace_id"], outcome.span("x")["span_id"]
    service = "dd.service=shop dd.env=prod"
    json = %("dd.trace_id": "#{trace}", "dd.span_id": "#{span}", "dd.service": "shop", "dd.env": "prod")
    assert_equal ["dd.trace_id=#{trace} dd.span_id=#{span} #{service}", json, trace, service, service], outcome.lines
  end

  def test_logs_injection_can_be_turned_off
    outcome = run_well(<<~'RUBY', "DD_LOGS_INJECTION" => "false")
      trace("x") { |span| p Spanwire.log_correlation, span.log_correlation(json: true) }
    RUBY
    assert_equal ['""', '""'], outcome.lines
  end

  def test_a_null_span_takes_all_that_a_span_takes
    outcome = run_well(<<~'RUBY')
      p Spanwire::Span.public_instance_methods(false).sort - Spanwire::NullSpan.public_instance_methods(false)
      p trace("x") { |span| span.set_tag("a", 1).set_tags({}).remove_tag("a").set_error("e").null? }
    RUBY
    assert_equal %w[[] false], outcome.lines
  end

  def test_off_means_that_blocks_run_and_nothing_is_sent
    outcome = run_well(<<~'RUBY', "DD_TRACE_ENABLED" => "false")
      p trace("x") { |span| span.name = "y"; span.null? }
      p Spanwire.tracer.enabled?
    RUBY
    assert_equal %w[true false], outcome.lines
    assert_empty outcome.traces
  end
end
