// A hop that is traced by spanwire: a small HTTP server, with a thread for each connection. See hops.rs for what a hop
// does.
#include <arpa/inet.h>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <spanwire.hpp>

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

sockaddr_in at_port(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Reads until the text contains `end`, or until the connection ends.
std::string read_until(int connection, std::string_view end) {
  std::string text;
  char buffer[4096];
  while (end.empty() || text.find(end) == std::string::npos) {
    const ssize_t got = read(connection, buffer, sizeof buffer);
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

void write_all(int connection, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = write(connection, text.data(), text.size());
    if (put <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

/// Sends a request and returns the body of the answer.
std::string get(int port, const std::string &path, const Headers &headers) {
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = at_port(port);
  std::string request = "GET " + path + " HTTP/1.0\r\nHost: 127.0.0.1\r\n";
  for (const auto &[name, value] : headers) request += name + ": " + value + "\r\n";
  if (connect(connection, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0) {
    write_all(connection, request + "\r\n");
  }
  const std::string answer = read_until(connection, "");
  close(connection);
  const auto body = answer.find("\r\n\r\n");
  return body == std::string::npos ? "[]" : answer.substr(body + 4);
}

std::string quoted(std::string_view text) {
  std::string json = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') json += '\\';
    json += letter;
  }
  return json + '"';
}

/// A JSON object, one member after the other.
class Object {
 public:
  void add(std::string_view key, std::string_view json) {
    text_ += (text_.size() > 1 ? "," : "") + quoted(key) + ":" + std::string(json);
  }
  std::string text() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

bool of_a_context(std::string_view name) {
  return name.find("x-datadog-") == 0 || name == "traceparent" || name == "tracestate" || name == "baggage";
}

/// Calls the next service in the path `/PORT/…`, as a child of the current span. Returns the later hops.
std::string later_hops(const std::string &path) {
  const auto end = path.find('/', 1);
  const int port = std::atoi(path.substr(1, end).c_str());
  if (port == 0) return "";
  Headers headers;
  spanwire::Span::current().inject(headers);
  const std::string hops = get(port, end == std::string::npos ? "/" : path.substr(end), headers);
  return hops.size() < 3 ? "" : "," + hops.substr(1, hops.rfind(']') - 1);
}

std::string hop(const spanwire::Tracer &tracer, const std::string &path, const Headers &headers) {
  const spanwire::RemoteContext from = tracer.extract(headers);
  spanwire::Span span = tracer.span("hop", from);
  spanwire::Scope scope(span);
  if (!from) span.set_baggage("begun.by", "cpp");

  Object baggage, received, said;
  span.each_baggage([&](std::string_view key, std::string_view value) { baggage.add(key, quoted(value)); });
  for (const auto &[name, value] : headers) {
    if (of_a_context(name)) received.add(name, quoted(value));
  }
  said.add("by", quoted("cpp"));
  said.add("trace_id", quoted(span.trace_id_hex()));
  said.add("span_id", quoted(span.span_id()));
  said.add("parent_id", quoted(std::to_string(from.context().span_id())));
  said.add("baggage", baggage.text());
  said.add("headers", received.text());
  return "[" + said.text() + later_hops(path) + "]";
}

void serve(const spanwire::Tracer &tracer, int connection) {
  const std::string request = read_until(connection, "\r\n\r\n");
  if (request.find("\r\n\r\n") == std::string::npos) {  // a connection without a request
    close(connection);
    return;
  }
  const auto path = request.find(' ') + 1;
  Headers headers;
  for (auto line = request.find("\r\n") + 2; line < request.size();) {
    const auto end = request.find("\r\n", line), colon = request.find(':', line);
    if (end == std::string::npos || colon >= end) break;
    std::string name = request.substr(line, colon - line);
    for (char &letter : name) letter = static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter + 32 : letter);
    const auto value = request.find_first_not_of(' ', colon + 1);
    headers.emplace_back(name, request.substr(value, end - value));
    line = end + 2;
  }
  const std::string body = hop(tracer, request.substr(path, request.find(' ', path) - path), headers);
  write_all(connection, "HTTP/1.0 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  close(connection);
}

}  // namespace

int main() {
  std::signal(SIGPIPE, SIG_IGN);
  const auto tracer = spanwire::Tracer::create({});
  if (!tracer) {
    std::fprintf(stderr, "no tracer: %s\n", tracer.message());
    return 1;
  }
  const int server = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = at_port(std::atoi(std::getenv("PORT")));
  if (bind(server, reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0 || listen(server, 64) != 0) {
    std::perror("cannot listen");
    return 1;
  }
  for (;;) {
    const int connection = accept(server, nullptr, nullptr);
    if (connection >= 0) std::thread(serve, std::cref(tracer), connection).detach();
  }
}
