/*
 * A prefork server in miniature: the tracer is started once, before the workers are forked. A worker needs no call of
 * its own after the fork; it has its own queue and counters, and shuts down before it exits.
 *
 * Run:   tools/stage
 *        c++ -std=c++17 -I target/stage/include examples/cpp/prefork.cpp -o target/prefork-cpp \
 *            -L target/stage/lib -lspanwire -Wl,-rpath,$PWD/target/stage/lib
 *        target/prefork-cpp | grep -v '^{'     # without the traces themselves
 *
 * Prints, after a line of JSON for each of the 13 traces:
 *   worker 1: 6 spans finished, 6 sent
 *   worker 2: 6 spans finished, 6 sent
 *   worker 3: 6 spans finished, 6 sent
 *   worker 4: 6 spans finished, 6 sent
 *   parent: 1 spans finished, 1 sent
 *   all: 25 spans finished, 25 sent
 */
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <iostream>

#include <spanwire.hpp>

constexpr int workers = 4, requests = 3;

// Shuts down, so that every span is sent or counted as dropped, and returns the counters of this process.
static spanwire::Stats close_tracer(spanwire::Tracer &tracer) {
  tracer.shutdown(std::chrono::seconds(2));
  return tracer.stats();
}

static int serve(spanwire::Tracer &tracer, int report) {
  for (int i = 0; i < requests; ++i) {
    spanwire::Span request = tracer.span("request");
    spanwire::Span query = request.child("query");
  }  // both finish here, the query first
  const spanwire::Stats stats = close_tracer(tracer);
  return write(report, &stats, sizeof stats) == static_cast<ssize_t>(sizeof stats) ? 0 : 1;
}

int main() {
  auto tracer =
      spanwire::Tracer::create({{"DD_SERVICE", "shop"}, {"default:DD_TRACE_AGENT_URL", "file:///dev/stdout"}});
  if (!tracer) return 1;
  tracer.span("boot").finish();

  int reports[workers];
  for (int &report : reports) {
    int ends[2];
    if (pipe(ends) != 0) return 1;
    const pid_t pid = fork();
    if (pid < 0) return 1;
    if (pid == 0) _exit(serve(tracer, ends[1]));
    close(ends[1]);
    report = ends[0];
  }
  while (wait(nullptr) > 0) {}

  const spanwire::Stats own = close_tracer(tracer);
  std::uint64_t finished = own.spans_finished, sent = own.spans_sent;
  for (int i = 0; i < workers; ++i) {
    spanwire::Stats stats;
    if (read(reports[i], &stats, sizeof stats) != static_cast<ssize_t>(sizeof stats)) return 1;
    std::cout << "worker " << i + 1 << ": " << stats.spans_finished << " spans finished, " << stats.spans_sent
              << " sent\n";
    finished += stats.spans_finished;
    sent += stats.spans_sent;
  }
  std::cout << "parent: " << own.spans_finished << " spans finished, " << own.spans_sent << " sent\n";
  std::cout << "all: " << finished << " spans finished, " << sent << " sent\n";
  return 0;
}
