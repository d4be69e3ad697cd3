/*
 * Two ways to receive the tracer's log, and the debug switch: a sink that spanwire calls on its log thread, and records
 * that this program polls.
 *
 * Run:   tools/stage
 *        c++ -std=c++17 -I target/stage/include examples/cpp/log_sink.cpp -o target/log_sink-cpp \
 *            -L target/stage/lib -lspanwire -Wl,-rpath,$PWD/target/stage/lib
 *        target/log_sink-cpp
 *
 * Prints:
 *   sink: debug span started: name=loud…
 *   sink: debug span finished: name=loud…
 *   sink: info shop: the till is closed
 *   poll: debug span started: name=loud…
 *   poll: debug span finished: name=loud…
 *   poll: info shop: the till is closed
 *   the sink is closed
 */
#include <chrono>
#include <iostream>
#include <memory>
#include <utility>

#include <spanwire.hpp>

using spanwire::Level;
using spanwire::log::Record;

// State of a sink's function. It is destroyed once no further call can come.
struct ShopLog {
  const char *name;

  void print(const Record &record) const {
    static const char *const levels[] = {"off", "error", "warn", "info", "debug", "trace"};
    // `text` has time and level before the message; a logger adds its own. Both texts are valid until this function
    // returns. The rest of the log (payloads, start-up) is left out here.
    if (record.kind.substr(0, 5) != "span." && record.kind != "shop") return;
    std::cout << name << ": " << levels[static_cast<int>(record.level)] << ' ' << record.message << '\n';
  }
};

static void visit(const spanwire::Tracer &tracer, const char *name) { spanwire::Span visit = tracer.span(name); }

int main() {
  // `ring` alone: nothing goes to standard error, and records wait for poll.
  auto tracer = spanwire::Tracer::create({{"DD_TRACE_AGENT_URL", "file:///dev/null"}, {"SPANWIRE_LOG_SINKS", "ring"}});
  if (!tracer) return 1;

  auto pushed = std::make_shared<ShopLog>(ShopLog{"sink"});
  const std::weak_ptr<ShopLog> open = pushed;
  auto sink = spanwire::log::Sink::add(
      Level::debug, [pushed = std::move(pushed)](const Record &record) { pushed->print(record); });
  if (!sink) return 1;

  visit(tracer, "quiet");
  spanwire::debug::set(true);  // or DD_TRACE_DEBUG=true; debug::set_for(60s) turns it off again after 60 s
  visit(tracer, "loud");
  spanwire::debug::set(false);
  visit(tracer, "quiet again");
  spanwire::log::write(Level::info, "shop", "the till is closed");

  // Shutdown waits for the sinks too. After remove has returned, ours is not called again.
  tracer.shutdown(std::chrono::seconds(2));
  sink.remove();

  const ShopLog pulled{"poll"};
  spanwire::log::poll([&](const Record &record) { pulled.print(record); });  // calls it on this thread
  std::cout << (open.expired() ? "the sink is closed" : "the sink is still open") << '\n';
  return 0;
}
