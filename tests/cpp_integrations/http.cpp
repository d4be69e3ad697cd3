// A server and clients of cpp-httplib, and clients of libcurl, in one process, with the integrations. Prints what they
// have seen as JSON; cpp_integrations.rs looks at the spans.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <spanwire/curl.hpp>
#include <spanwire/httplib.hpp>
#include <spanwire/httplib_client.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using httplib::Request;
using httplib::Response;

namespace {

void check(bool holds, const char *what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::exit(1);
}

std::size_t append(char *bytes, std::size_t, std::size_t count, void *to) {
  static_cast<std::string *>(to)->append(bytes, count);
  return count;
}

/// Answers with the current span and the headers of contexts that came in.
void say_current(const Request &request, Response &response) {
  std::string text = "current " + spanwire::Span::current().span_id() + "\n";
  for (const auto &[name, value] : request.headers) text += name + ": " + value + "\n";
  response.set_content(text, "text/plain");
}

template <class Server>
void serve(const spanwire::Tracer &tracer, Server &server) {
  server.Get(R"(/item/(\d+))", [&](const Request &request, Response &response) {
    spanwire::Span load = tracer.span("load", spanwire::Span::current());
    say_current(request, response);
  });
  server.Get("/fails", [](const Request &, Response &response) { response.status = 503; });
  server.Get("/refuses", [](const Request &, Response &response) {
    spanwire::Span::current().set_error("Refused", "by the program");
    response.status = 200;
  });
  server.Get("/streams", [&](const Request &, Response &response) {
    response.set_chunked_content_provider("text/plain", [&](std::size_t, httplib::DataSink &sink) {
      spanwire::Span piece = tracer.span("piece", spanwire::Span::current());
      sink.write("a piece", 7);
      sink.done();
      return true;
    });
  });
  server.Post("/upload", [](const Request &, Response &response, const httplib::ContentReader &read) {
    std::string body;
    read([&](const char *bytes, std::size_t count) { return body.append(bytes, count), true; });
    response.set_content(body, "text/plain");
  });
#if defined(__cpp_exceptions)
  server.Get("/throws", [](const Request &, Response &) { throw std::runtime_error("no money"); });
  server.Get("/throws-a-number", [](const Request &, Response &) { throw 7; });
  server.Get("/forbidden", [](const Request &, Response &) { throw std::invalid_argument("not yours"); });
  server.set_exception_handler([](const Request &request, Response &response, std::exception_ptr) {
    response.status = request.path == "/forbidden" ? 403 : 500;
  });
#endif
}

/// Requests that libcurl sends.
void use_curl(const spanwire::Tracer &tracer, const std::string &base) {
  CURL *curl = curl_easy_init();
  std::string body;
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_slist *headers = curl_slist_append(nullptr, "Traceparent: 00-11111111111111111111111111111111-2222222222222222-01");
  headers = curl_slist_append(headers, "X-Own: kept");
  headers = curl_slist_append(headers, "a line that is no header, which libcurl ignores");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  const std::string secret = "http://user:pass@" + base.substr(7) + "/item/1?token=s3cret&color=red#part";
  curl_easy_setopt(curl, CURLOPT_URL, secret.c_str());
  for (int times = 0; times < 2; ++times) {
    body.clear();
    check(spanwire::curl_perform(tracer, curl, headers) == CURLE_OK, "libcurl gets an answer");
    check(body.find("X-Own: kept\n") != body.npos, "own headers are sent");
    check(body.find("1111111111111111") == body.npos, "a stale context is not sent");
    const auto first = body.find("traceparent: 00-");
    check(first != body.npos && body.find("traceparent", first + 1) == body.npos, "one traceparent is sent");
  }
  // The handle has its own list again, unchanged.
  body.clear();
  check(curl_easy_perform(curl) == CURLE_OK && body.find("x-datadog-trace-id") == body.npos, "no context without a span");
  check(body.find("1111111111111111") != body.npos, "the handle has its own list again");
  check(headers->next->next != nullptr && headers->next->next->next == nullptr, "the list is unchanged");
  curl_slist_free_all(headers);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, nullptr);

  curl_easy_setopt(curl, CURLOPT_URL, (base + "/nowhere").c_str());
  check(spanwire::curl_perform(tracer, curl) == CURLE_OK, "404 is an answer");
  curl_easy_setopt(curl, CURLOPT_URL, "http://127.0.0.1:1/");
  check(spanwire::curl_perform(tracer, curl) == CURLE_COULDNT_CONNECT, "nothing listens at port 1");
  check(spanwire::curl_perform(spanwire::Tracer(), curl) == CURLE_COULDNT_CONNECT, "works without a tracer");
  curl_easy_cleanup(curl);
}

/// Requests that cpp-httplib sends, each as a child of the current span.
void use_httplib(const spanwire::Tracer &tracer, const std::string &base) {
  httplib::Client client(base);
  client.set_keep_alive(true);
  const auto get = [&](const std::string &path) {
    return spanwire::httplib_request(tracer, "GET", base + path, [&](const httplib::Headers &headers) {
      return client.Get(path, headers);
    });
  };
  check(get("/item/2?card=4111&flag")->status == 200, "an answer");
  check(get("/missing")->status == 404, "no such route");
  check(get("/fails")->status == 503, "a failure");
  check(get("/refuses")->status == 200, "an error of the program's own");
  check(get("/streams")->body == "a piece", "a streamed answer");
#if defined(__cpp_exceptions)
  check(get("/throws")->status == 500, "an exception");
  check(get("/throws-a-number")->status == 500, "an exception of another type");
  check(get("/forbidden")->status == 403, "an exception that the handler turns into an answer");
  try {
    spanwire::httplib_request(tracer, "PUT", base + "/x", [&](const auto &) -> httplib::Result {
      throw std::runtime_error("the body cannot be read");
    });
    check(false, "the exception passes through");
  } catch (const std::runtime_error &) {
  }
#endif
  auto posted = spanwire::httplib_request(tracer, "POST", base + "/upload", [&](const httplib::Headers &headers) {
    return client.Post("/upload", headers, "the body", "text/plain");
  });
  check(posted->body == "the body", "the body was read");
  httplib::Client nobody("http://127.0.0.1:1");
  auto refused = spanwire::httplib_request(tracer, "GET", "http://127.0.0.1:1/", [&](const httplib::Headers &headers) {
    return nobody.Get("/", headers);
  });
  check(!refused, "nothing listens at port 1");
}

/// Many requests at once, each in a trace of its own.
void use_threads(const spanwire::Tracer &tracer, const std::string &base) {
  std::vector<std::thread> threads;
  for (int n = 0; n < 6; ++n) {
    threads.emplace_back([&] {
      httplib::Client client(base);
      for (int times = 0; times < 20; ++times) {
        spanwire::Span root = tracer.span("crowd");
        spanwire::Scope scope(root);
        spanwire::httplib_request(tracer, "GET", base + "/item/3", [&](const httplib::Headers &headers) {
          return client.Get("/item/3", headers);
        });
      }
    });
  }
  for (auto &thread : threads) thread.join();
}

}  // namespace

int main() {
  curl_global_init(CURL_GLOBAL_ALL);
  auto tracer = spanwire::Tracer::create({});
  check(bool(tracer), tracer.message());
  {
    spanwire::HttplibServer<> server(tracer);
    std::atomic<int> logged{0}, logged_with_a_span{0};
    server.set_logger([&](const Request &, const Response &) {
      ++logged;
      if (spanwire::Span::current()) ++logged_with_a_span;
    });
    serve(tracer, server);
    const std::string base = "http://127.0.0.1:" + std::to_string(server.bind_to_any_port("127.0.0.1"));
    std::thread listening([&] { server.listen_after_bind(); });
    while (!server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    {
      spanwire::Span root = tracer.span("with curl");
      spanwire::Scope scope(root);
      use_curl(tracer, base);
    }
    {
      spanwire::Span root = tracer.span("with httplib");
      spanwire::Scope scope(root);
      use_httplib(tracer, base);
    }
    use_threads(tracer, base);
    server.stop();
    listening.join();
    check(logged > 0 && logged == logged_with_a_span, "the logger has the span of its request");
  }
  check(!spanwire::Span::current(), "no span stays the current one");
  check(bool(tracer.shutdown(std::chrono::seconds(10))), "all spans are sent");
  const auto stats = tracer.stats();
  std::printf("{\"started\":%llu,\"finished\":%llu,\"sent\":%llu}\n", (unsigned long long)stats.spans_started,
              (unsigned long long)stats.spans_finished, (unsigned long long)stats.spans_sent);
}
