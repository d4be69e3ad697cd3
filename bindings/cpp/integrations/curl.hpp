/**
 * @file curl.hpp
 * Traces requests of libcurl's easy interface. Needs libcurl 7.72; tested with 7.88.
 *
 *     #include <spanwire/curl.hpp>
 *
 *     CURLcode code = spanwire::curl_perform(tracer, curl);           // instead of curl_easy_perform(curl)
 *     CURLcode code = spanwire::curl_perform(tracer, curl, headers);  // if the handle has a list CURLOPT_HTTPHEADER
 */
#ifndef SPANWIRE_CURL_HPP
#define SPANWIRE_CURL_HPP

#include <curl/curl.h>

#include "http.hpp"

#include <string>
#include <string_view>

namespace spanwire {

/// Internal; not part of the interface.
namespace detail {

/// A copy of a handle's headers with those of a context. The destructor gives the handle its own list again.
class CurlHeaders {
 public:
  CurlHeaders(CURL *curl, curl_slist *own, const Span &span) : curl_(curl), own_(own) {
    std::string names = ",";
    std::string lines;
    span.inject([&](std::string_view name, std::string_view value) {
      names.append(name).append(",");
      lines.append(name).append(": ").append(value).append(1, '\0');
    });
    for (const curl_slist *line = own; line != nullptr; line = line->next) {
      const std::string_view whole = line->data;
      std::string name(whole.substr(0, whole.find_first_of(":;")));  // a line without either is left to libcurl
      for (char &letter : name) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
      // A context that was copied from another request would contradict the span's.
      if (names.find(',' + name + ',') == names.npos) append(line->data);
    }
    for (std::size_t at = 0; at < lines.size(); at += std::string_view(lines.c_str() + at).size() + 1) {
      append(lines.c_str() + at);
    }
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, list_);
  }
  CurlHeaders(const CurlHeaders &) = delete;
  CurlHeaders &operator=(const CurlHeaders &) = delete;
  ~CurlHeaders() {
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, own_);
    curl_slist_free_all(list_);
  }

 private:
  void append(const char *line) noexcept {
    curl_slist *longer = curl_slist_append(list_, line);
    if (longer != nullptr) list_ = longer;
  }

  CURL *curl_;
  curl_slist *own_, *list_ = nullptr;
};

}  // namespace detail

/**
 * Calls curl_easy_perform() with a span `http.request`, a child of the current span, and adds the headers of its
 * context to the request. The span is the current one in the handle's callbacks. It has an error if libcurl returns
 * one, with the CURLcode as its type, or if the status is 400 or more. Secrets in the URL are left out.
 *
 * @param curl     the handle
 * @param headers  the list that the handle has as CURLOPT_HTTPHEADER. It is not changed, and the handle has it again
 *                 afterwards. libcurl cannot be asked for it: a list that is not given here is not sent
 */
inline CURLcode curl_perform(const Tracer &tracer, CURL *curl, curl_slist *headers = nullptr) {
  Span span = detail::start_http_client(tracer, "libcurl");
  if (!span) return curl_easy_perform(curl);
  Scope scope(span);
  const CURLcode code = detail::marking_exceptions(span, [&] {
    const detail::CurlHeaders with_context(curl, headers, span);
    return curl_easy_perform(curl);
  });
  const char *url = nullptr, *method = nullptr, *address = nullptr;
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_EFFECTIVE_URL, &url);  // after redirects
  curl_easy_getinfo(curl, CURLINFO_EFFECTIVE_METHOD, &method);
  curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &address);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  detail::set_http_request(span, method == nullptr ? "" : method, url == nullptr ? "" : url);
  if (address != nullptr && *address != '\0') span.set_tag("network.destination.ip", address);
  if (code != CURLE_OK) span.set_error("CURLcode " + std::to_string(code), curl_easy_strerror(code));
  if (status != 0) detail::set_http_status(span, static_cast<int>(status), 400);
  return code;
}

}  // namespace spanwire

#endif  // SPANWIRE_CURL_HPP
