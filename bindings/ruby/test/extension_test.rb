# frozen_string_literal: true

require_relative "helper"
require "fileutils"
require "tmpdir"

# The C extension does what Ruby's methods do. These tests run with and without it; SPANWIRE_TEST_EXTENSION=1 says that it
# has to be in use.
class ExtensionTest < ProgramTest
  OFF = { "SPANWIRE_RUBY_EXTENSION" => "false" }.freeze
  # Fields that differ from run to run.
  OF_A_RUN = %w[runtime-id process_id _dd.p.tid _dd.tags.process].freeze

  # Runs a program with the extension and without it: both have to give the same.
  def run_both(code)
    with, without = [{}, OFF].map { |env| told(run_program(code, env)) }
    differ = with.zip(without).find { |one, other| one != other }
    assert_nil differ&.map { |said| said.inspect[0, 600] }
    assert_equal without.size, with.size
  end

  # What a program said, and its spans as far as they do not differ from run to run.
  def told(outcome)
    assert outcome.status.success?, outcome.err[0, 2000]
    refute_empty outcome.spans
    names = outcome.spans.to_h { |span| span.values_at("span_id", "name") }
    spans = outcome.spans.map do |span|
      now = span["start"] > 10**18
      fields = span.reject { |field, _| %w[span_id parent_id].include?(field) || (now && %w[start duration].include?(field)) }
      fields.merge("parent" => names[span["parent_id"]], "meta" => span["meta"].reject { |key, _| OF_A_RUN.include?(key) },
                   "metrics" => span["metrics"].reject { |key, _| OF_A_RUN.include?(key) })
    end
    [*outcome.lines, *outcome.err.lines, *spans.sort_by(&:to_s)]
  end

  def test_the_extension_is_in_use_if_it_is_built
    said = run_well("p Spanwire.extension?, Spanwire.extension_problem").lines
    if ENV["SPANWIRE_TEST_EXTENSION"] == "1"
      assert_equal %w[true nil], said
    else
      assert_equal ["false", '"it is not built: no spanwire/spanwire_ext in the load path"'], said
    end
  end

  def test_a_setting_turns_the_extension_off
    outcome = run_well("trace('x') {}; p Spanwire.extension?, Spanwire.extension_problem", OFF)
    assert_equal ["false", '"SPANWIRE_RUBY_EXTENSION turns it off"'], outcome.lines
    assert_equal "x", outcome.spans.first["name"]
  end

  def test_an_extension_that_does_not_fit_is_left_alone
    code = "trace('x') { |span| span.set_tag('a', 1) }; puts Spanwire.extension_problem"
    other = "module Spanwire; module Extension; BUILT_FOR = '0.0.9'; end; end"
    { "spanwire_ext.so" => ["no library", /\Ait cannot be used \(LoadError: /],
      "spanwire_ext.rb" => [other, /spanwire_ext.rb is that of version 0.0.9, and this gem is \d/] }.each do |file, (text, why)|
      Dir.mktmpdir do |folder|
        FileUtils.mkdir(File.join(folder, "spanwire"))
        File.write(File.join(folder, "spanwire", file), text)
        outcome = run_well(code, "RUBYLIB" => folder)
        assert_match why, outcome.out
        assert_equal 1.0, outcome.span("x")["metrics"]["a"]
      end
    end
  end

  VALUES = <<~'RUBY'
    class Text < String; end
    class Shouting
      def to_s = "LOUD"
    end
    class Raising
      def to_s = raise("no text")
    end
    class Odd < Hash
      def each = yield("from each", 1)
    end
    LATIN = "\xE9".dup.force_encoding("ISO-8859-1")
    VALUES = {
      text: "tëxt", empty: "", nul: "a\0b", ascii: "a".encode("US-ASCII"), bytes: "\xFFb".b, broken: "a\xFFb", latin: LATIN,
      plain_latin: "a".encode("ISO-8859-1"), wide: "é".encode("UTF-16LE"), dummy: "a".dup.force_encoding("UTF-7"), long: "ü" * 30_000,
      own: Text.new("own"), symbol: :symbol, made: "made #{Process.pid * 0}".to_sym, latin_symbol: LATIN.to_sym, yes: true, no: false,
      nothing: nil, zero: 0, negative: -7, exact: 2**53, minus: -(2**53), large: 2**53 + 1, larger: 2**62, largest: 2**70,
      small: -(2**53) - 1, float: 42.5, minute: 5e-324, huge: 1.7e308, infinite: Float::INFINITY, nan: Float::NAN, minus_zero: -0.0,
      ratio: 1/3r, complex: 2i, time: Time.at(0).utc, class: String, array: [1, "a"], hash: { a: 1 }.size, loud: Shouting.new
    }.freeze
    # Inspected, because the encodings of some differ.
    def short(text) = text.to_s.size > 40 ? text[0, 40] : text
  RUBY

  def test_every_kind_of_value_is_the_same_tag
    run_both(<<~RUBY)
      #{VALUES}
      VALUES.each do |name, value|
        trace("started", tags: { name => value, "fixed" => name }) { |span| p short(span[name]) }
        trace("set") { |span| p span.set_tag(name, value).equal?(span), (span["second"] = value).equal?(value), short(span[name]) }
        trace("several") { |span| p span.set_tags("a" => 1, name => value, b: "c").equal?(span), short(span[name]) }
        trace("removed", tags: { name => "there" }) { |span| span.set_tag(name, value) }
        trace("not removed", tags: { name => "there" }) { |span| span.set_tags(name => value) }
      end
      trace("all", tags: VALUES) { |span| span.set_tags(VALUES.transform_keys { |key| "again.\#{key}" }) }
      trace("replaced", tags: { "a" => "text", a: 1, "b" => 2, b: "text" }) { |span| span.set_tags("c" => "text", c: 1) }
      p Spanwire.stats.slice(:spans_finished, :start_failures, :texts_repaired, :texts_cut, :tags_dropped)
    RUBY
  end

  def test_every_kind_of_key_and_text_is_the_same
    run_both(<<~RUBY)
      #{VALUES}
      VALUES.each_value do |value|
        trace(value) { |span| span.set_tag(value, "v").set_tag(value, 1).set_tags(value => 2).set_tags(value => "w") }
        %i[service resource type].each { |field| trace("field", **{ field => value }) {} }
        trace("key", tags: { value => "text" }) {}
        trace("key", tags: { value => 1 }) {}
        trace("key", tags: { value => nil }) {}
      end
      p Spanwire.stats.slice(:spans_finished, :start_failures, :texts_repaired, :texts_cut, :tags_dropped)
    RUBY
  end

  def test_tags_that_are_no_usual_hash_are_the_same
    run_both(<<~RUBY)
      #{VALUES}
      given = [nil, false, {}, [], [["a", 1], ["b", "c"]], Odd.new, 5, "text", Odd[{ "x" => 1 }], Hash.new { |_, key| key },
               { "a" => Raising.new }, { Raising.new => "a" }, { "a" => 1 }.compare_by_identity, { "a" => 1, "b" => Shouting.new },
               *[16, 17, 63, 64, 65, 1100].map { |count| (1..count).to_h { |n| ["key\#{n}", n.even? ? n : n.to_s] } }]
      given.each do |tags|
        trace("started", tags: tags) { |span| p span.null? }
        trace("set") { |span| p span.set_tags(tags).equal?(span) }
      end
      p Spanwire.stats.slice(:spans_finished, :start_failures, :tags_dropped)
    RUBY
  end

  def test_parents_are_the_same
    run_both(<<~'RUBY')
      remote = Spanwire::Propagation.extract("x-datadog-trace-id" => "5", "x-datadog-parent-id" => "6", "x-datadog-origin" => "lambda")
      freed = Spanwire::Propagation.extract("x-datadog-trace-id" => "7", "x-datadog-parent-id" => "8")
      freed.free
      context = Spanwire::Context.new(trace_id: 2**100 + 9, span_id: 10, sampling_priority: 2)
      finished = Spanwire.start_span("finished")
      finished.finish
      null = Spanwire::NullSpan.new
      trace("outer") do |outer|
        [nil, false, remote, freed, context, finished, outer, null, 5, "text"].each do |parent|
          inner = Spanwire.start_span("of #{parent.class}", parent: parent)
          p inner.context.trace_id == outer.context.trace_id, inner.context.sampling_priority, inner.origin
          inner.finish
          trace("in #{parent.class}", continue_from: parent) { trace("below") {} }
        end
      end
      p Spanwire.stats.slice(:spans_finished, :spans_open, :parents_unknown)
    RUBY
  end

  def test_wrong_arguments_and_odd_moments_are_the_same
    run_both(<<~'RUBY')
      def told
        value = yield
        value.is_a?(Spanwire::Span) ? :span : value
      rescue ArgumentError => e
        e.message
      end
      span = Spanwire.start_span("first")
      p(told { span.set_tag("a") }, told { span.set_tag(1, 2, 3) }, told { span.set_tags }, told { span.finish(1, 2) })
      p(told { span.finish("no time") }, told { span.finish }, told { span.set_tag("late", 1) }, told { span.set_tags("late" => 1) })
      p(told { Spanwire.start_span("at", start_time: Time.at(5)).finish(Time.at(7)) })
      p(told { Spanwire.start_span("false", start_time: false).finish(false) })
      p Marshal.load(Marshal.dump(span)).handle == span.handle, span.dup.set_tag("a", 1).class, span.frozen?
      frozen = Spanwire.start_span("frozen").freeze
      p(told { frozen.set_tag("a", 1).set_tags("b" => 2).finish })
      Spanwire.shutdown
      p Spanwire.start_span("refused").null?, Spanwire.stats.slice(:spans_finished, :starts_refused)
    RUBY
  end

  def test_a_thread_that_got_the_variables_of_another_one_is_the_same
    run_both(<<~'RUBY')
      main = Thread.current
      trace("outer") do |outer|
        Thread.new do
          Thread.current[:spanwire_scope] = main[:spanwire_scope]
          trace("inner") { p Thread.current[:spanwire_scope].equal?(main[:spanwire_scope]) }
          p Spanwire.current_span.equal?(outer)
        end.join
      end
    RUBY
  end

  def test_a_span_that_is_copied_into_a_ractor_is_the_same
    run_both(<<~'RUBY')
      Warning[:experimental] = false
      trace("outside", tags: { "before" => 1 }) do |span|
        p Ractor.new(span) { |copy| [copy.set_tag("a", 1).set_tags("b" => "c").equal?(copy), copy["d"] = "e", copy.finish] }.take
        p span["a"], span["b"], span["before"]
      end
    RUBY
  end

  def test_spans_are_whole_while_garbage_is_collected_and_objects_move
    outcome = run_well(<<~'RUBY')
      trace("first") {}
      GC.auto_compact = true
      3.times do |round|
        freed = Array.new(20_000) { Object.new } # the strings move to where these were
        name, service, resource = "name #{round}", "service #{round}", "resource #{round}" * 9
        tags = (0...12).to_h { |n| ["key #{n} of #{round}", n.odd? ? n : "value #{n} of #{round}"] }
        tags["symbol #{round}".to_sym] = "of symbol #{round}".to_sym
        more = { "more #{round}" => "m#{round}", "number #{round}" => round }
        freed.clear
        tracer = Spanwire.tracer
        GC.stress = true # the next object that is made is the span
        span = tracer.start_span(name, service: service, resource: resource, tags: tags)
        span.set_tag("set #{round}", "text #{round}").set_tags(more).finish
        GC.stress = false
      end
    RUBY
    3.times do |round|
      span = outcome.span("name #{round}")
      assert_equal ["service #{round}", "resource #{round}" * 9], span.values_at("service", "resource")
      6.times { |n| assert_equal "value #{n * 2} of #{round}", span["meta"]["key #{n * 2} of #{round}"] }
      6.times { |n| assert_equal n * 2 + 1.0, span["metrics"]["key #{n * 2 + 1} of #{round}"] }
      said = ["of symbol #{round}", "text #{round}", "m#{round}"]
      assert_equal said, span["meta"].values_at("symbol #{round}", "set #{round}", "more #{round}")
      assert_equal round.to_f, span["metrics"]["number #{round}"]
    end
  end
end
