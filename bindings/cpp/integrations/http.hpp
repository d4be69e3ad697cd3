/**
 * @file http.hpp
 * What the integrations for HTTP share: URLs without secrets, tags, errors by status. They include it.
 */
#ifndef SPANWIRE_HTTP_HPP
#define SPANWIRE_HTTP_HPP

#include <spanwire.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace spanwire {

/**
 * Returns a URL, or a path, without what may be secret: user, password, fragment, and the values of the query, whose
 * names remain: `/cart?item=7&token=x` becomes `/cart?item&token`. An item without a name or a value may be a token;
 * `?` replaces it.
 */
inline std::string url_without_secrets(std::string_view url) {
  url = url.substr(0, url.find('#'));
  const auto mark = url.find('?');
  std::string text(url.substr(0, mark));
  const auto slash = text.find('/');
  const bool slashes = slash != text.npos && text.compare(slash, 2, "//") == 0;
  const auto host = slashes && (slash == 0 || text[slash - 1] == ':') ? slash + 2 : 0;
  const auto user = text.rfind('@', text.find('/', host));
  if (user != text.npos && user >= host) text.erase(host, user + 1 - host);
  std::string_view query = mark == url.npos ? std::string_view() : url.substr(mark + 1);
  for (char before = '?'; !query.empty();) {
    const auto item = query.substr(0, query.find('&')), name = item.substr(0, item.find('='));
    query.remove_prefix(item.size() < query.size() ? item.size() + 1 : item.size());
    if (item.empty()) continue;
    text += std::exchange(before, '&');
    const bool both = !name.empty() && item.find_first_not_of('=', name.size()) != item.npos;
    text += both ? name : std::string_view("?");
  }
  return text;
}

/// Internal; not part of the interface.
namespace detail {

/// Calls `call`. Marks the span with an exception from it, which passes through.
template <class Call>
decltype(auto) marking_exceptions(Span &span, Call &&call) {
#if defined(SPANWIRE_HPP_EXCEPTIONS)
  try {
    return call();
  } catch (const std::exception &error) {
    span.set_error(error);
    throw;
  } catch (...) {
    span.set_error("unknown", "an exception that is not a std::exception");
    throw;
  }
#else
  (void)span;
  return call();
#endif
}

/// Sets the status of an answer, which is an error from `errors` on. A message of the program stays.
inline void set_http_status(Span &span, int status, int errors) {
  const std::string number = std::to_string(status);
  span.set_tag("http.status_code", number);
  std::size_t need = 0;
  if (status < errors) return;
  if (spanwire_span_get_tag(span.handle(), "error.message", nullptr, 0, &need) == SPANWIRE_E_NOT_FOUND) {
    span.set_tag("error.message", "HTTP status " + number);
  }
  span.set_error(true);
}

/// Sets what is known of a client's request: method, URL, host and port.
inline void set_http_request(Span &span, std::string_view method, std::string_view url) {
  const std::string shown = url_without_secrets(url);
  span.set_resource(method);
  span.set_tags({{"http.method", method}, {"http.url", shown}});
  std::string_view host = shown;
  const auto scheme = host.find("://");
  if (scheme == host.npos) return;
  host.remove_prefix(scheme + 3);
  host = host.substr(0, host.find_first_of("/?"));
  const auto colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) {
    span.set_tag("network.destination.port", host.substr(colon + 1));
    host = host.substr(0, colon);
  }
  span.set_tag("out.host", host);
}

/// Starts the span of a request that has come in. It continues the trace of `from`.
inline Span start_http_server(const Tracer &tracer, std::string_view component, std::string_view method,
                              std::string_view url, std::string_view agent, const RemoteContext &from) {
  const std::string shown = url_without_secrets(url);
  const Tag tags[] = {{"component", component}, {"span.kind", "server"}, {"http.method", method},
                      {"http.url", shown},      {"http.useragent", agent}};
  return tracer.span("web.request", from, SpanOptions().type("web").tags(tags, agent.empty() ? 4 : 5));
}

/// Starts the span of a client's request, a child of the current span.
inline Span start_http_client(const Tracer &tracer, std::string_view component) {
  const Tag tags[] = {{"component", component}, {"span.kind", "client"}};
  return tracer.span("http.request", Span::current(), SpanOptions().type("http").tags(tags));
}

}  // namespace detail
}  // namespace spanwire

#endif  // SPANWIRE_HTTP_HPP
