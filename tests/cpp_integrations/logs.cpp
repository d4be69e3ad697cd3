// Lines of spdlog with the fields of the current span. Prints each line after what wrote it; cpp_integrations.rs compares
// their ids with those of the spans.
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <spanwire/spdlog.hpp>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/ostream_sink.h>

namespace {

/// A logger that writes into a text.
struct Lines {
  std::ostringstream text;
  std::shared_ptr<spdlog::sinks::sink> sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text);

  void print(const char *which) {
    std::istringstream lines(text.str());
    for (std::string line; std::getline(lines, line);) std::printf("%s: %s\n", which, line.c_str());
    text.str("");
  }
};

}  // namespace

int main() {
  Lines lines;
  spdlog::logger text("shop", lines.sink);
  {
    auto tracer = spanwire::Tracer::create({{"DD_SERVICE", "shop"}, {"DD_ENV", "the tests"}, {"DD_VERSION", "1.2.3"}});
    text.set_formatter(spanwire::spdlog_formatter(tracer));
    text.info("before");
    {
      spanwire::Span outer = tracer.span("outer");
      spanwire::Scope scope(outer);
      text.info("outer");
      {
        spanwire::Span inner = outer.child("inner");
        spanwire::Scope here(inner);
        text.warn("inner");
      }
      text.info("outer");
      std::thread([&] { text.info("before"); }).join();  // another thread has no current span
      std::vector<std::thread> threads;
      for (int n = 0; n < 4; ++n) {
        threads.emplace_back([&, n] {
          spanwire::Span job = tracer.span("job " + std::to_string(n), spanwire::SpanRef(outer));
          spanwire::Scope here(job);
          for (int times = 0; times < 50; ++times) text.info("job {}", n);
        });
      }
      for (auto &thread : threads) thread.join();
      lines.print("text");

      spdlog::logger json("shop", lines.sink);
      json.set_formatter(spanwire::spdlog_formatter(tracer, R"({"level":"%l",%*,"message":"%v"})", spanwire::LogFields::json));
      json.error("outer");
      lines.print("json");

      auto pool = std::make_shared<spdlog::details::thread_pool>(64, 1);
      auto queued = std::make_shared<spdlog::async_logger>("shop", lines.sink, pool);
      queued->set_pattern("%v");
      spdlog::logger front("shop", std::make_shared<spanwire::SpdlogForward>(tracer, queued));
      front.info("outer");
      front.flush();
      pool.reset();
      queued.reset();  // with the pool: it writes what waits
    }
    lines.print("asynchronous");
    text.set_formatter(spanwire::spdlog_formatter(tracer, "[%*] %v"));
    tracer.shutdown(std::chrono::seconds(10));
  }
  text.info("freed");
  lines.print("text");
}
