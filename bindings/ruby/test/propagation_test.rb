# frozen_string_literal: true

require_relative "helper"

class PropagationTest < ProgramTest
  # Headers as a Datadog tracer sends them.
  HEADERS = <<~'RUBY'
    HEADERS = {
      "x-datadog-trace-id" => "1234567890123456789", "x-datadog-parent-id" => "987654321",
      "x-datadog-sampling-priority" => "2", "x-datadog-origin" => "synthetics",
      "x-datadog-tags" => "_dd.p.tid=640cfd8d00000000,_dd.p.dm=-4,_dd.p.usr.id=baz64",
      "baggage" => "user.id=42,city=M%C3%BCnchen"
    }
    TRACE = 0x640cfd8d00000000_112210f47de98115
    def extract(headers) = Spanwire::Propagation.extract(headers)
  RUBY

  # `p` shows letters as they are only in a locale that has them.
  def run_well(code, env = {}) = super(HEADERS + code, { "LC_ALL" => "C.UTF-8" }.merge(env))

  def test_a_trace_goes_on_with_everything_that_came_in
    outcome = run_well(<<~'RUBY')
      context = extract(HEADERS)
      p context.trace_id == TRACE, context.span_id, context.sampling_priority, context.baggage.to_h
      Spanwire.trace("request", continue_from: context, tags: { "a" => 1, "b" => "c" }) do |span|
        p span.context.trace_id == TRACE, span.baggage["city"]
        trace("inner") do |inner|
          sent = Spanwire::Propagation.inject({})
          p sent["x-datadog-parent-id"] == inner.span_id, sent["x-datadog-origin"], sent["baggage"]
          p sent["x-datadog-tags"].split(",").sort, sent["traceparent"].size, sent["tracestate"][0, 3]
        end
      end
    RUBY
    baggage = '{"user.id"=>"42", "city"=>"München"}'
    tags = '["_dd.p.dm=-4", "_dd.p.tid=640cfd8d00000000", "_dd.p.usr.id=baz64"]'
    assert_equal ["true", "987654321", "2", baggage, "true", '"München"', "true", '"synthetics"',
                  '"user.id=42,city=M%C3%BCnchen"', tags, "55", '"dd="'], outcome.lines
    span = outcome.span("request")
    assert_equal "987654321", span["parent_id"]
    assert_equal [1.0, 2.0], span["metrics"].values_at("a", "_sampling_priority_v1")
    assert_equal ["c", "synthetics", "baz64"], span["meta"].values_at("b", "_dd.origin", "_dd.p.usr.id")
  end

  def test_headers_are_found_in_racks_env_and_in_any_hash
    outcome = run_well(<<~'RUBY')
      env = HEADERS.to_h { |name, value| ["HTTP_#{name.upcase.tr("-", "_")}", value] }
      rack = env.merge("REQUEST_METHOD" => "GET", "rack.input" => $stdin, "HTTP_COOKIE" => "\xFF\xFE".b)
      forms = [env, rack, HEADERS.transform_keys(&:to_sym), HEADERS.transform_keys { |name| name.upcase },
               HEADERS.transform_keys { |name| name.tr("-", "_").to_sym }, HEADERS.transform_values { |value| [value] },
               HEADERS.to_a, HEADERS.merge("x-datadog-parent-id" => 987654321, "é" => "ü", "none" => nil, 7 => "x")]
      found = forms.map { |form| extract(form) }
      p found.map { |context| [context.trace_id == TRACE, context.span_id, context.baggage["city"]] }.uniq
      # What else Rack's env holds is no header of the request.
      p extract(HEADERS.merge("REQUEST_METHOD" => "GET"))
      p extract({}), extract(nil), extract({ "host" => "shop" }), extract(5), extract({ "traceparent" => "nonsense" })
    RUBY
    assert_equal ['[[true, 987654321, "München"]]', *["nil"] * 6], outcome.lines
  end

  def test_every_kind_of_span_and_context_injects_and_knows_the_origin
    outcome = run_well(<<~'RUBY')
      context = extract(HEADERS)
      p context.inject({}) == Spanwire::Propagation.inject({}, context), context.origin
      Spanwire.trace("request", continue_from: context) do |span|
        p span.inject({ "a" => "b" }).size == Spanwire::Propagation.inject({}, span).size + 1, span.origin
      end
      trace("none") { |span| p span.origin }
      context.free
      p context.origin, Spanwire::NullSpan.new.inject({ "a" => "b" }), Spanwire::NullSpan.new.origin
    RUBY
    assert_equal ["true", '"synthetics"', "true", '"synthetics"', "nil", "nil", '{"a"=>"b"}', "nil"], outcome.lines
  end

  def test_a_trace_goes_on_with_everything_that_came_in_when_the_process_becomes_a_daemon
    outcome = run_well(<<~'RUBY')
      Spanwire.trace("request", continue_from: extract(HEADERS)) do
        Process.daemon(true, true)
        span = Spanwire.current_span
        sent = span.inject({})
        p span.class, span.origin, sent["baggage"], sent["x-datadog-origin"]
        trace("late") do |late|
          sent = late.inject({})
          p late.origin, sent["baggage"], sent["x-datadog-tags"].include?("_dd.p.usr.id=baz64")
        end
      end
    RUBY
    baggage = '"user.id=42,city=M%C3%BCnchen"'
    assert_equal ["Spanwire::DepartedSpan", '"synthetics"', baggage, '"synthetics"', '"synthetics"', baggage, "true"],
                 outcome.lines
  end

  def test_hostile_headers_raise_nothing
    outcome = run_well(<<~'RUBY')
      odd = Object.new
      def odd.to_s = raise("no text")
      p extract({ "traceparent" => odd })
      huge = "x" * 1_000_000
      p extract({ "x-datadog-tags" => huge, "\xFF\xFE_x" => "é", "b" => "\xE9".dup.force_encoding("ISO-8859-1"),
                  "traceparent" => "00-#{"1" * 32}-#{"2" * 16}-01" }).span_id
    RUBY
    assert_equal ["nil", 0x2222222222222222.to_s], outcome.lines
  end

  def test_a_context_without_ids_begins_a_trace_with_its_baggage
    outcome = run_well(<<~'RUBY')
      context = extract({ "baggage" => "a=b" })
      p context.context, context.trace_id, context.baggage.to_a
      trace("x", continue_from: context) { |span| p span.baggage["a"] }
    RUBY
    assert_equal ["nil", "nil", '[["a", "b"]]', '"b"'], outcome.lines
    assert_equal "0", outcome.span("x")["parent_id"]
  end

  def test_a_context_is_used_several_times_and_comes_before_the_current_span
    outcome = run_well(<<~'RUBY')
      context = extract(HEADERS)
      trace("outer") do
        2.times { trace("block", continue_from: context) {} }
        trace("parent", parent: context) {}
        span = Spanwire.start_span("alone", continue_from: context)
        p Spanwire.current_span.equal?(span)
        span.finish
        p context.free, context.free, context.handle, context.trace_id, context.baggage.to_h, context.dup.handle
        trace("freed", continue_from: context) {}
        trace("none", continue_from: nil) {}
      end
    RUBY
    assert_equal %w[false nil nil 0 nil {} 0], outcome.lines
    parents = ->(name) { outcome.spans.select { |span| span["name"] == name }.map { |span| span["parent_id"] } }
    assert_equal ["987654321"] * 4, %w[block parent alone].flat_map(&parents)
    assert_equal ["0", outcome.span("outer")["span_id"]], %w[freed none].flat_map(&parents)
  end

  def test_inject_takes_what_has_a_setter_and_passes_a_context_on
    outcome = run_well(<<~'RUBY')
      require "net/http"
      request = Net::HTTP::Get.new("/")
      trace("x") do |span|
        p Spanwire::Propagation.inject(request).equal?(request), request["X-Datadog-Parent-Id"] == span.span_id
      end
      sent = Spanwire::Propagation.inject({}, extract(HEADERS))
      same = %w[x-datadog-trace-id x-datadog-parent-id x-datadog-origin baggage]
      p sent.slice(*same) == HEADERS.slice(*same)
      p Spanwire::Propagation.inject({}), Spanwire::Propagation.inject({}, nil)
      p Spanwire::Propagation.inject({}, trace("gone") { |span| span })
      # More than the memory that a thread keeps for texts.
      trace("big") do |span|
        60.times { |n| span.baggage["key#{n}"] = "ü" * 22 }
        p Spanwire::Propagation.inject({})["baggage"].size > 8000
      end
    RUBY
    assert_equal %w[true true true {} {} {} true], outcome.lines
  end

  def test_baggage_is_read_changed_and_inherited
    outcome = run_well(<<~'RUBY')
      trace("outer") do |outer|
        outer.baggage["a"] = "1"
        outer.baggage[:b] = 2
        outer.baggage.merge!("long" => "x" * 20_000, "é" => "ü=\n%\u{1F600}", "nul\0" => "a\0b")
        trace("inner") do |inner|
          p inner.baggage.map { |key, value| [key, value.size] }
          p [inner.baggage["é"], inner.baggage.to_h["é"]].uniq == ["ü=\n%\u{1F600}"]
          p inner.baggage["b"], inner.baggage["none"]
          inner.baggage["a"] = nil
          inner.baggage.delete("b")
          p inner.baggage.to_h.keys, inner.baggage.each.first, inner.baggage.empty?
        end
        p outer.baggage["a"]
        outer.finish
        p outer.baggage.to_h, outer.baggage["a"], (outer.baggage["c"] = "d"), outer.baggage.empty?
      end
    RUBY
    sizes = '[["a", 1], ["b", 1], ["long", 20000], ["é", 5], ["nul?", 3]]'
    first = "[\"long\", \"#{"x" * 20_000}\"]"
    keys = '["long", "é", "nul?"]'
    assert_equal [sizes, "true", '"2"', "nil", keys, first, "false", '"1"', "{}", "nil", '"d"', "true"], outcome.lines
  end

  def test_contexts_survive_a_fork_and_their_finalizers_run_in_parent_and_child
    outcome = run_well(<<~'RUBY')
      contexts = Array.new(50) { extract(HEADERS) }
      Process.wait(fork do
        p contexts.all? { |context| context.trace_id == TRACE }
        trace("child", continue_from: contexts.first) {}
        contexts = nil
        GC.start
        p extract(HEADERS).free
      end)
      p $?.success?, contexts.all? { |context| context.trace_id == TRACE }
      contexts.each(&:free)
      # More than the library keeps.
      last = Array.new(10_000) { extract(HEADERS) }.last
      GC.start
      p last.trace_id == TRACE
      trace("parent", continue_from: last) {}
    RUBY
    assert_equal %w[true nil true true true], outcome.lines
    assert_equal %w[987654321 987654321], outcome.spans.map { |span| span["parent_id"] }
  end

  def test_a_context_is_freed_when_it_is_collected_or_told_to_and_only_then
    outcome = run_well(<<~'RUBY')
      def there?(handle) = Spanwire::Scope.current.scratch { |memory| !memory.remote_context(handle).nil? }
      kept = extract(HEADERS)
      freed = extract(HEADERS)
      handles = Array.new(500) { extract(HEADERS).handle }
      500.times { kept.dup } # a copy must not free what it was copied from
      freed_handle = freed.handle
      freed.free
      p there?(freed_handle)
      3.times { GC.start }
      # The machine's stack may still hold some.
      p handles.count { |handle| there?(handle) } < 250, there?(kept.handle)
    RUBY
    assert_equal %w[false true true], outcome.lines
  end

  def test_a_program_without_the_library_gets_no_context_and_sends_none
    outcome = run_program(HEADERS + <<~'RUBY', "SPANWIRE_LIBRARY" => "/nowhere")
      p extract(HEADERS), Spanwire::Propagation.inject({})
      trace("x", continue_from: extract(HEADERS)) do |span|
        p Spanwire::Propagation.inject({}, span), span.baggage.to_h, span.baggage["a"]
      end
    RUBY
    assert_equal %w[nil {} {} {} nil], outcome.lines
    assert outcome.status.success?
  end

  def test_a_ractor_has_no_contexts
    outcome = run_program("Warning[:experimental] = false\n" + HEADERS + <<~'RUBY')
      said = Ractor.new do
        found = Spanwire::Propagation.extract({ "traceparent" => "00-#{"1" * 32}-#{"2" * 16}-01" })
        baggage = Spanwire.trace("x", continue_from: found) do |span|
          span.baggage["a"] = 1
          span.baggage.to_h
        end
        [found, Spanwire::Propagation.inject({}), baggage]
      end
      p said.take
    RUBY
    assert_equal ["[nil, {}, {}]"], outcome.lines
    assert outcome.status.success?, outcome.err
  end
end
