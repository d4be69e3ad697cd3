/*
 * A trace over several services: continues the trace of a request that came in, and sends the context on, also from
 * another thread.
 *
 * Run:   tools/stage
 *        c++ -std=c++17 -pthread -I target/stage/include examples/cpp/propagation.cpp -o target/propagation-cpp \
 *            -L target/stage/lib -lspanwire -Wl,-rpath,$PWD/target/stage/lib
 *        target/propagation-cpp
 *
 * Prints:
 *   continues the trace of the span 987654321, kept by the user
 *   baggage: user.id=42
 *   baggage: user.id=42,cart=3
 *   traceparent: 00-640cfd8d00000000112210f47de98115-…-01
 *   tracestate: dd=…
 *   x-datadog-origin: synthetics
 *   x-datadog-parent-id: …
 *   x-datadog-sampling-priority: 2
 *   x-datadog-tags: …
 *   x-datadog-trace-id: 1234567890123456789
 */
#include <chrono>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <thread>

#include <spanwire.hpp>

using Headers = std::map<std::string, std::string>;  // any map, multimap, or sequence of pairs

static void send_request(const spanwire::Tracer &tracer) {
  spanwire::Span span = tracer.span("http.request", spanwire::Span::current());
  Headers headers;
  span.inject(headers);  // or a callable: span.inject([&](auto name, auto value) { request.set(name, value); })
  for (const auto &[name, value] : headers) std::cout << name << ": " << value << '\n';
}

static void serve(const spanwire::Tracer &tracer, const Headers &request) {
  // A callable that looks a header up does as well: tracer.extract([&](auto name) { return request.get(name); })
  const spanwire::RemoteContext from = tracer.extract(request);
  std::cout << "continues the trace of the span " << from.context().span_id()
            << (from.context().priority() == 2 ? ", kept by the user\n" : "\n");
  from.each_baggage([](std::string_view key, std::string_view value) {
    std::cout << "baggage: " << key << '=' << value << '\n';
  });

  spanwire::Span span = tracer.span("web.request", from);
  spanwire::Scope scope(span);  // the current span of this thread, until the end of this function
  span.set_baggage("cart", "3");
  std::thread worker([&tracer, parent = spanwire::Span::current()] {  // handed over to another thread
    spanwire::Scope here(parent);
    send_request(tracer);
  });
  worker.join();
}

int main() {
  const Headers request{{"X-Datadog-Trace-Id", "1234567890123456789"}, {"X-Datadog-Parent-Id", "987654321"},
                        {"X-Datadog-Sampling-Priority", "2"},          {"X-Datadog-Origin", "synthetics"},
                        {"X-Datadog-Tags", "_dd.p.tid=640cfd8d00000000,_dd.p.dm=-4"}, {"Baggage", "user.id=42"}};
  auto tracer = spanwire::Tracer::create({{"DD_SERVICE", "shop"}, {"default:DD_TRACE_AGENT_URL", "file:///dev/null"}});
  serve(tracer, request);
  return tracer.shutdown(std::chrono::seconds(2)) ? 0 : 1;
}
