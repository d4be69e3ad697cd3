// Trace contexts in headers, baggage and current spans with spanwire.hpp. A build without exceptions leaves out what
// throws. Each CHECK that fails is named on standard error and makes the exit code 1.
#include <algorithm>
#include <chrono>
#include <cctype>
#include <cstdio>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include <spanwire.hpp>

using namespace std::chrono_literals;
using std::string;
using std::string_view;

static int failed = 0;
#define CHECK(...) \
  do { \
    if (!(__VA_ARGS__)) { \
      std::fprintf(stderr, "%d: not so: %s\n", __LINE__, #__VA_ARGS__); \
      failed = 1; \
    } \
  } while (false)

static spanwire::Tracer a_tracer(const char *styles) {
  return spanwire::Tracer::create({{"DD_SERVICE", "headers"},
                                   {"DD_TRACE_PROPAGATION_STYLE", styles},
                                   {"DD_TRACE_STARTUP_LOGS", "false"}});
}

using Pairs = std::vector<std::pair<string, string>>;

// As HTTP libraries have them: several headers of one name, names in any case.
struct InAnyCase {
  bool operator()(const string &one, const string &other) const {
    return std::lexicographical_compare(one.begin(), one.end(), other.begin(), other.end(), [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) < std::tolower(static_cast<unsigned char>(b));
    });
  }
};
using Headers = std::multimap<string, string, InAnyCase>;

static const Pairs came{{"Host", "shop"},
                        {"X-Datadog-Trace-Id", "1234567890123456789"},
                        {"x-datadog-parent-id", "987654321"},
                        {"X-DATADOG-SAMPLING-PRIORITY", "2"},
                        {"x-datadog-origin", "synthetics"},
                        {"x-datadog-tags", "_dd.p.tid=640cfd8d00000000,_dd.p.dm=-4"},
                        {"baggage", "user.id=42,city=M%C3%BCnchen"}};

static bool is_whole(const spanwire::RemoteContext &found) {
  const std::pair<std::uint64_t, std::uint64_t> trace{0x640cfd8d00000000, 1234567890123456789};
  return found && found.context().trace_id() == trace &&
         found.context().span_id() == 987654321 && found.context().priority() == 2 && found.origin() == "synthetics" &&
         found.baggage("city") == "München";
}

static void contexts_are_read_from_any_map(const spanwire::Tracer &tracer) {
  CHECK(is_whole(tracer.extract(came)));
  CHECK(is_whole(tracer.extract(std::map<string, string>(came.begin(), came.end()))));
  CHECK(is_whole(tracer.extract(std::unordered_map<string, string>(came.begin(), came.end()))));
  CHECK(is_whole(tracer.extract(Headers(came.begin(), came.end()))));
  std::vector<std::tuple<string_view, const char *>> views;
  for (const auto &[name, value] : came) views.emplace_back(name, value.c_str());
  CHECK(is_whole(tracer.extract(views)));
  std::vector<std::pair<string, string>> cgi;
  for (auto [name, value] : came) {
    for (char &letter : name) letter = letter == '-' ? '_' : static_cast<char>(std::toupper(letter));
    cgi.emplace_back("HTTP_" + name, value);
  }
  CHECK(is_whole(tracer.extract(cgi)));
  const std::pair<const char *, const char *> array[] = {
      {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
  CHECK(tracer.extract(array).context().span_id() == 0x00f067aa0ba902b7);
}

static void contexts_are_read_by_callables(const spanwire::Tracer &tracer) {
  const Headers headers(came.begin(), came.end());
  const auto find = [&](string_view name) { return headers.find(string(name)); };
  CHECK(is_whole(tracer.extract([&](string_view name) -> const char * {
    const auto at = find(name);
    return at == headers.end() ? nullptr : at->second.c_str();
  })));
  CHECK(is_whole(tracer.extract([&](string_view name) -> std::optional<string_view> {
    const auto at = find(name);
    if (at == headers.end()) return std::nullopt;
    return at->second;
  })));
  CHECK(is_whole(tracer.extract([&](const string &name) {  // a text of its own
    const auto at = headers.find(name);
    return at == headers.end() ? string() : at->second;
  })));
  const string nothing;
  CHECK(is_whole(tracer.extract([&](string_view name) -> const string & {
    const auto at = find(name);
    return at == headers.end() ? nothing : at->second;
  })));
}

static void no_context_is_none(const spanwire::Tracer &tracer) {
  const auto none = tracer.extract(Pairs{{"host", "shop"}, {"traceparent", "nonsense"}});
  CHECK(!none && none.status() && none.handle() == 0 && none.context().span_id() == 0 && !none.baggage("a"));
  CHECK(!tracer.extract(Pairs()) && tracer.extract(Pairs()).status());
  Pairs written;
  CHECK(none.inject(written) && written.empty());
  const spanwire::Tracer nowhere;
  CHECK(!nowhere.extract(came) && nowhere.extract(came).status() == SPANWIRE_E_HANDLE);
  spanwire::Span begun = tracer.span("begun", none);
  CHECK(begun && !begun.baggage("a"));

  const auto only_baggage = tracer.extract(Pairs{{"baggage", "a=b"}});
  CHECK(only_baggage && only_baggage.context().span_id() == 0);
  CHECK(tracer.span("alone", only_baggage).baggage("a") == "b");

  // Many more than an array on the stack holds, and than the library keeps.
  Pairs many(1000, {"x-other", "value"});
  many.insert(many.end(), came.begin(), came.end());
  for (int i = 0; i < 6; ++i) CHECK(is_whole(tracer.extract(many)));
}

static string value_of(const Pairs &headers, string_view name) {
  string found;
  for (const auto &[key, value] : headers) {
    if (key == name) found += value;
  }
  return found;
}

static void contexts_go_on_into_any_map(const spanwire::Tracer &tracer) {
  auto from = tracer.extract(came);
  spanwire::Span span = tracer.span("continued", from, spanwire::SpanOptions().resource("GET /"));
  spanwire::RemoteContext moved = std::move(from);
  CHECK(!from && is_whole(moved) && !from.origin() && span.origin() == "synthetics" && !spanwire::Span().origin());
  moved = spanwire::RemoteContext();  // freed: the span needs it no more

  Pairs pairs{{"X-Datadog-Origin", "to be replaced"}, {"host", "goods"}};
  CHECK(span.inject(pairs));
  CHECK(value_of(pairs, "X-Datadog-Origin") == "synthetics" && value_of(pairs, "x-datadog-origin").empty());
  CHECK(value_of(pairs, "x-datadog-parent-id") == span.span_id() && value_of(pairs, "host") == "goods");
  CHECK(value_of(pairs, "baggage") == "user.id=42,city=M%C3%BCnchen");
  CHECK(value_of(pairs, "traceparent").find(span.trace_id_hex()) == 3);
  CHECK(span.inject(pairs) && value_of(pairs, "x-datadog-parent-id") == span.span_id());  // nothing is there twice

  std::map<string, string> map{{"x-datadog-origin", "to be replaced"}};
  std::unordered_map<string, string> unordered;
  Headers headers{{"X-Datadog-Origin", "to be replaced"}, {"x-datadog-origin", "this as well"}};
  Pairs by_call;
  CHECK(span.inject(map) && span.inject(unordered) && span.inject(headers));
  CHECK(span.inject([&](string_view name, string_view value) { by_call.emplace_back(name, value); }));
  Pairs of_strings;
  CHECK(span.inject([&](const string &name, string value) { of_strings.emplace_back(name, std::move(value)); }));
  CHECK(of_strings == by_call);
  CHECK(map == std::map<string, string>(by_call.begin(), by_call.end()) && map.size() == by_call.size());
  CHECK(unordered == std::unordered_map<string, string>(by_call.begin(), by_call.end()));
  CHECK(headers == Headers(by_call.begin(), by_call.end()));

  Pairs passed_on;
  CHECK(tracer.extract(came).inject(passed_on) && value_of(passed_on, "x-datadog-parent-id") == "987654321");
  spanwire::Span empty;
  CHECK(empty.inject(passed_on));
  span.finish();
  Pairs late;
  CHECK(span.inject(late) && late.empty());
}

static void baggage_is_read_changed_and_inherited(const spanwire::Tracer &tracer) {
  auto from = tracer.extract(came);
  CHECK(from.set_baggage("cart", "3") && from.remove_baggage("city") && !from.baggage("city"));
  CHECK(from.remove_baggage("city") == SPANWIRE_E_NOT_FOUND);
  spanwire::Span span = tracer.span("with baggage", from);
  CHECK(span.set_baggage("large", string(3000, 'x')) && span.baggage("large") == string(3000, 'x'));
  CHECK(span.child("child").baggage("cart") == "3");
  CHECK(span.remove_baggage("large") && !span.baggage("large") && !span.baggage(""));
  string all;
  const auto note = [&](string_view key, string_view value) { all += string(key) + "=" + string(value) + ";"; };
  CHECK(span.each_baggage(note) && from.each_baggage(note));
  CHECK(all == "user.id=42;cart=3;user.id=42;cart=3;");
  spanwire::Span empty;
  CHECK(empty.set_baggage("a", "b") && !empty.baggage("a") && empty.each_baggage(note));
  span.finish();
}

static void each_thread_has_a_current_span(const spanwire::Tracer &tracer) {
  CHECK(!spanwire::Span::current());
  spanwire::Span outer = tracer.span("outer");
  {
    spanwire::Scope outside(outer);
    spanwire::Span request = tracer.span("request");
    {
      spanwire::Scope scope(request);
      CHECK(spanwire::Span::current().handle() == request.handle());
      CHECK(spanwire::Span::current().set_tag("route", "/cart") && request.tag("route") == "/cart");
      auto query = tracer.span("query", spanwire::Span::current());
      std::thread([&tracer] {
        CHECK(!spanwire::Span::current());
        auto alone = tracer.span("on another thread", spanwire::Span::current());
      }).join();
      std::thread([&tracer, parent = spanwire::Span::current()] {
        spanwire::Scope here(parent);
        auto handed = tracer.span("handed over", spanwire::Span::current(), spanwire::SpanOptions().type("job"));
      }).join();
      spanwire::Scope none{spanwire::SpanRef()};
      CHECK(!spanwire::Span::current() && !spanwire::Span::current().child("x"));
    }
    CHECK(spanwire::Span::current().handle() == outer.handle());
    auto restored = spanwire::Span::current().child("restored");
  }
  CHECK(!spanwire::Span::current());
  const spanwire::SpanRef finished = outer;
  outer.finish();
  CHECK(finished.inject(Pairs()) == SPANWIRE_E_HANDLE && !finished.baggage("a"));
}

static void styles_that_callables_are_asked_for(const Pairs &sent) {
  auto tracer = a_tracer("b3multi,b3,tracecontext");
  for (string_view style : {"x-b3", "b3", "trace"}) {
    Pairs some;
    std::copy_if(sent.begin(), sent.end(), std::back_inserter(some),
                 [&](const auto &header) { return header.first.find(style) == 0; });
    CHECK(!some.empty());
    const auto found = tracer.extract([&](string_view name) { return value_of(some, name); });
    CHECK(found.context().span_id() != 0 && found.context().span_id() == tracer.extract(some).context().span_id());
  }
}

#if defined(__cpp_exceptions)
static void exceptions_pass_through(const spanwire::Tracer &tracer) {
  int caught = 0;
  int calls = 0;
  spanwire::Span span = tracer.span("thrown");
  const auto is_caught = [&](auto call) {
    try {
      call();
    } catch (const std::runtime_error &) {
      ++caught;
    }
  };
  is_caught([&] {
    span.inject([&](string_view, string_view) {
      ++calls;
      throw std::runtime_error("full");
    });
  });
  CHECK(calls == 1);
  is_caught([&] { (void)tracer.extract([](string_view) -> const char * { throw std::runtime_error("closed"); }); });
  span.set_baggage("a", "b");
  is_caught([&] { span.each_baggage([](string_view, string_view) { throw std::runtime_error("full"); }); });
  CHECK(caught == 3);
  is_caught([&] {
    spanwire::Scope scope(span);
    throw std::runtime_error("leaves the scope");
  });
  CHECK(caught == 4 && !spanwire::Span::current());
  span.finish();
}
#endif

int main() {
  auto tracer = a_tracer("datadog,tracecontext,baggage");
  CHECK(tracer && tracer.status());
  contexts_are_read_from_any_map(tracer);
  contexts_are_read_by_callables(tracer);
  no_context_is_none(tracer);
  contexts_go_on_into_any_map(tracer);
  baggage_is_read_changed_and_inherited(tracer);
  each_thread_has_a_current_span(tracer);
#if defined(__cpp_exceptions)
  exceptions_pass_through(tracer);
#endif
  auto others = a_tracer("b3multi,b3,tracecontext");
  Pairs sent;
  auto span = others.span("other styles");
  span.inject(sent);
  span.finish();
  styles_that_callables_are_asked_for(sent);
  CHECK(tracer.shutdown(2s) && others.shutdown(2s));
  return failed;
}
