// Sends a span with links, events, attributes and a structured value when the library knows what the agent takes.
#include <cstdio>
#include <map>
#include <spanwire.hpp>
#include <thread>

int main() {
  using namespace std::chrono_literals;
  using spanwire::Attribute, spanwire::Value;
  auto tracer = spanwire::Tracer::create({});
  tracer.span("first").finish();
  tracer.flush(10s);
  for (int i = 0; i < 2000 && spanwire::log::drain().find("agent.info") == std::string::npos; ++i) {
    std::this_thread::sleep_for(5ms);
  }
  const Value texts[] = {"one", "tü3"}, booleans[] = {true, false}, integers[] = {INT64_MIN, INT64_MAX};
  const Value floats[] = {0.5, -1e300}, numbers[] = {-3, 0.5}, mixed[] = {1, "a"};
  const Attribute typed[] = {{"text", "the last one counts"}, {"empty", ""}, {"yes", true}, {"no", false}, {"small", -7},
                             {"large", INT64_MAX}, {"exact", 1ll << 53}, {"half", 0.5}, {"texts", texts, 2},
                             {"booleans", booleans, 2}, {"integers", integers, 2}, {"floats", floats, 2},
                             {"numbers", numbers, 2}, {"none", nullptr, 0}};
  std::map<std::string, std::string> headers = {{"x-datadog-trace-id", "18446744073709551615"},
                                                {"x-datadog-parent-id", "2748"},
                                                {"x-datadog-tags", "_dd.p.tid=640cfd8d00000000"}};
  const spanwire::Time at(std::chrono::duration_cast<spanwire::Time::duration>(1700000000123456789ns));
  auto span = tracer.span(std::getenv("NAME"));
  span.set_attributes(typed, std::size(typed));
  span.set_error("Timeout", "no answer", "at f()\nat g()");
  span.add_link(tracer.extract(headers).context());
  headers["x-datadog-sampling-priority"] = "1";
  span.add_link(tracer.extract(headers).context(), typed, std::size(typed));
  span.add_event("it happened", {}, at);
  span.add_event("caf\xe9", typed, std::size(typed), at);
  span.add_event("now");
  const char map[] = "\x82\xa4user\xa3" "bob\xa5items\x92\x01\xcb\x3f\xe0\0\0\0\0\0\0";
  span.set_meta_struct("appsec", map, sizeof map - 1);
  span.set_meta_struct("no map", "\1", 1);
  span.set_attributes({{"bad", mixed, 2}, {"bad", 0.0 / 0.0}});
  span.add_event("");
  span.finish();
  tracer.flush(10s);
  std::printf("%llu", static_cast<unsigned long long>(tracer.stats().tags_dropped));
}
