// The parts of spanwire.hpp that the C API does not have: scopes, moves, exceptions, sinks. A build without exceptions
// leaves out what throws. Each CHECK that fails is named on standard error and makes the exit code 1.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <spanwire.hpp>

using namespace std::chrono_literals;
using spanwire::Level;

namespace shop {
struct CardDeclined : std::runtime_error {
  using std::runtime_error::runtime_error;
};
}  // namespace shop

static int failed = 0;
#define CHECK(what) \
  do { \
    if (!(what)) { \
      std::fprintf(stderr, "%d: not so: %s\n", __LINE__, #what); \
      failed = 1; \
    } \
  } while (false)

// Without the start-up line, so that the log contains only what the tests below write.
static spanwire::Tracer a_tracer() {
  return spanwire::Tracer::create(
      {{"DD_SERVICE", "raii"}, {"SPANWIRE_LOG_SINKS", "ring"}, {"DD_TRACE_STARTUP_LOGS", "false"}});
}

template <class Done>
static bool soon(Done done) {
  for (int i = 0; i < 500 && !done(); ++i) std::this_thread::sleep_for(10ms);
  return done();
}

static void spans_finish_with_their_scope(spanwire::Tracer &tracer) {
  const auto before = tracer.stats();
  {
    spanwire::Span outer = tracer.span("outer");
    spanwire::Span inner = outer.child("inner");
    CHECK(tracer.stats().spans_open == before.spans_open + 2);
    inner.set_error(shop::CardDeclined("limit reached"));
#if defined(__GXX_RTTI) || defined(__cpp_rtti)
    CHECK(inner.tag("error.type") == "shop::CardDeclined");
#else
    CHECK(inner.tag("error.type") == "std::exception");
#endif
    CHECK(inner.tag("error.message") == "limit reached");
  }
  CHECK(tracer.stats().spans_finished == before.spans_finished + 2);
  CHECK(tracer.stats().spans_open == before.spans_open);
}

static void a_moved_span_finishes_once(spanwire::Tracer &tracer) {
  const auto before = tracer.stats();
  {
    spanwire::Span first = tracer.span("first");
    spanwire::Span second = std::move(first);
    CHECK(!first && second);
    CHECK(first.set_tag("nobody", "home").ok());
    second = tracer.span("third");
    CHECK(tracer.stats().spans_finished == before.spans_finished + 1);
    std::vector<spanwire::Span> kept;
    kept.push_back(std::move(second));
    kept.front().finish();
    CHECK(kept.front().finish().ok());
  }
  CHECK(tracer.stats().spans_finished == before.spans_finished + 2);
}

static void empty_objects_do_nothing() {
  spanwire::Tracer none;
  CHECK(!none && !none.status());
  spanwire::Span span = none.span("x");
  CHECK(!span && !span.child("y") && !span.tag("z") && span.trace_id().empty() && span.context().span_id() == 0);
  CHECK(span.set_tag("a", "b").ok() && span.set_error(true).ok() && span.finish().ok());
  spanwire::log::Sink sink;
  CHECK(!sink && sink.remove().ok() && sink.failures() == 0);
}

static void text_is_taken_by_its_length(spanwire::Tracer &tracer) {
  const std::string line = "GET /cart HTTP/1.1";
  const std::string_view view(line);
  const spanwire::Tag tags[] = {{view.substr(0, 3), view.substr(4, 5)}};
  const spanwire::Metric numbers[] = {{"items", 3}};
  const auto start = std::chrono::system_clock::now() - 5s;
  auto options = spanwire::SpanOptions().resource(view.substr(0, 9)).service("cart").type("web").start(start);
  spanwire::Span span = tracer.span(view.substr(10, 4), options.tags(tags).metrics(numbers));
  CHECK(span.tag("GET") == "/cart" && span.tag("items") == "3");
  CHECK(span.set_tags({{"a", "1"}, {"b", ""}}).ok() && span.tag("b") == "");
  CHECK(span.remove_tag("a").ok() && !span.tag("a"));
  CHECK(span.remove_tag("a") == SPANWIRE_E_NOT_FOUND && span.set_tag("", "x") == SPANWIRE_E_ARGUMENT);
  const std::string large(3000, 'x');
  CHECK(span.set_tag("large", large).ok() && span.tag("large") == large);
  CHECK(span.trace_id_hex().size() == 32 && span.span_id() == std::to_string(span.context().span_id()));
  const std::string ids = "dd.trace_id=" + span.trace_id() + " dd.span_id=" + span.span_id() + " ";
  CHECK(span.log_correlation() == ids + tracer.log_correlation());
  CHECK(tracer.log_correlation(spanwire::LogFields::json).find("\"dd.service\": \"") == 0);
  CHECK(spanwire::Span().log_correlation().empty());
  span.finish_at(start + 2s);
}

static void a_context_outlives_its_span(spanwire::Tracer &tracer) {
  spanwire::Span parent = tracer.span("parent");
  const spanwire::Context context = parent.context();
  parent.finish();
  spanwire::Span late = tracer.span("late", context);
  CHECK(late && late.context().trace_id() == context.trace_id());
  spanwire::Span root = tracer.span("root", spanwire::Context());
  CHECK(root && root.context().trace_id() != context.trace_id());
}

static void any_time_can_be_a_timeout(spanwire::Tracer &tracer) {
  using spanwire::detail::milliseconds;
  CHECK(milliseconds(-1s) == 0 && milliseconds(0ns) == 0 && milliseconds(2s) == 2000);
  CHECK(milliseconds(1ns) == 1 && milliseconds(1500us) == 2 && milliseconds(std::chrono::duration<double>(0.5)) == 500);
  CHECK(milliseconds(std::chrono::duration<double>(std::nan(""))) == 0);
  CHECK(milliseconds(std::chrono::hours::max()) == UINT32_MAX && milliseconds(std::chrono::hours::min()) == 0);
  CHECK(tracer.flush(std::chrono::hours::max()).ok());
}

static void a_removed_sink_lets_go_of_what_it_holds() {
  auto seen = std::make_shared<std::atomic<int>>(0);
  const std::weak_ptr<std::atomic<int>> watched = seen;
  auto *count = seen.get();
  auto first = spanwire::log::Sink::add(Level::info, [seen = std::move(seen)](const spanwire::log::Record &record) {
    if (record.kind == "shop" && record.level == Level::info) ++*seen;
  });
  spanwire::log::Sink sink = std::move(first);
  CHECK(sink && !first && sink.status());
  spanwire::log::write(Level::info, "shop", "a customer");
  CHECK(soon([&] { return *count == 1; }));
  CHECK(!watched.expired());
  CHECK(sink.remove().ok() && !sink);
  CHECK(watched.expired());
}

static void polling_takes_records_in_order() {
  spanwire::log::drain();
  for (const char *text : {"one", "two", "three"}) spanwire::log::write(Level::warn, "shop", text);
  std::string texts;
  const auto note = [&](const spanwire::log::Record &record) {
    CHECK(record.level == Level::warn && record.kind == "shop" && record.lost == 0);
    texts += record.text;
    spanwire::log::write(Level::debug, "shop", "not logged at this level");
  };
  CHECK(spanwire::log::poll(note, 1) == 1 && texts.find("one") != std::string::npos);
  CHECK(spanwire::log::poll(note) == 2 && texts.find("two") < texts.find("three"));

  const std::string large(9000, 'y');
  spanwire::log::write(Level::warn, "shop", "small");
  spanwire::log::write(Level::warn, "shop", large);
  spanwire::log::write(Level::warn, "shop", "last");
  const std::string lines = spanwire::log::drain();
  CHECK(lines.find("small") < lines.find("yyy") && lines.find("yyy") < lines.find("last"));
  CHECK(lines.find("last") != std::string::npos && lines.back() == '\n' && spanwire::log::drain().empty());
}

#if defined(__cpp_exceptions)
static void an_exception_finishes_the_spans_that_it_leaves(spanwire::Tracer &tracer) {
  const auto before = tracer.stats();
  bool caught = false;
  try {
    spanwire::Span buy = tracer.span("buy");
    spanwire::Span charge = buy.child("charge");
    throw shop::CardDeclined("limit reached");
  } catch (const shop::CardDeclined &) {
    caught = true;
  }
  CHECK(caught && tracer.stats().spans_finished == before.spans_finished + 2);
}

// Makes spans while an exception is in flight.
struct Cleanup {
  spanwire::Tracer &tracer;
  spanwire::Span &outside;
  ~Cleanup() {
    spanwire::Span tidy = tracer.span("good: made while unwinding");
    spanwire::Span moved = std::move(tidy);
    try {
      spanwire::Span inner = moved.child("bad: left by a second exception while unwinding");
      throw 1;
    } catch (int) {
    }
    outside = tracer.span("bad: assigned while unwinding, left by a later exception");
  }
};

// The test expects an error on exactly the spans whose names begin with "bad".
static void a_span_is_marked_when_an_exception_leaves_its_scope_and_only_then(spanwire::Tracer &tracer) {
  spanwire::Span kept;
  try {
    spanwire::Span outer = tracer.span("bad: outer");
    spanwire::Span inner = outer.child("bad: inner");
    spanwire::Span first = outer.child("bad: moved within its scope");
    spanwire::Span second = std::move(first);
    std::vector<spanwire::Span> several;
    for (const char *name : {"bad: in a container", "bad: another in a container"}) {
      several.push_back(outer.child(name));
    }
    auto shared = std::make_unique<spanwire::Span>(outer.child("bad: on the heap"));
    spanwire::Span early = outer.child("good: finished before");
    early.finish();
    spanwire::Span leaving = outer.child("good: moved out before");
    kept = std::move(leaving);
    spanwire::Span thrown = outer.child("good: discarded before");
    thrown.discard();
    throw shop::CardDeclined("limit reached");
  } catch (const shop::CardDeclined &) {
    spanwire::Span handling = tracer.span("good: made in the handler");
  }
  kept.finish();
  {
    spanwire::Span calm = tracer.span("good: caught inside");
    try {
      spanwire::Span storm = calm.child("bad: inside");
      throw 2;
    } catch (int) {
    }
  }
  try {
    spanwire::Span told = tracer.span("bad: thrown again");
    try {
      throw shop::CardDeclined("no money");
    } catch (const shop::CardDeclined &error) {
      told.set_error(error);
      throw;
    }
  } catch (const shop::CardDeclined &) {
  }
  try {
    spanwire::Span outside;
    try {
      Cleanup cleanup{tracer, outside};
      throw 3;
    } catch (int) {
    }
    throw 4;
  } catch (int) {
  }
  // Finished on another thread than that of the exception.
  std::thread other;
  try {
    spanwire::Span detached = tracer.span("good: moved to a thread");
    other = std::thread([taken = std::move(detached)]() mutable { spanwire::Span mine = std::move(taken); });
    throw 5;
  } catch (int) {
  }
  other.join();
}

static void a_sink_that_throws_harms_nobody() {
  auto sink = spanwire::log::Sink::add(Level::info, [](const spanwire::log::Record &record) {
    if (record.kind == "shop") throw std::runtime_error("the sink is broken");
  });
  CHECK(sink);
  for (int i = 0; i < 3; ++i) spanwire::log::write(Level::info, "shop", "a customer");
  CHECK(soon([&] { return sink.failures() == 3; }));
  CHECK(sink.remove().ok());
  spanwire::log::write(Level::info, "shop", "one more");
  CHECK(sink.failures() == 3);
}

static void polling_passes_exceptions_on() {
  spanwire::log::drain();
  for (const char *text : {"one", "two"}) spanwire::log::write(Level::warn, "shop", text);
  int caught = 0;
  try {
    spanwire::log::poll([](const spanwire::log::Record &) { throw 7; });
  } catch (int number) {
    caught = number;
  }
  CHECK(caught == 7);
  const std::string rest = spanwire::log::drain();
  CHECK(rest.find("two") != std::string::npos && rest.find("one") == std::string::npos);
}
#endif

static void an_equal_tracer_is_shared(spanwire::Tracer &tracer) {
  const auto before = tracer.stats().spans_finished;
  {
    auto same = a_tracer();
    CHECK(same && same.handle() == tracer.handle());
  }
  tracer.span("after").finish();
  CHECK(tracer.stats().spans_finished == before + 1);
}

static void links_events_and_attributes_are_taken(spanwire::Tracer &tracer) {
  auto span = tracer.span("linked"), other = tracer.span("other");
  const std::string text = "text";
  const spanwire::Value list[] = {1, 2};
  CHECK(span.set_attributes({{"text", text}, {"yes", true}, {"n", 7u}, {"half", 0.5f}, {"list", list, 2}}).ok());
  CHECK(span.tag("text") == "text" && span.tag("yes") == "true" && span.tag("n") == "7" && span.tag("half") == "0.5");
  CHECK(span.tag("list.0") == "1" && span.tag("list.1") == "2" && !span.tag("list"));
  CHECK(span.add_event("now").ok() && span.add_event("then", {{"key", "value"}}, std::chrono::system_clock::now()).ok());
  CHECK(span.add_link(other.context(), {{"reason", "test"}}).ok());
  CHECK(span.add_event("").code() == SPANWIRE_E_ARGUMENT && span.add_link({}).code() == SPANWIRE_E_ARGUMENT);
  CHECK(span.set_attributes({{"none", 1.0 / 0.0}}).code() == SPANWIRE_E_ARGUMENT);
  const char *missing = nullptr;
  std::vector<spanwire::Attribute> many = {{"missing", missing}, {"huge", UINT64_MAX}};
  CHECK(span.set_attributes(many.data(), many.size()).ok() && span.tag("missing") == "");
  CHECK(std::atof(span.tag("huge").value_or("").c_str()) == 18446744073709551615.0);
  CHECK(span.add_event("many", many.data(), many.size()).ok());
  CHECK(span.add_event("then", many.data(), many.size(), std::chrono::system_clock::now()).ok());
  CHECK(span.add_link(other.context(), many.data(), many.size()).ok());
}

static void what_becomes_of_a_flare_is_told(const spanwire::Tracer &tracer) {
  std::string why;
  CHECK(tracer.write_flare("/dev/null", &why).code() == SPANWIRE_E_IO && why == "cannot write the file: file exists");
  CHECK(tracer.write_flare("").code() == SPANWIRE_E_ARGUMENT);
  CHECK(tracer.send_flare("no number", "user@example.com", 1s, "web-1", &why).code() == SPANWIRE_E_ARGUMENT);
  CHECK(spanwire::Tracer().write_flare("/dev/null").code() == SPANWIRE_E_HANDLE);
}

static void the_fate_of_a_trace_is_told(spanwire::Tracer &tracer) {
  using spanwire::FateState;
  auto span = tracer.span("fate", spanwire::SpanOptions().resource("told"));
  span.set_priority(2);
  const spanwire::Context context = span.context();
  auto fate = spanwire::trace_fate(context);
  CHECK(fate.state == FateState::open && fate.spans_open == 1 && !fate.priority && !fate.handed);
  CHECK(fate.trace_id == context.trace_id() && !fate.text.empty());
  span.finish();
  CHECK(tracer.flush(10s).ok());
  fate = spanwire::trace_fate(0, context.trace_id().second);
  CHECK(fate.state == FateState::sent && fate.spans_sent == 1 && fate.spans_open == 0 && fate.trace_id == context.trace_id());
  CHECK(fate.priority == 2 && fate.mechanism == -4 && fate.rule == spanwire::FateRule::none && !fate.rate && !fate.limited);
  CHECK(fate.dropped == spanwire::DropReason::none && !fate.http_status && !fate.error_number && !fate.decided_elsewhere);
  CHECK(fate.handed && fate.changed && *fate.handed <= *fate.changed);

  auto gone = tracer.span("gone");
  const spanwire::Context discarded = gone.context();
  gone.discard();
  CHECK(spanwire::trace_fate(discarded).state == FateState::discarded);
  fate = spanwire::trace_fate(spanwire::Context());
  CHECK(fate.state == FateState::unknown && fate.trace_id.second == 0 && !fate.priority && !fate.mechanism && !fate.rate);

  // Nothing listens at port 1.
  const auto lost = [](std::initializer_list<spanwire::Setting> settings) {
    auto unheard = spanwire::Tracer::create(settings);
    auto unsent = unheard.span("unsent");
    const spanwire::Context its = unsent.context();
    unsent.finish();
    unheard.shutdown(10s);
    return spanwire::trace_fate(its);
  };
  fate = lost({{"DD_TRACE_AGENT_URL", "http://127.0.0.1:1"},
               {"SPANWIRE_LOG_SINKS", "none"},
               {"DD_TRACE_SAMPLING_RULES", R"([{"name":"other","sample_rate":0},{"name":"unsent","sample_rate":1}])"}});
  CHECK(fate.state == FateState::dropped && fate.dropped == spanwire::DropReason::unreachable && fate.spans_dropped == 1);
  CHECK(fate.rule == spanwire::FateRule::sampling_rule && fate.rule_place == 2 && fate.rate == 1.0 && fate.mechanism == -3);
  CHECK(fate.error_number == ECONNREFUSED);
  fate = lost({{"DD_TRACE_AGENT_URL", "http://127.0.0.1:1"}, {"SPANWIRE_LOG_SINKS", "none"}, {"DD_TRACE_SAMPLE_RATE", "1"}});
  CHECK(fate.rule == spanwire::FateRule::sample_rate && fate.rule_place == 0);
}

static void the_language_is_reported(const spanwire::Tracer &tracer) {
  const auto has = [](const spanwire::Tracer &of, const std::string &words) {
    return of.config_json().value_or("").find(words) != std::string::npos;
  };
  CHECK(has(tracer, R"("lang":"cpp")") && has(tracer, R"("lang_version":")" + std::to_string(__cplusplus)));
  const auto lua = spanwire::Tracer::create({{"SPANWIRE_LANGUAGE", "lua"}, {"SPANWIRE_LANGUAGE_VERSION", "5.4"}});
  CHECK(has(lua, R"("lang":"lua")") && has(lua, R"("lang_version":"5.4")"));
  const auto perl = spanwire::Tracer::create({{"default:SPANWIRE_LANGUAGE", "perl"}});
  CHECK(has(perl, R"("lang":"perl")"));
}

static void debug_mode_can_be_switched() {
  spanwire::debug::set_for(60s);
  CHECK(spanwire::debug::get());
  spanwire::debug::set(false);
  CHECK(!spanwire::debug::get());
}

int main() {
  auto tracer = a_tracer();
  CHECK(tracer && tracer.status() && tracer.message()[0] == '\0');
  spans_finish_with_their_scope(tracer);
  a_moved_span_finishes_once(tracer);
  empty_objects_do_nothing();
  text_is_taken_by_its_length(tracer);
  a_context_outlives_its_span(tracer);
  any_time_can_be_a_timeout(tracer);
  a_removed_sink_lets_go_of_what_it_holds();
  polling_takes_records_in_order();
#if defined(__cpp_exceptions)
  an_exception_finishes_the_spans_that_it_leaves(tracer);
  a_span_is_marked_when_an_exception_leaves_its_scope_and_only_then(tracer);
  a_sink_that_throws_harms_nobody();
  polling_passes_exceptions_on();
#endif
  an_equal_tracer_is_shared(tracer);
  links_events_and_attributes_are_taken(tracer);
  debug_mode_can_be_switched();
  CHECK(tracer.config_json() && tracer.config_json()->find("raii") != std::string::npos);
  what_becomes_of_a_flare_is_told(tracer);
  the_fate_of_a_trace_is_told(tracer);
  the_language_is_reported(tracer);

  CHECK(tracer.shutdown(2s).ok());
  const auto stats = tracer.stats();
  CHECK(stats.spans_open == 0 && stats.spans_finished > 0 && stats.spans_sent == stats.spans_finished);
  CHECK(!tracer.span("too late"));
  CHECK(tracer.flush(1s) == SPANWIRE_E_CLOSED);
  return failed;
}
