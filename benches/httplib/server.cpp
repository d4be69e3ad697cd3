// A server of cpp-httplib and its clients in one process: prints requests per second, without and with the integration.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <spanwire/httplib.hpp>
#include <string>
#include <thread>
#include <vector>

template <class Server>
double measure(Server &server, int requests) {
  constexpr int clients = 2;
  server.Get(R"(/item/(\d+))", [](const httplib::Request &request, httplib::Response &response) {
    response.set_content("item " + request.matches[1].str() + "\n", "text/plain");
  });
  server.set_keep_alive_max_count(1000000);
  // It writes head and body apart, which Nagle's algorithm would hold back for 40 ms.
  server.set_tcp_nodelay(true);
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread listening([&] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const auto send = [&](int count) {
    std::vector<std::thread> threads;
    for (int n = 0; n < clients; ++n) {
      threads.emplace_back([&] {
        httplib::Client client("127.0.0.1", port);
        client.set_keep_alive(true);
        client.set_tcp_nodelay(true);
        for (int sent = 0; sent < count / clients; ++sent) {
          if (const auto answer = client.Get("/item/7?color=red"); answer && answer->status == 200) continue;
          std::fprintf(stderr, "a request failed\n");
          std::exit(1);
        }
      });
    }
    for (auto &thread : threads) thread.join();
  };
  send(requests / 10);  // to warm up
  const auto start = std::chrono::steady_clock::now();
  send(requests);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  server.stop();
  listening.join();
  return requests / took.count();
}

int main(int count, char **words) {
  const int requests = count > 2 ? std::atoi(words[2]) : 20000;
  double rate = 0;
  if (count > 1 && std::strcmp(words[1], "with") == 0) {
    auto tracer = spanwire::Tracer::create({{"DD_TRACE_STARTUP_LOGS", "false"}});
    spanwire::HttplibServer<> server(tracer);
    rate = measure(server, requests);
    tracer.shutdown(std::chrono::seconds(10));
    const auto stats = tracer.stats();
    if (stats.spans_finished != static_cast<std::uint64_t>(requests + requests / 10)) return 1;
  } else {
    httplib::Server server;
    rate = measure(server, requests);
  }
  std::printf("%.0f\n", rate);
}
