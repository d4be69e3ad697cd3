// 1,000 finished spans that no agent accepts, and 50 open ones: 400 traces of one span each, which wait in the queue, and
// 50 traces of twelve finished spans below an open one. Prints `ready` and sleeps.
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <spanwire.hpp>

static void finish(spanwire::Span span, int number) {
  span.set_metric("number", number);
  span.set_tag("card", "visa");
}

int main() {
  auto tracer = spanwire::Tracer::create({{"SPANWIRE_LOG_SINKS", "none"}});
  if (!tracer) return 1;
  int number = 0;
  while (number < 400) finish(tracer.span("finished"), number++);
  std::vector<spanwire::Span> open;
  for (int trace = 0; trace < 50; ++trace) {
    open.push_back(tracer.span("open"));
    for (int child = 0; child < 12; ++child) finish(open.back().child("finished"), number++);
  }
  std::puts("ready");
  std::fflush(stdout);
  std::this_thread::sleep_for(std::chrono::seconds(60));
}
