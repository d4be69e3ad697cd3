// What spanwire.hpp adds to the C API, used the way a program would: scopes, moves, exceptions, sinks. Each CHECK that
// fails is named on standard error and makes the exit code 1.
#include <atomic>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <spanwire.hpp>

using namespace std::chrono_literals;

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

static void spans_finish_with_their_scope(spanwire::Tracer &tracer) {
  const auto before = tracer.stats();
  try {
    spanwire::Span outer = tracer.span("outer");
    spanwire::Span inner = outer.child("inner");
    try {
      throw shop::CardDeclined("limit reached");
    } catch (const std::exception &error) {
      inner.set_error(error);
      CHECK(inner.tag("error.type") == "shop::CardDeclined");
      CHECK(inner.tag("error.message") == "limit reached");
      throw;
    }
  } catch (const shop::CardDeclined &) {
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
  CHECK(span.tag("GET") == "/cart");
  CHECK(span.set_tags({{"a", "1"}, {"b", ""}}).ok() && span.tag("b") == "");
  CHECK(span.remove_tag("a").ok() && !span.tag("a"));
  const std::string large(3000, 'x');
  CHECK(span.set_tag("large", large).ok() && span.tag("large") == large);
  CHECK(span.trace_id_hex().size() == 32 && span.span_id() == std::to_string(span.context().span_id()));
  span.finish_at(start + 2s);
}

static void a_context_outlives_its_span(spanwire::Tracer &tracer) {
  spanwire::Span parent = tracer.span("parent");
  const spanwire::Context context = parent.context();
  parent.finish();
  spanwire::Span late = tracer.span("late", context);
  CHECK(late && late.context().trace_id() == context.trace_id());
}

static void a_sink_that_throws_harms_nobody() {
  auto seen = std::make_shared<std::atomic<int>>(0);
  const std::weak_ptr<std::atomic<int>> watched = seen;
  auto sink = spanwire::log::Sink::add(spanwire::Level::info, [seen = std::move(seen)](const spanwire::log::Record &record) {
    if (record.kind != "shop") return;
    ++*seen;
    throw std::runtime_error("the sink is broken");
  });
  CHECK(sink);
  for (int i = 0; i < 3; ++i) spanwire::log::write(spanwire::Level::info, "shop", "a customer");
  for (int i = 0; i < 500 && sink.failures() < 3; ++i) std::this_thread::sleep_for(10ms);
  CHECK(sink.failures() == 3);
  CHECK(sink.remove().ok());
  spanwire::log::write(spanwire::Level::info, "shop", "one more");
  CHECK(sink.failures() == 3);
  for (int i = 0; i < 500 && !watched.expired(); ++i) std::this_thread::sleep_for(10ms);
  CHECK(watched.expired());
}

static void polling_passes_exceptions_on() {
  spanwire::log::drain();
  for (const char *text : {"one", "two", "three"}) spanwire::log::write(spanwire::Level::warn, "shop", text);
  bool caught = false;
  try {
    spanwire::log::poll([](const spanwire::log::Record &) { throw 7; });
  } catch (int number) {
    caught = number == 7;
  }
  CHECK(caught);
  std::string texts;
  const std::size_t count = spanwire::log::poll([&](const spanwire::log::Record &record) {
    CHECK(record.level == spanwire::Level::warn && record.kind == "shop");
    texts += record.text;
  });
  CHECK(count == 2 && texts.find("two") < texts.find("three") && texts.find("one") == std::string::npos);

  const std::string large(9000, 'y');
  spanwire::log::write(spanwire::Level::warn, "shop", "small");
  spanwire::log::write(spanwire::Level::warn, "shop", large);
  spanwire::log::write(spanwire::Level::warn, "shop", "last");
  const std::string lines = spanwire::log::drain();
  CHECK(lines.find("small") < lines.find("yyy") && lines.find("yyy") < lines.find("last"));
  CHECK(lines.find("last") != std::string::npos && spanwire::log::drain().empty());
}

static void an_equal_tracer_is_shared(spanwire::Tracer &tracer) {
  const auto before = tracer.stats().spans_finished;
  {
    auto same = spanwire::Tracer::create({{"DD_SERVICE", "raii"}, {"SPANWIRE_LOG_SINKS", "ring"}});
    CHECK(same && same.handle() == tracer.handle());
  }
  tracer.span("after").finish();
  CHECK(tracer.stats().spans_finished == before + 1);
}

int main() {
  auto tracer = spanwire::Tracer::create({{"DD_SERVICE", "raii"}, {"SPANWIRE_LOG_SINKS", "ring"}});
  CHECK(tracer && tracer.status() && tracer.message()[0] == '\0');
  spans_finish_with_their_scope(tracer);
  a_moved_span_finishes_once(tracer);
  empty_objects_do_nothing();
  text_is_taken_by_its_length(tracer);
  a_context_outlives_its_span(tracer);
  a_sink_that_throws_harms_nobody();
  polling_passes_exceptions_on();
  an_equal_tracer_is_shared(tracer);

  spanwire::debug::set_for(60s);
  CHECK(spanwire::debug::get());
  spanwire::debug::set(false);
  CHECK(!spanwire::debug::get());
  CHECK(tracer.config_json() && tracer.config_json()->find("raii") != std::string::npos);

  CHECK(tracer.flush(2s).ok());
  CHECK(tracer.shutdown(2s).ok());
  const auto stats = tracer.stats();
  CHECK(stats.spans_open == 0 && stats.spans_sent == stats.spans_finished);
  CHECK(!tracer.span("too late"));
  return failed;
}
