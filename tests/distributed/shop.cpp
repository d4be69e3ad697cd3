// The third of the three services of shop.rs, and the one that the page of rails.rs calls: on cpp-httplib, with spdlog.
#include <cstdlib>
#include <spanwire/httplib.hpp>
#include <spanwire/spdlog.hpp>

int main() {
  auto tracer = spanwire::Tracer::create({});
  spdlog::set_formatter(spanwire::spdlog_formatter(tracer));
  spdlog::flush_on(spdlog::level::info);
  spanwire::HttplibServer<> server(tracer);
  const auto answers = [&](const char *name, const char *text) {
    return [&tracer, name, text](const httplib::Request &, httplib::Response &response) {
      spanwire::Span query = tracer.span(name, spanwire::Span::current());
      spanwire::Scope scope(query);
      spdlog::info("{} is asked for", name);
      response.set_content(text, "text/plain");
    };
  };
  server.Get(R"(/price/(\d+))", answers("price.query", "cpp\n"));
  server.Get("/stock", answers("stock.query", "4 left"));
  return server.listen("127.0.0.1", std::atoi(std::getenv("PORT"))) ? 0 : 1;
}
