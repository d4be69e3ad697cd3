// remote FILE: as remote.c, through the C++ API and without forks.
#include <chrono>
#include <cstdio>
#include <thread>
#include <unistd.h>

#include <spanwire.hpp>

int main(int, char **argv) {
  auto tracer = spanwire::Tracer::create({});
  if (!tracer) return 1;
  std::string before;
  while (access(argv[1], F_OK) != 0) {
    { spanwire::Span span = tracer.span("work"); }
    std::string now = tracer.config_json().value_or("");
    if (now != before) std::printf("config %s\n", now.c_str());
    before = now;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return tracer.shutdown(std::chrono::seconds(10)).ok() ? 0 : 1;
}
