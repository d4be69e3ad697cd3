/**
 * @file httplib.hpp
 * Traces servers of cpp-httplib; httplib_client.hpp traces clients. Tested with cpp-httplib 0.11.4.
 *
 *     #include <spanwire/httplib.hpp>
 *
 *     spanwire::HttplibServer<> server(tracer);  // instead of httplib::Server server;
 *     spanwire::HttplibServer<httplib::SSLServer> server(tracer, "cert.pem", "key.pem");
 */
#ifndef SPANWIRE_HTTPLIB_HPP
#define SPANWIRE_HTTPLIB_HPP

#include <httplib.h>
#include "http.hpp"

#include <optional>
#include <string>
#include <utility>

namespace spanwire {

/**
 * A server with a span `web.request` for each request, which continues the trace of the request's headers. It is the
 * current span in all handlers and the logger, and ends when the response has been written and logged. An exception
 * from a handler is recorded and passes on; it is an error if the status is then 500 or more. Use this class, not a
 * reference to its base, to set routes, logger and pre-routing handler. The tracer must outlive it.
 */
template <class Base = ::httplib::Server>
class HttplibServer : public Base {
  using Request = ::httplib::Request;
  using Response = ::httplib::Response;
  using Handler = typename Base::Handler;
  using Reader = typename Base::HandlerWithContentReader;

 public:
  /// Makes a server from the arguments of its base.
  template <class... Arguments>
  explicit HttplibServer(const Tracer &tracer, Arguments &&...arguments)
      : Base(std::forward<Arguments>(arguments)...), tracer_(tracer) {
    set_pre_routing_handler(nullptr);
    set_logger(nullptr);
  }

  HttplibServer &set_pre_routing_handler(typename Base::HandlerWithResponse handler) {
    Base::set_pre_routing_handler([this, handler = std::move(handler)](const Request &request, Response &response) {
      begin(request);
      return handler ? watched([&] { return handler(request, response); }) : Base::HandlerResponse::Unhandled;
    });
    return *this;
  }
  HttplibServer &set_logger(::httplib::Logger logger) {
    Base::set_logger([logger = std::move(logger)](const Request &request, const Response &response) {
      if (logger) logger(request, response);
      end(request, response);
    });
    return *this;
  }
#define SPANWIRE_ROUTE(method, kind)                                                \
  HttplibServer &method(const std::string &pattern, kind handler) {                 \
    return Base::method(pattern, routed<kind>(pattern, std::move(handler))), *this; \
  }
  SPANWIRE_ROUTE(Get, Handler) SPANWIRE_ROUTE(Options, Handler)
  SPANWIRE_ROUTE(Post, Handler) SPANWIRE_ROUTE(Post, Reader) SPANWIRE_ROUTE(Put, Handler) SPANWIRE_ROUTE(Put, Reader)
  SPANWIRE_ROUTE(Patch, Handler) SPANWIRE_ROUTE(Patch, Reader)
  SPANWIRE_ROUTE(Delete, Handler) SPANWIRE_ROUTE(Delete, Reader)
#undef SPANWIRE_ROUTE
 private:
  struct Active {
    Span span;
    std::optional<Scope> scope;  // ends before the span
    bool routed = false, threw = false;
  };
  /// The request of this thread: cpp-httplib handles a request on one thread, from its first line to its log.
  static Active &active() noexcept {
    static thread_local Active active;
    return active;
  }
  void begin(const Request &request) {
    active().scope.reset();
    std::string before = "http://" + request.get_header_value("Host");
#if defined(CPPHTTPLIB_OPENSSL_SUPPORT)
    if (request.ssl != nullptr) before.insert(4, "s");
#endif
    if (request.target.compare(0, 1, "/") != 0) before.clear();  // a proxy gets whole URLs
    active().span = detail::start_http_server(tracer_, "cpp-httplib", request.method, before + request.target,
                                              request.get_header_value("User-Agent"), tracer_.extract(request.headers));
    active().scope.emplace(active().span);
    active().routed = active().threw = false;
  }
  static void end(const Request &request, const Response &response) {
    if (!active().span) return;  // no valid request
    Active &now = active();
    if (now.threw && response.status < 500) now.span.set_error(false);
    if (!now.routed) now.span.set_resource(request.method + ' ' + std::to_string(response.status));
    detail::set_http_status(now.span, response.status, 500);
    now.scope.reset();
    now.span.finish();
  }
  template <class Call>
  static auto watched(Call &&call) {
    active().threw = true;
    const auto result = detail::marking_exceptions(active().span, call);
    return active().threw = false, result;
  }
  template <class Kind>
  static Kind routed(const std::string &pattern, Kind handler) {
    return [pattern, handler = std::move(handler)](const Request &request, auto &...others) {
      active().routed = true;
      active().span.set_tag("http.route", pattern);
      active().span.set_resource(request.method + ' ' + pattern);
      watched([&] { return handler(request, others...), true; });
    };
  }
  const Tracer &tracer_;
};

}  // namespace spanwire

#endif  // SPANWIRE_HTTPLIB_HPP
