/**
 * @file httplib_client.hpp
 * Traces clients of cpp-httplib. Tested with cpp-httplib 0.11.4.
 *
 *     #include <spanwire/httplib_client.hpp>
 *
 *     auto answer = spanwire::httplib_request(tracer, "GET", "http://shop:8080/cart", [&](const auto &headers) {
 *       return client.Get("/cart", headers);  // instead of client.Get("/cart")
 *     });
 */
#ifndef SPANWIRE_HTTPLIB_CLIENT_HPP
#define SPANWIRE_HTTPLIB_CLIENT_HPP

#include <httplib.h>

#include "http.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace spanwire {

/**
 * Calls `send` with the headers of a new span `http.request`, a child of the current span, and returns its result. It
 * must send the request with these httplib::Headers. `method` and `url` are for the span's tags; secrets in the URL are
 * left out. A failed request and a status of 400 or more are errors. Exceptions pass through.
 */
template <class Send>
::httplib::Result httplib_request(const Tracer &tracer, std::string_view method, std::string_view url, Send &&send) {
  Span span = detail::start_http_client(tracer, "cpp-httplib");
  Scope scope(span);
  detail::set_http_request(span, method, url);
  ::httplib::Headers headers;
  span.inject(headers);
  ::httplib::Result result = detail::marking_exceptions(span, [&] { return send(std::as_const(headers)); });
  if (result) {
    detail::set_http_status(span, result->status, 400);
  } else {
    const std::string error = ::httplib::to_string(result.error());
    span.set_error("httplib::Error::" + error, "the request failed: " + error);
  }
  return result;
}

}  // namespace spanwire

#endif  // SPANWIRE_HTTPLIB_CLIENT_HPP
