/*
 * The smallest traced program in C++: a `payment` inside a `checkout`, sent to an Agent, or printed if none is set.
 * Spans finish with their scope.
 *
 * Run:   tools/stage
 *        c++ -std=c++17 -I target/stage/include examples/cpp/hello.cpp -o target/hello-cpp \
 *            -L target/stage/lib -lspanwire -Wl,-rpath,$PWD/target/stage/lib
 *        target/hello-cpp                                              # prints the trace
 *        DD_TRACE_AGENT_URL=http://localhost:8126 target/hello-cpp     # sends it
 *        DD_TRACE_DEBUG=true target/hello-cpp                          # logs to standard error
 *
 * Prints:
 *   {"trace_id":"…","spans":[{"name":"checkout"…},{"name":"payment"…"card":"visa"…"amount":42.5…}]}
 *   2 spans finished, 2 sent
 */
#include <chrono>
#include <iostream>

#include <spanwire.hpp>

static void pay(const spanwire::Span &checkout) {
  spanwire::Span payment = checkout.child("payment");
  payment.set_tag("card", "visa");
  payment.set_metric("amount", 42.5);
}  // payment finishes here, also if the function throws

int main() {
  // `default:` makes it a default, which DD_TRACE_AGENT_URL in the environment overrides.
  auto tracer =
      spanwire::Tracer::create({{"DD_SERVICE", "shop"}, {"default:DD_TRACE_AGENT_URL", "file:///dev/stdout"}});
  if (!tracer) {
    std::cerr << "no tracer: " << tracer.message() << '\n';
    return 1;
  }

  {
    spanwire::Span checkout = tracer.span("checkout");
    pay(checkout);
  }

  // The one call to check: it waits up to two seconds until all spans are sent.
  const spanwire::Status status = tracer.shutdown(std::chrono::seconds(2));
  if (!status) std::cerr << "not everything left: " << status.text() << '\n';

  const spanwire::Stats stats = tracer.stats();
  std::cout << stats.spans_finished << " spans finished, " << stats.spans_sent << " sent\n";
  return status ? 0 : 1;
}
