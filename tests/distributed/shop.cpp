// The third of the three services of shop.rs, on cpp-httplib, with spdlog.
#include <cstdlib>
#include <spanwire/httplib.hpp>
#include <spanwire/spdlog.hpp>

int main() {
  auto tracer = spanwire::Tracer::create({});
  spdlog::set_formatter(spanwire::spdlog_formatter(tracer));
  spdlog::flush_on(spdlog::level::info);
  spanwire::HttplibServer<> server(tracer);
  server.Get(R"(/price/(\d+))", [&](const httplib::Request &, httplib::Response &response) {
    spanwire::Span query = tracer.span("price.query", spanwire::Span::current());
    spanwire::Scope scope(query);
    spdlog::info("the price is asked for");
    response.set_content("cpp\n", "text/plain");
  });
  return server.listen("127.0.0.1", std::atoi(std::getenv("PORT"))) ? 0 : 1;
}
