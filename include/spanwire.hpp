/**
 * @file spanwire.hpp
 * The API for C++17: spans that finish with their scope, text as std::string_view, time as std::chrono.
 *
 * Header-only, over spanwire.h; link to libspanwire as from C. No function of spanwire throws: results are a `Status`,
 * and objects whose creation can fail have a `status()`. (Where this header makes a std::string or a std::function, the
 * standard library may throw std::bad_alloc.) It works with -fno-exceptions and -fno-rtti.
 *
 * Objects own their handle and can be moved, not copied. Calls on an empty object (moved from, or not created) do
 * nothing and are cheap. All functions may be called from any thread. Move, assign or destroy a C++ object only while
 * no other thread uses it.
 */
#ifndef SPANWIRE_HPP
#define SPANWIRE_HPP

#include <spanwire.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#if defined(__cpp_rtti) || defined(__GXX_RTTI)
#include <cxxabi.h>
#include <typeinfo>
#define SPANWIRE_HPP_RTTI 1
#endif
#if defined(__cpp_exceptions)
#define SPANWIRE_HPP_EXCEPTIONS 1
#endif

namespace spanwire {

/// The result of a call: one of the `SPANWIRE_OK`, `SPANWIRE_E_…` codes of spanwire.h. True on success.
class Status {
 public:
  /// SPANWIRE_OK.
  constexpr Status() noexcept = default;
  /// The status with this code.
  constexpr Status(spanwire_status code) noexcept : code_(code) {}
  /// Whether the call succeeded.
  constexpr bool ok() const noexcept { return code_ == SPANWIRE_OK; }
  /// The same as ok().
  constexpr explicit operator bool() const noexcept { return ok(); }
  /// The code, to compare with SPANWIRE_E_….
  constexpr spanwire_status code() const noexcept { return code_; }
  /// The meaning of the code, in a few words. Never null; valid until the process ends.
  const char *text() const noexcept { return spanwire_status_text(code_); }
  /// Whether both have the same code.
  friend constexpr bool operator==(Status one, Status other) noexcept { return one.code_ == other.code_; }
  /// Whether the codes differ.
  friend constexpr bool operator!=(Status one, Status other) noexcept { return one.code_ != other.code_; }

 private:
  spanwire_status code_ = SPANWIRE_OK;
};

/// Importance of a log record; a smaller level is more important.
enum class Level : std::int32_t {
  off = SPANWIRE_LEVEL_OFF,      ///< nothing is logged
  error = SPANWIRE_LEVEL_ERROR,  ///< something was lost or cannot work
  warn = SPANWIRE_LEVEL_WARN,    ///< something is wrong and was repaired, or may be lost
  info = SPANWIRE_LEVEL_INFO,    ///< rare facts
  debug = SPANWIRE_LEVEL_DEBUG,  ///< one line for each span, chunk and payload
  trace = SPANWIRE_LEVEL_TRACE   ///< everything
};

/// Wall time, as in spans and log records.
using Time = std::chrono::system_clock::time_point;

/// Counters of a tracer; spanwire.h documents the fields.
using Stats = spanwire_stats;

/// A text tag, for calls that take several. It does not own its text.
struct Tag {
  std::string_view key;    ///< not empty
  std::string_view value;  ///< may be empty
};

/// A numeric tag, for calls that take several. It does not own its text.
struct Metric {
  std::string_view key;  ///< not empty
  double value;          ///< the number
};

/// A value of an attribute: a text, a boolean, an integer or a number. It does not own its text. An integer beyond
/// INT64_MAX becomes a number, and a null pointer the empty text.
struct Value : spanwire_value {
  Value(std::string_view value) noexcept : Value(of_type{SPANWIRE_VALUE_TEXT}) {
    text = value.data();
    text_len = value.size();
  }
  Value(const std::string &value) noexcept : Value(std::string_view(value)) {}
  Value(const char *value) noexcept : Value(value == nullptr ? std::string_view() : std::string_view(value)) {}
  template <class Number, std::enable_if_t<std::is_arithmetic_v<Number>, int> = 0>
  Value(Number number) noexcept : Value(of_type{type_of<Number>()}) {
    if constexpr (std::is_same_v<Number, bool>) {
      boolean = number;
    } else if constexpr (std::is_integral_v<Number>) {
      integer = static_cast<std::int64_t>(number);
      if (std::is_unsigned_v<Number> && integer < 0) type = SPANWIRE_VALUE_FLOATING;
    }
    floating = static_cast<double>(number);
  }

 private:
  struct of_type {
    std::uint32_t type;
  };
  explicit Value(of_type of) noexcept : spanwire_value() { type = of.type; }
  template <class Number>
  static constexpr std::uint32_t type_of() noexcept {
    if (std::is_same_v<Number, bool>) return SPANWIRE_VALUE_BOOLEAN;
    return std::is_integral_v<Number> ? SPANWIRE_VALUE_INTEGER : SPANWIRE_VALUE_FLOATING;
  }
};

/// A key with a value, or with an array of values of one type. It owns neither.
struct Attribute : spanwire_attribute {
  Attribute(std::string_view name, const Value &value) noexcept : spanwire_attribute() {
    key = name.data(), key_len = name.size();
    type = value.type, boolean = value.boolean, integer = value.integer, floating = value.floating;
    text = value.text, text_len = value.text_len;
  }
  Attribute(std::string_view name, const Value *array, std::size_t count) noexcept : spanwire_attribute() {
    key = name.data(), key_len = name.size();
    type = SPANWIRE_VALUE_ARRAY, values = array, values_count = count;
  }
};
static_assert(sizeof(Value) == sizeof(spanwire_value) && sizeof(Attribute) == sizeof(spanwire_attribute),
              "arrays of them are arrays of the C structs");

/// A setting of a tracer: a documented name, or `default:NAME` for a value that the environment may override.
struct Setting {
  std::string name;   ///< such as DD_SERVICE
  std::string value;  ///< empty means "not set"
};

/// How the fields for the application's log are written.
enum class LogFields : std::uint32_t {
  text = SPANWIRE_LOG_FIELDS_TEXT,  ///< `dd.trace_id=… dd.span_id=…`
  json = SPANWIRE_LOG_FIELDS_JSON   ///< members of a JSON object, without its braces
};

/// Internal; not part of the interface.
namespace detail {

/// Nanoseconds since 1970.
inline std::int64_t nanoseconds(Time time) noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

/// The inverse of nanoseconds().
inline Time time_of(std::uint64_t nanoseconds) noexcept {
  const auto since = std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
  return Time(std::chrono::duration_cast<Time::duration>(since));
}

/// Whole milliseconds, rounded up and limited to 32 bits; 0 for a negative time.
template <class Rep, class Period>
std::uint32_t milliseconds(std::chrono::duration<Rep, Period> time) noexcept {
  // As a double, because hours::max() overflows in whole milliseconds.
  const double wanted = std::chrono::duration<double, std::milli>(time).count();
  if (!(wanted > 0)) return 0;
  if (wanted >= UINT32_MAX) return UINT32_MAX;
  const auto whole = static_cast<std::uint32_t>(wanted);
  return whole < wanted ? whole + 1 : whole;
}

/// A NUL-terminated copy of a text, for C functions without a length parameter. A NUL in the text ends it.
class Terminated {
 public:
  explicit Terminated(std::string_view text) noexcept {
    char *to = here_;
    if (text.size() >= sizeof here_) {
      there_.reset(new (std::nothrow) char[text.size() + 1]);
      to = there_.get();
    }
    if (to != nullptr) {
      if (!text.empty()) std::memcpy(to, text.data(), text.size());
      to[text.size()] = '\0';
    }
    text_ = to;
  }
  Terminated(const Terminated &) = delete;
  Terminated &operator=(const Terminated &) = delete;
  /// Null if there was no memory for the copy.
  const char *get() const noexcept { return text_; }

 private:
  char here_[256];
  std::unique_ptr<char[]> there_;
  const char *text_ = nullptr;
};

/// An array for one call: on the stack if it is short; null if there is no memory.
template <class T>
class Array {
 public:
  explicit Array(std::size_t count) noexcept {
    if (count <= short_) {
      data_ = here_;
    } else {
      there_.reset(new (std::nothrow) T[count]());
      data_ = there_.get();
    }
  }
  Array(const Array &) = delete;
  Array &operator=(const Array &) = delete;
  T *get() noexcept { return data_; }

 private:
  static constexpr std::size_t short_ = 16;
  T here_[short_];
  std::unique_ptr<T[]> there_;
  T *data_ = nullptr;
};

/// Text from a C function of the form `(buffer, capacity, *need)`; nothing if it returns an error.
template <class Call>
std::optional<std::string> text_from(Call call) {
  char small[512];
  std::size_t need = 0;
  Status status = call(small, sizeof small, &need);
  if (status && need <= sizeof small) return std::string(small);
  // The text may grow between two calls; a third failure is an error.
  for (int tries = 0; tries < 3 && need > sizeof small; ++tries) {
    std::string large(need, '\0');
    status = call(large.data(), large.size(), &need);
    if (status && need <= large.size()) {
      large.resize(std::strlen(large.c_str()));
      return large;
    }
    if (need <= large.size()) break;
  }
  return std::nullopt;
}

/// The fields for a line of the application's log.
inline std::string log_fields(spanwire_tracer tracer, spanwire_span span, LogFields form) {
  std::string text(512, '\0');
  std::size_t need = 1;
  const auto number = static_cast<std::uint32_t>(form);
  if (spanwire_log_correlation(tracer, span, number, &text[0], text.size(), &need) == SPANWIRE_E_LIMIT) {
    text.resize(need);
    spanwire_log_correlation(tracer, span, number, &text[0], text.size(), &need);
  }
  text.resize(std::strlen(text.c_str()));
  return text;
}

/// Fills `to` with the tags as the C API takes them.
inline void fill(spanwire_tag *to, const Tag *tags, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    to[i] = {tags[i].key.data(), tags[i].key.size(), tags[i].value.data(), tags[i].value.size()};
  }
}

/// The headers that contexts are read from, for callables that return the value of one name.
inline constexpr std::string_view header_names[] = {
    "x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-sampling-priority",
    "x-datadog-origin",   "x-datadog-tags",      "traceparent",
    "tracestate",         "x-b3-traceid",        "x-b3-spanid",
    "x-b3-sampled",       "x-b3-flags",          "b3",
    "baggage"};

/// Whether a callable looks up headers: it takes the name as a std::string_view or as what a NUL-terminated text
/// becomes.
template <class Get>
inline constexpr bool looks_up =
    std::is_invocable_v<const Get &, std::string_view> || std::is_invocable_v<const Get &, const char *>;

/// Looks a header up.
template <class Get>
decltype(auto) look_up(const Get &get, std::string_view name) {
  if constexpr (std::is_invocable_v<const Get &, std::string_view>) {
    return get(name);
  } else {
    return get(name.data());
  }
}

/// What a callable that looks up a header has returned, kept until the call of the C API.
template <class Value>
class Found {
 public:
  explicit Found(Value &&value) : value_(std::forward<Value>(value)) {}
  /// Nothing if there is no such header: a null pointer or an empty optional.
  std::optional<std::string_view> text() const noexcept {
    if constexpr (std::is_convertible_v<const Value &, const char *>) {
      const char *text = value_;
      return text == nullptr ? std::nullopt : std::optional<std::string_view>(text);
    } else if constexpr (std::is_convertible_v<const Value &, std::string_view>) {
      return std::string_view(value_);
    } else {
      return value_ ? std::optional<std::string_view>(*value_) : std::nullopt;
    }
  }

 private:
  Value value_;
};

/// Whether two names of headers are equal, in any case.
inline bool same_name(std::string_view one, std::string_view other) noexcept {
  const auto lower = [](char letter) noexcept {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + ('a' - 'A')) : letter;
  };
  if (one.size() != other.size()) return false;
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (lower(one[i]) != lower(other[i])) return false;
  }
  return true;
}

template <class Map, class = void>
struct HasInsertOrAssign : std::false_type {};
template <class Map>
struct HasInsertOrAssign<Map, std::void_t<decltype(std::declval<Map &>().insert_or_assign(
                                  std::declval<typename Map::key_type>(), std::declval<typename Map::mapped_type>()))>>
    : std::true_type {};
template <class Map, class = void>
struct HasKeys : std::false_type {};
template <class Map>
struct HasKeys<Map, std::void_t<typename Map::key_type, typename Map::mapped_type>> : std::true_type {};

/// Sets a header in a callable, a map, a multimap, or a sequence of pairs; replaces one of the same name.
template <class Headers>
void set_header(Headers &headers, std::string_view name, std::string_view value) {
  if constexpr (std::is_invocable_v<Headers &, std::string_view, std::string_view>) {
    headers(name, value);
  } else if constexpr (std::is_invocable_v<Headers &, const char *, const char *>) {
    headers(name.data(), value.data());  // both are NUL-terminated
  } else if constexpr (HasInsertOrAssign<Headers>::value) {
    headers.insert_or_assign(typename Headers::key_type(name), typename Headers::mapped_type(value));
  } else if constexpr (HasKeys<Headers>::value) {
    const typename Headers::key_type key(name);
    headers.erase(key);
    headers.emplace(key, typename Headers::mapped_type(value));
  } else {
    for (auto &[there, its_value] : headers) {
      if (same_name(there, name)) {
        its_value = value;
        return;
      }
    }
    headers.emplace_back(name, value);
  }
}

/// Calls a C function that has a callback, with `each`. An exception from `each` is kept and thrown again when the C
/// function has returned; `each` is not called any more.
template <class Raw, class Each, class Call>
Status each_of(Each &&each, Call &&call) {
  struct Run {
    Each &each;
#if defined(SPANWIRE_HPP_EXCEPTIONS)
    std::exception_ptr thrown;
#endif
    static void run(const Raw *raw, void *userdata) noexcept {
      auto *self = static_cast<Run *>(userdata);
#if defined(SPANWIRE_HPP_EXCEPTIONS)
      if (self->thrown) return;
      try {
        self->each(*raw);
      } catch (...) {
        self->thrown = std::current_exception();
      }
#else
      self->each(*raw);
#endif
    }
  };
  Run run{each
#if defined(SPANWIRE_HPP_EXCEPTIONS)
          ,
          nullptr
#endif
  };
  const Status status = call(&Run::run, &run);
#if defined(SPANWIRE_HPP_EXCEPTIONS)
  if (run.thrown) std::rethrow_exception(run.thrown);
#endif
  return status;
}

/// Writes a context's headers into `headers`.
template <class Headers, class Call>
Status inject(Headers &headers, Call &&call) {
  return each_of<spanwire_header>(
      [&](const spanwire_header &header) {
        set_header(headers, std::string_view(header.name, header.name_len),
                   std::string_view(header.value, header.value_len));
      },
      call);
}

/// Calls `each` with key and value of items of baggage.
template <class Each, class Call>
Status each_baggage(Each &each, Call &&call) {
  return each_of<spanwire_tag>(
      [&](const spanwire_tag &item) {
        each(std::string_view(item.key, item.key_len), std::string_view(item.value, item.value_len));
      },
      call);
}

}  // namespace detail

/**
 * A span's ids and the sampling decision of its trace, by value. It outlives the span: keep one for children that may
 * start after their parent has finished, or in another thread or process.
 */
class Context {
 public:
  /// An empty context: a span that is started under it starts a new trace.
  Context() noexcept : raw_() { raw_.size = sizeof raw_; }
  /// High and low half of the trace id.
  std::pair<std::uint64_t, std::uint64_t> trace_id() const noexcept { return {raw_.trace_id_high, raw_.trace_id_low}; }
  /// Id of the span; 0 if empty.
  std::uint64_t span_id() const noexcept { return raw_.span_id; }
  /// Sampling priority, if the trace is decided.
  std::optional<std::int32_t> priority() const noexcept {
    if ((raw_.flags & SPANWIRE_CONTEXT_HAS_PRIORITY) == 0) return std::nullopt;
    return raw_.sampling_priority;
  }
  /// The C struct, to read and to fill.
  spanwire_context &raw() noexcept { return raw_; }
  /// The C struct.
  const spanwire_context &raw() const noexcept { return raw_; }

 private:
  spanwire_context raw_;
};

/**
 * A context that came in with a request: its ids, and what a Context has not: origin, tags of the trace, tracestate,
 * baggage. Tracer::extract() returns one, Tracer::span() continues its trace. The destructor frees it; spans that were
 * started with it do not need it any more.
 *
 * A forked child may use a context of its parent, but not change its baggage.
 */
class RemoteContext {
 public:
  /// An empty object: a span that is started with it begins a trace.
  RemoteContext() noexcept = default;
  RemoteContext(const RemoteContext &) = delete;
  RemoteContext &operator=(const RemoteContext &) = delete;
  /// Moves; leaves `other` empty.
  RemoteContext(RemoteContext &&other) noexcept
      : context_(std::exchange(other.context_, 0)), status_(std::exchange(other.status_, Status())) {}
  /// Frees its own context first; leaves `other` empty.
  RemoteContext &operator=(RemoteContext &&other) noexcept {
    if (this != &other) {
      free();
      context_ = std::exchange(other.context_, 0);
      status_ = std::exchange(other.status_, Status());
    }
    return *this;
  }
  /// Frees the context.
  ~RemoteContext() noexcept { free(); }

  /// Whether the request carried anything.
  explicit operator bool() const noexcept { return context_ != 0; }
  /// Status of reading it: SPANWIRE_OK also if there is none.
  Status status() const noexcept { return status_; }
  /// The C handle, which this object still owns; 0 if empty.
  spanwire_context_handle handle() const noexcept { return context_; }
  /// Ids and sampling decision by value; empty if there are none. A context may consist of baggage alone.
  Context context() const noexcept {
    Context context;
    if (spanwire_context_get(context_, &context.raw()) != SPANWIRE_OK) return Context();
    return context;
  }

  /// The kind of system that began the trace, such as `synthetics`, if the headers said so.
  std::optional<std::string> origin() const {
    if (context_ == 0) return std::nullopt;
    return detail::text_from([this](char *buffer, std::size_t capacity, std::size_t *need) noexcept {
      return spanwire_context_get_origin(context_, buffer, capacity, need);
    });
  }

  /// As Span::inject(), for a proxy that starts no span: what is written continues the trace as if it were not there.
  template <class Headers>
  Status inject(Headers &&headers) const {
    return detail::inject(headers, [this](spanwire_header_callback callback, void *userdata) noexcept {
      return spanwire_context_inject(context_, callback, userdata);
    });
  }

  /// Sets an item of baggage, for spans that are started with this context later.
  Status set_baggage(std::string_view key, std::string_view value) noexcept {
    return spanwire_context_set_baggage(context_, detail::Terminated(key).get(), detail::Terminated(value).get());
  }
  /// Returns an item of baggage, if there is one.
  std::optional<std::string> baggage(std::string_view key) const {
    const detail::Terminated name(key);
    if (context_ == 0) return std::nullopt;
    return detail::text_from([&](char *buffer, std::size_t capacity, std::size_t *need) noexcept {
      return spanwire_context_get_baggage(context_, name.get(), buffer, capacity, need);
    });
  }
  /// Removes an item of baggage.
  Status remove_baggage(std::string_view key) noexcept {
    return spanwire_context_remove_baggage(context_, detail::Terminated(key).get());
  }
  /// Calls `each` with key and value of each item of baggage. An exception from it passes through.
  template <class Each>
  Status each_baggage(Each &&each) const {
    return detail::each_baggage(each, [this](spanwire_baggage_callback callback, void *userdata) noexcept {
      return spanwire_context_each_baggage(context_, callback, userdata);
    });
  }

 private:
  friend class Tracer;

  void free() noexcept {
    if (context_ != 0) spanwire_context_free(std::exchange(context_, 0));
  }

  /// Reads the context from `count` headers.
  void extract(spanwire_tracer tracer, const spanwire_header *headers, std::size_t count) noexcept {
    status_ = spanwire_context_extract(tracer, headers, count, &context_);
  }

  spanwire_context_handle context_ = 0;
  Status status_;
};

/**
 * What a span starts with, for one call. It does not own what it points to, which must stay valid until the span is
 * started.
 *
 *     const spanwire::Tag tags[] = {{"http.method", "GET"}, {"http.route", "/cart"}};
 *     auto request = tracer.span("web.request", spanwire::SpanOptions().resource("GET /cart").type("web").tags(tags));
 */
class SpanOptions {
 public:
  /// Only the name is given.
  SpanOptions() noexcept : raw_() { raw_.size = sizeof raw_; }
  /// Service. If not given: the parent's, else the tracer's.
  SpanOptions &service(std::string_view text) noexcept { return set(raw_.service, raw_.service_len, text); }
  /// Resource. If not given: the name.
  SpanOptions &resource(std::string_view text) noexcept { return set(raw_.resource, raw_.resource_len, text); }
  /// Type, such as `web` or `sql`.
  SpanOptions &type(std::string_view text) noexcept { return set(raw_.type, raw_.type_len, text); }
  /// Start time. If not given: now.
  SpanOptions &start(Time time) noexcept {
    raw_.start_ns = detail::nanoseconds(time);
    return *this;
  }
  /// Text tags.
  SpanOptions &tags(const Tag *tags, std::size_t count) noexcept {
    tags_ = tags;
    raw_.tags_count = count;
    return *this;
  }
  /// Text tags from an array.
  template <std::size_t N>
  SpanOptions &tags(const Tag (&array)[N]) noexcept {
    return tags(array, N);
  }
  /// Numeric tags.
  SpanOptions &metrics(const Metric *metrics, std::size_t count) noexcept {
    metrics_ = metrics;
    raw_.metrics_count = count;
    return *this;
  }
  /// Numeric tags from an array.
  template <std::size_t N>
  SpanOptions &metrics(const Metric (&array)[N]) noexcept {
    return metrics(array, N);
  }

 private:
  friend class SpanRef;
  friend class Tracer;

  SpanOptions &set(const char *&text, std::size_t &length, std::string_view value) noexcept {
    // For the C function a null pointer means "not given"; an empty view is given.
    text = value.data() == nullptr ? "" : value.data();
    length = value.size();
    return *this;
  }

  /// Starts the span; 0 if that fails.
  spanwire_span begin(spanwire_tracer tracer, spanwire_span parent, const Context *context, std::string_view name,
                      spanwire_context_handle remote = 0) const noexcept {
    detail::Array<spanwire_tag> tags(raw_.tags_count);
    detail::Array<spanwire_metric> metrics(raw_.metrics_count);
    spanwire_span_options options = raw_;
    // Without memory for the tags the span still starts.
    if (tags.get() == nullptr) options.tags_count = 0;
    if (metrics.get() == nullptr) options.metrics_count = 0;
    detail::fill(tags.get(), tags_, options.tags_count);
    for (std::size_t i = 0; i < options.metrics_count; ++i) {
      metrics.get()[i] = {metrics_[i].key.data(), metrics_[i].key.size(), metrics_[i].value};
    }
    options.tags = tags.get();
    options.metrics = metrics.get();
    options.parent = parent;
    options.parent_context = context == nullptr || context->span_id() == 0 ? nullptr : &context->raw();
    options.context_handle = remote;
    options.name = name.data();
    options.name_len = name.size();
    spanwire_span span = 0;
    return spanwire_span_start_with(tracer, &options, &span) == SPANWIRE_OK ? span : 0;
  }

  spanwire_span_options raw_;
  const Tag *tags_ = nullptr;
  const Metric *metrics_ = nullptr;
};

class Span;

/**
 * A span that another object finishes: the current one of a thread, or the parent that a thread was given. A small
 * value, to copy. It has all calls of a Span except those that end it. Calls on an empty one do nothing; calls on a
 * span that has finished return SPANWIRE_E_HANDLE.
 */
class SpanRef {
 public:
  /// Refers to no span.
  constexpr SpanRef() noexcept = default;
  /// Rejects a temporary span, which finishes at once.
  SpanRef(const Span &&) = delete;

  /// The current span of this thread: that of the innermost Scope; empty without one.
  static SpanRef current() noexcept;

  /// Whether there is a span.
  explicit operator bool() const noexcept { return span_ != 0; }
  /// The C handle; 0 if empty.
  spanwire_span handle() const noexcept { return span_; }

  /// Starts a child span. The child of an empty span is empty.
  [[nodiscard]] Span child(std::string_view name) const noexcept;
  /// Starts it with options.
  [[nodiscard]] Span child(std::string_view name, const SpanOptions &options) const noexcept;

  /// Sets a text tag; the last value of a key replaces earlier ones.
  Status set_tag(std::string_view key, std::string_view value) noexcept {
    return spanwire_span_set_tag_n(span_, key.data(), key.size(), value.data(), value.size());
  }
  /// Sets several text tags in one call.
  Status set_tags(const Tag *tags, std::size_t count) noexcept {
    detail::Array<spanwire_tag> array(count);
    if (array.get() == nullptr) return SPANWIRE_E_MEMORY;
    detail::fill(array.get(), tags, count);
    return spanwire_span_set_tags(span_, array.get(), count);
  }
  /// Sets several text tags in one call.
  Status set_tags(std::initializer_list<Tag> tags) noexcept { return set_tags(tags.begin(), tags.size()); }
  /// Sets a numeric tag; the last value of a key replaces earlier ones.
  Status set_metric(std::string_view key, double value) noexcept {
    return spanwire_span_set_metric_n(span_, key.data(), key.size(), value);
  }
  /// Sets tags of several types: an array becomes `key.0`, `key.1` and so on.
  Status set_attributes(const Attribute *attributes, std::size_t count) noexcept {
    return spanwire_span_set_attributes(span_, attributes, count);
  }
  /// Sets tags of several types.
  Status set_attributes(std::initializer_list<Attribute> attributes) noexcept {
    return set_attributes(attributes.begin(), attributes.size());
  }
  /// Adds an event that happens now, or at a given time.
  Status add_event(std::string_view name, const Attribute *attributes, std::size_t count,
                   std::optional<Time> time = std::nullopt) noexcept {
    spanwire_span_event event = {};
    event.size = sizeof event;
    event.name = name.data(), event.name_len = name.size();
    event.attributes = attributes, event.attributes_count = count;
    if (time) event.time_ns = detail::nanoseconds(*time);
    return spanwire_span_add_event(span_, &event);
  }
  /// Adds an event that happens now, or at a given time.
  Status add_event(std::string_view name, std::initializer_list<Attribute> attributes = {},
                   std::optional<Time> time = std::nullopt) noexcept {
    return add_event(name, attributes.begin(), attributes.size(), time);
  }
  /// Adds a link to the span of a context.
  Status add_link(const Context &to, std::initializer_list<Attribute> attributes = {}) noexcept {
    return add_link(to, attributes.begin(), attributes.size());
  }
  /// Adds a link to the span of a context.
  Status add_link(const Context &to, const Attribute *attributes, std::size_t count) noexcept {
    spanwire_span_link link = {};
    link.size = sizeof link;
    link.trace_id_high = to.raw().trace_id_high, link.trace_id_low = to.raw().trace_id_low, link.span_id = to.span_id();
    link.attributes = attributes, link.attributes_count = count;
    if (const auto priority = to.priority()) link.flags = SPANWIRE_LINK_HAS_FLAGS | (*priority > 0 ? 1u : 0u);
    return spanwire_span_add_link(span_, &link);
  }
  /// Removes the text or numeric tag of this key.
  Status remove_tag(std::string_view key) noexcept {
    return spanwire_span_remove_tag(span_, detail::Terminated(key).get());
  }
  /// Returns a tag as text, if the span has it.
  std::optional<std::string> tag(std::string_view key) const {
    const detail::Terminated name(key);
    if (span_ == 0) return std::nullopt;
    return detail::text_from([&](char *buffer, std::size_t capacity, std::size_t *need) noexcept {
      return spanwire_span_get_tag(span_, name.get(), buffer, capacity, need);
    });
  }
  /// Changes the name.
  Status set_name(std::string_view name) noexcept {
    return spanwire_span_set_name(span_, detail::Terminated(name).get());
  }
  /// Changes the service.
  Status set_service(std::string_view service) noexcept {
    return spanwire_span_set_service(span_, detail::Terminated(service).get());
  }
  /// Changes the resource.
  Status set_resource(std::string_view resource) noexcept {
    return spanwire_span_set_resource_n(span_, resource.data(), resource.size());
  }
  /// Changes the type.
  Status set_type(std::string_view type) noexcept {
    return spanwire_span_set_type(span_, detail::Terminated(type).get());
  }

  /// Marks the span as failed, with type, message and stack (text, one frame per line).
  Status set_error(std::string_view type, std::string_view message, std::string_view stack = {}) noexcept {
    return spanwire_span_set_error_n(span_, type.data(), type.size(), message.data(), message.size(), stack.data(),
                                     stack.size());
  }
  /// Marks the span as failed with an exception: its class (`std::exception` without RTTI) and its message.
  Status set_error(const std::exception &error) noexcept {
    const char *message = error.what();
    const std::string_view what = message == nullptr ? std::string_view() : std::string_view(message);
#if defined(SPANWIRE_HPP_RTTI)
    const char *mangled = typeid(error).name();
    int failed = 0;
    using Freed = std::unique_ptr<char, void (*)(void *)>;
    const Freed name(abi::__cxa_demangle(mangled, nullptr, nullptr, &failed), std::free);
    return set_error(name ? name.get() : mangled, what);
#else
    return set_error("std::exception", what);
#endif
  }
  /// Marks the span as failed, or removes the mark; tags stay as they are.
  Status set_error(bool failed) noexcept { return spanwire_span_set_error_flag(span_, failed ? 1 : 0); }
  /// Rejects a text, which would convert to bool: use set_error(type, message).
  Status set_error(const char *) = delete;
  /// Adds a structured value (`meta_struct`), MessagePack encoded.
  Status set_meta_struct(std::string_view key, const void *bytes, std::size_t length) noexcept {
    return spanwire_span_set_meta_struct(span_, detail::Terminated(key).get(), bytes, length);
  }
  /// Sets the sampling priority of the trace: -1 reject by the user, 0 reject, 1 keep, 2 keep by the user.
  Status set_priority(std::int32_t priority) noexcept { return spanwire_span_set_priority(span_, priority); }

  /// Writes the headers that continue the trace in another service into `headers`: a map, a multimap, a sequence of
  /// pairs, all with text as keys and values, or a callable `set(name, value)` that gets two std::string_view, or takes
  /// what NUL-terminated texts become. A header that is there is replaced. Names are in lower case. An exception from
  /// the map or the callable passes through.
  template <class Headers>
  Status inject(Headers &&headers) const {
    return detail::inject(headers, [this](spanwire_header_callback callback, void *userdata) noexcept {
      return spanwire_span_inject(span_, callback, userdata);
    });
  }

  /// The kind of system that began the trace, such as `synthetics`, if it is known.
  std::optional<std::string> origin() const {
    if (span_ == 0) return std::nullopt;
    return detail::text_from([this](char *buffer, std::size_t capacity, std::size_t *need) noexcept {
      return spanwire_span_get_origin(span_, buffer, capacity, need);
    });
  }

  /// Sets an item of baggage: a text that goes to later children and to other services, but not to the Agent.
  Status set_baggage(std::string_view key, std::string_view value) noexcept {
    return spanwire_span_set_baggage(span_, detail::Terminated(key).get(), detail::Terminated(value).get());
  }
  /// Returns an item of baggage, if there is one.
  std::optional<std::string> baggage(std::string_view key) const {
    const detail::Terminated name(key);
    if (span_ == 0) return std::nullopt;
    return detail::text_from([&](char *buffer, std::size_t capacity, std::size_t *need) noexcept {
      return spanwire_span_get_baggage(span_, name.get(), buffer, capacity, need);
    });
  }
  /// Removes an item of baggage.
  Status remove_baggage(std::string_view key) noexcept {
    return spanwire_span_remove_baggage(span_, detail::Terminated(key).get());
  }
  /// Calls `each` with key and value of each item of baggage. An exception from it passes through.
  template <class Each>
  Status each_baggage(Each &&each) const {
    return detail::each_baggage(each, [this](spanwire_baggage_callback callback, void *userdata) noexcept {
      return spanwire_span_each_baggage(span_, callback, userdata);
    });
  }

  /// Ids and sampling decision by value; empty if there is no span.
  Context context() const noexcept {
    Context context;
    if (spanwire_span_context(span_, &context.raw()) != SPANWIRE_OK) return Context();
    return context;
  }
  /// The trace id as in `dd.trace_id` of logs; empty if there is no span.
  std::string trace_id() const { return id_text(SPANWIRE_ID_TRACE); }
  /// The trace id as 32 hexadecimal digits; empty if there is no span.
  std::string trace_id_hex() const { return id_text(SPANWIRE_ID_TRACE_HEX); }
  /// The span id as in `dd.span_id` of logs; empty if there is no span.
  std::string span_id() const { return id_text(SPANWIRE_ID_SPAN); }
  /// The fields for a line of the application's log: ids, service, environment and version; empty if there is no span,
  /// or with DD_LOGS_INJECTION=false. spanwire_log_correlation() describes them.
  std::string log_correlation(LogFields form = LogFields::text) const {
    return detail::log_fields(tracer_, span_, form);
  }

 protected:
  constexpr SpanRef(spanwire_tracer tracer, spanwire_span span) noexcept : tracer_(tracer), span_(span) {}

  spanwire_tracer tracer_ = 0;
  spanwire_span span_ = 0;

 private:
  std::string id_text(std::int32_t kind) const {
    char buffer[40] = "";
    std::size_t need = 0;
    if (spanwire_span_id_text(span_, kind, buffer, sizeof buffer, &need) != SPANWIRE_OK) return std::string();
    return buffer;
  }
};

/**
 * An open span, finished by its destructor. Calls on an empty span do nothing, so that code needs no checks. Setters
 * return a Status that may be ignored.
 *
 * If an exception leaves the object's scope, the span is marked as failed. The destructor does not know the exception's
 * type and message: to record them, catch the exception, call set_error(error) and throw it again. A span that is
 * finished by a call is not marked. An object that is made during unwinding, in a destructor, and destroyed at the end
 * of its scope is not marked either.
 */
class Span : public SpanRef {
 public:
  /// An empty object.
  Span() noexcept {}
  /// Takes ownership of an open span.
  Span(spanwire_tracer tracer, spanwire_span span) noexcept : SpanRef(tracer, span) {}
  Span(const Span &) = delete;
  Span &operator=(const Span &) = delete;
  /// Moves; leaves `other` empty.
  Span(Span &&other) noexcept : SpanRef(other.tracer_, other.release()) {}
  /// Finishes its own span first; leaves `other` empty.
  Span &operator=(Span &&other) noexcept {
    if (this != &other) {
      finish();
      tracer_ = other.tracer_;
      span_ = other.release();
    }
    return *this;
  }
  /// Finishes the span if it is open; marks it as failed if an exception is leaving this object's scope.
  ~Span() noexcept {
    if (span_ == 0) return;
    if (std::uncaught_exceptions() > exceptions_) left_by_exception();
    finish();
  }

  /// Releases the C handle: the caller must finish the span.
  spanwire_span release() noexcept { return std::exchange(span_, 0); }

  /// Finishes the span now. Idempotent.
  Status finish() noexcept { return spanwire_span_finish(release()); }
  /// Finishes the span at a given time.
  Status finish_at(Time end) noexcept { return spanwire_span_finish_at(release(), detail::nanoseconds(end)); }
  /// Ends the span without sending it; it is counted as discarded.
  Status discard() noexcept { return spanwire_span_discard(release()); }

 private:
  /// A message that the program has set stays.
  void left_by_exception() noexcept {
    std::size_t need = 0;
    set_error(true);
    if (spanwire_span_get_tag(span_, "error.message", nullptr, 0, &need) == SPANWIRE_E_NOT_FOUND) {
      set_tag("error.message", "an exception left the scope of the span");
    }
  }

  /// Number of exceptions in flight in this thread when this object was made.
  int exceptions_ = std::uncaught_exceptions();
};

inline Span SpanRef::child(std::string_view name) const noexcept {
  if (span_ == 0) return Span();
  return Span(tracer_, spanwire_span_start_n(tracer_, span_, name.data(), name.size()));
}
inline Span SpanRef::child(std::string_view name, const SpanOptions &options) const noexcept {
  if (span_ == 0) return Span();
  return Span(tracer_, options.begin(tracer_, span_, nullptr, name));
}

/**
 * Makes a span the current one of the calling thread as long as this object exists; then the former one is current
 * again. It does not finish the span: declare it after the span.
 *
 *     spanwire::Span request = tracer.span("web.request");
 *     spanwire::Scope scope(request);
 *     handle();  // in it: tracer.span("query", spanwire::Span::current())
 *
 * Nothing passes the current span to another thread by itself. Hand it over:
 *
 *     std::thread([parent = spanwire::Span::current()] {
 *       spanwire::Scope scope(parent);
 *       handle();
 *     });
 *
 * If the parent may finish before the other thread starts spans, hand over its context() instead. Destroy a Scope on
 * the thread that made it, in the reverse order; a coroutine must not be suspended while it has one. Each shared object
 * that is compiled with hidden visibility has current spans of its own.
 */
class [[nodiscard]] Scope {
 public:
  /// Makes this span the current one; an empty one means that there is none.
  explicit Scope(const SpanRef &span) noexcept : former_(std::exchange(current(), span)) {}
  /// Rejects a temporary span, which finishes at once.
  explicit Scope(const Span &&) = delete;
  Scope(const Scope &) = delete;
  Scope &operator=(const Scope &) = delete;
  /// Restores the former current span.
  ~Scope() noexcept { current() = former_; }

 private:
  friend class SpanRef;

  static SpanRef &current() noexcept {
    static thread_local SpanRef span;
    return span;
  }

  SpanRef former_;
};

inline SpanRef SpanRef::current() noexcept { return Scope::current(); }

/**
 * A tracer, with settings that are fixed at its creation. Equal settings return the same tracer; the objects share it.
 * The destructor frees this object's share without waiting for the network: call shutdown() at the end of the program,
 * or flush(), so that the last spans are sent.
 */
class Tracer {
 public:
  /// An empty object.
  Tracer() noexcept = default;
  Tracer(const Tracer &) = delete;
  Tracer &operator=(const Tracer &) = delete;
  /// Moves; leaves `other` empty.
  Tracer(Tracer &&other) noexcept
      : tracer_(std::exchange(other.tracer_, 0)),
        status_(std::exchange(other.status_, Status(SPANWIRE_E_HANDLE))),
        error_(other.error_) {}
  /// Frees its own share first; leaves `other` empty.
  Tracer &operator=(Tracer &&other) noexcept {
    if (this != &other) {
      close();
      tracer_ = std::exchange(other.tracer_, 0);
      status_ = std::exchange(other.status_, Status(SPANWIRE_E_HANDLE));
      error_ = other.error_;
    }
    return *this;
  }
  /// Frees this share of the tracer.
  ~Tracer() noexcept { close(); }

  /// Makes a tracer. Check status(), or test the object; message() explains a failure. Unless SPANWIRE_LANGUAGE is
  /// set, the tracer reports the language `cpp`, and the C++ standard of this file as its version.
  [[nodiscard]] static Tracer create(std::initializer_list<Setting> settings) noexcept {
    return create(settings.begin(), settings.size());
  }
  /// Makes a tracer from an array of settings.
  [[nodiscard]] static Tracer create(const Setting *settings, std::size_t count) noexcept {
    Tracer made;
    detail::Array<spanwire_setting> array(count + 2);
    if (array.get() == nullptr) {
      made.status_ = SPANWIRE_E_MEMORY;
      return made;
    }
    // As dd-trace-cpp reports them. Values of the program and the environment replace them.
    char standard[24] = "";
    *std::to_chars(standard, standard + sizeof standard - 1, __cplusplus).ptr = '\0';
    spanwire_setting *to = array.get();
    *to++ = {"default:SPANWIRE_LANGUAGE", "cpp"};
    *to++ = {"default:SPANWIRE_LANGUAGE_VERSION", standard};
    for (std::size_t i = 0; i < count; ++i) *to++ = {settings[i].name.c_str(), settings[i].value.c_str()};
    made.error_.size = sizeof made.error_;
    made.status_ = spanwire_tracer_new(array.get(), count + 2, &made.tracer_, &made.error_);
    return made;
  }

  /// Whether there is a tracer.
  explicit operator bool() const noexcept { return tracer_ != 0; }
  /// Status of its creation.
  Status status() const noexcept { return status_; }
  /// Why it could not be created; empty after success. Valid as long as this object.
  const char *message() const noexcept {
    return error_.message[0] == '\0' && !status_ ? status_.text() : error_.message;
  }
  /// The C handle, which this object still owns; 0 if empty.
  spanwire_tracer handle() const noexcept { return tracer_; }

  /// Starts a span, the root of a new trace.
  [[nodiscard]] Span span(std::string_view name) const noexcept {
    return Span(tracer_, spanwire_span_start_n(tracer_, 0, name.data(), name.size()));
  }
  /// Starts it with options.
  [[nodiscard]] Span span(std::string_view name, const SpanOptions &options) const noexcept {
    return Span(tracer_, options.begin(tracer_, 0, nullptr, name));
  }
  /// Starts a span whose parent is known by its context.
  [[nodiscard]] Span span(std::string_view name, const Context &parent,
                          const SpanOptions &options = {}) const noexcept {
    return Span(tracer_, options.begin(tracer_, 0, &parent, name));
  }

  /// Starts a child of `parent`, such as Span::current(), or the root of a new trace if that is empty.
  [[nodiscard]] Span span(std::string_view name, const SpanRef &parent,
                          const SpanOptions &options = {}) const noexcept {
    return Span(tracer_, options.begin(tracer_, parent.handle(), nullptr, name));
  }
  /// Starts a span that continues the trace of a request, or begins a trace if the request carried none.
  [[nodiscard]] Span span(std::string_view name, const RemoteContext &from,
                          const SpanOptions &options = {}) const noexcept {
    return Span(tracer_, options.begin(tracer_, 0, nullptr, name, from.handle()));
  }

  /**
   * Reads the context that a request carries in its headers. `headers` is one of these:
   * - a range of pairs of names and values, both text: std::map, std::unordered_multimap, std::vector of pairs, …;
   *   names in any case, or in the form of CGI (`HTTP_TRACEPARENT`);
   * - a callable that takes a name in lower case (a std::string_view, a std::string or a `const char *`) and returns
   *   the header's value: as `const char *`, null if there is none, as an optional text, or as a text that is then
   *   empty.
   *
   * Exceptions from the range or the callable pass through.
   */
  template <class Headers>
  [[nodiscard]] RemoteContext extract(const Headers &headers) const {
    RemoteContext found;
    if constexpr (detail::looks_up<Headers>) {
      get_each(headers, found, std::make_index_sequence<std::size(detail::header_names)>());
    } else {
      using Pair = decltype(*std::begin(headers));
      static_assert(std::is_lvalue_reference_v<Pair> || std::is_trivially_destructible_v<Pair>,
                    "the range makes texts that do not outlive its loop");
      std::size_t count = 0;
      for (auto at = std::begin(headers); at != std::end(headers); ++at) ++count;
      detail::Array<spanwire_header> array(count);
      if (array.get() == nullptr) {
        found.status_ = SPANWIRE_E_MEMORY;
        return found;
      }
      spanwire_header *to = array.get();
      for (const auto &[name, value] : headers) {
        const std::string_view key(name), text(value);
        *to++ = {key.data(), key.size(), text.data(), text.size()};
      }
      found.extract(tracer_, array.get(), count);
    }
    return found;
  }

  /// Starts the worker thread now. Without this call the first span starts it.
  Status start() noexcept { return spanwire_tracer_start(tracer_); }
  /// Sends complete traces and waits until they are acknowledged or dropped, or this long (rounded up to milliseconds).
  template <class Rep, class Period>
  Status flush(std::chrono::duration<Rep, Period> timeout) noexcept {
    return spanwire_tracer_flush(tracer_, detail::milliseconds(timeout));
  }
  /// Shuts the tracer down for all who share it: no span can be started, and the rest is sent within this time.
  template <class Rep, class Period>
  Status shutdown(std::chrono::duration<Rep, Period> timeout) noexcept {
    return spanwire_tracer_shutdown(tracer_, detail::milliseconds(timeout));
  }
  /// The counters; all zero if there is no tracer.
  Stats stats() const noexcept {
    Stats stats{};
    stats.size = sizeof stats;
    spanwire_tracer_stats(tracer_, &stats);
    return stats;
  }
  /// The settings with their origins, as one JSON object; empty if there is no tracer.
  std::optional<std::string> config_json() const {
    return detail::text_from([this](char *buffer, std::size_t capacity, std::size_t *need) noexcept {
      return spanwire_tracer_config_json(tracer_, buffer, capacity, need);
    });
  }
  /// The fields for a line of the application's log that belongs to no span: service, environment and version.
  std::string log_correlation(LogFields form = LogFields::text) const { return detail::log_fields(tracer_, 0, form); }
  /// Writes a flare to a new file: what explains the tracer, as a zip archive, without secrets. `why`, if given, receives a
  /// sentence if that fails.
  Status write_flare(std::string_view path, std::string *why = nullptr) const {
    const detail::Terminated file(path);
    spanwire_error error{};
    error.size = sizeof error;
    const spanwire_status status = spanwire_flare_write(tracer_, file.get(), &error);
    if (why != nullptr) *why = error.message;
    return status;
  }
  /// Has the Agent pass a flare on to Datadog's support, and waits this long for its answer. An empty host name is that
  /// of this host.
  template <class Rep, class Period>
  Status send_flare(std::string_view case_id, std::string_view email, std::chrono::duration<Rep, Period> timeout,
                    std::string_view hostname = {}, std::string *why = nullptr) const {
    const detail::Terminated number(case_id), address(email), host(hostname);
    spanwire_error error{};
    error.size = sizeof error;
    const spanwire_status status = spanwire_flare_send(tracer_, number.get(), address.get(), host.get(),
                                                       detail::milliseconds(timeout), &error);
    if (why != nullptr) *why = error.message;
    return status;
  }
  /// Reports an integration that was set up; `status` is a word such as `loaded`.
  Status report_integration(std::string_view name, std::string_view version, std::string_view status) noexcept {
    const detail::Terminated library(name), number(version), state(status);
    return spanwire_tracer_report_integration(tracer_, library.get(), number.get(), state.get());
  }

 private:
  /// Reads the context from what `get` returns for each name.
  template <class Get, std::size_t... N>
  void get_each(const Get &get, RemoteContext &found, std::index_sequence<N...>) const {
    using Given = detail::Found<decltype(detail::look_up(get, std::string_view()))>;
    const Given values[] = {Given(detail::look_up(get, detail::header_names[N]))...};
    spanwire_header headers[sizeof...(N)];
    std::size_t count = 0;
    for (std::size_t i = 0; i < sizeof...(N); ++i) {
      const std::optional<std::string_view> text = values[i].text();
      const std::string_view name = detail::header_names[i];
      if (text && !text->empty()) headers[count++] = {name.data(), name.size(), text->data(), text->size()};
    }
    found.extract(tracer_, headers, count);
  }

  void close() noexcept {
    if (tracer_ != 0) spanwire_tracer_free(std::exchange(tracer_, 0));
  }

  spanwire_tracer tracer_ = 0;
  Status status_ = SPANWIRE_E_HANDLE;
  spanwire_error error_{};
};

/// What became of a trace.
enum class FateState : std::uint32_t {
  unknown = SPANWIRE_FATE_UNKNOWN,      ///< the process does not know the trace, or not any more
  open = SPANWIRE_FATE_OPEN,            ///< spans of it are open
  queued = SPANWIRE_FATE_QUEUED,        ///< its finished spans wait in the queue
  in_flight = SPANWIRE_FATE_IN_FLIGHT,  ///< the worker sends it, or waits to try again
  sent = SPANWIRE_FATE_SENT,            ///< the Agent has acknowledged all its spans
  dropped = SPANWIRE_FATE_DROPPED,      ///< spans of it were dropped: Fate::dropped says why
  abandoned = SPANWIRE_FATE_ABANDONED,  ///< not sent: its spans were open at shutdown
  discarded = SPANWIRE_FATE_DISCARDED   ///< not sent: the program discarded its spans
};

/// Why spans were dropped, as the counters `dropped_…` of Stats say.
enum class DropReason : std::uint32_t {
  none,          ///< none were
  queue_full,    ///< the queue was full
  memory,        ///< SPANWIRE_MEMORY_MAX was reached
  unreachable,   ///< the Agent could not be reached
  refused,       ///< the Agent refused them
  too_large,     ///< one span alone is larger than the Agent accepts
  shutdown,      ///< the time of a shutdown ended
  invalid,       ///< a submitted record had no ids or was cut short, or an internal error stopped a batch
  unknown_fate   ///< they were sent and never acknowledged
};

/// Which setting decided whether a trace is kept.
enum class FateRule {
  none,           ///< none, or it is not known
  sampling_rule,  ///< a rule of DD_TRACE_SAMPLING_RULES: Fate::rule_place
  sample_rate,    ///< DD_TRACE_SAMPLE_RATE
  minute          ///< DD_APM_TRACING_ENABLED=false, which keeps one trace a minute
};

/// What became of a trace in this process, and why. spanwire.h describes the fields of `spanwire_fate`.
struct Fate {
  FateState state = FateState::unknown;                   ///< what became of it
  DropReason dropped = DropReason::none;                  ///< why spans were dropped last
  std::pair<std::uint64_t, std::uint64_t> trace_id{0, 0};  ///< high and low half; 0 if the trace is not known
  std::uint64_t spans_open = 0;                           ///< spans that are open now
  std::uint64_t spans_waiting = 0;                        ///< finished spans that wait for these
  std::uint64_t spans_pending = 0;                        ///< finished spans in the queue or on their way
  std::uint64_t spans_sent = 0;                           ///< spans that the Agent has acknowledged
  std::uint64_t spans_dropped = 0;                        ///< spans that were dropped
  std::uint32_t attempts_failed = 0;                      ///< attempts that failed and were repeated
  std::optional<std::uint32_t> http_status;               ///< status of the Agent's last answer
  std::optional<std::int32_t> error_number;               ///< `errno` of the last attempt, if the system failed it
  std::optional<std::int32_t> priority;                   ///< sampling priority, if the trace is decided
  std::optional<std::int32_t> mechanism;                  ///< what decided, as `_dd.p.dm` has it
  FateRule rule = FateRule::none;                         ///< which setting decided
  std::uint32_t rule_place = 0;                           ///< place of the sampling rule, from 1; else 0
  std::optional<double> rate;                             ///< rate of the decision, from 0 to 1
  bool limited = false;            ///< whether the rate kept the trace and a limit of traces per second rejected it
  bool decided_elsewhere = false;  ///< whether another process made the decision
  std::optional<Time> handed;      ///< when the first spans were handed over to be sent
  std::optional<Time> changed;     ///< when this last changed
  std::string text;                ///< all that in one English sentence, for people

  /// An unknown trace.
  Fate() = default;
  /// From the C struct.
  explicit Fate(const spanwire_fate &raw)
      : state(static_cast<FateState>(raw.state)),
        dropped(static_cast<DropReason>(raw.dropped)),
        trace_id(raw.trace_id_high, raw.trace_id_low),
        spans_open(raw.spans_open),
        spans_waiting(raw.spans_waiting),
        spans_pending(raw.spans_pending),
        spans_sent(raw.spans_sent),
        spans_dropped(raw.spans_dropped),
        attempts_failed(raw.attempts_failed),
        limited(raw.limited != 0),
        decided_elsewhere(raw.decided_elsewhere != 0),
        text(raw.text) {
    if (raw.http_status != 0) http_status = raw.http_status;
    if (raw.error_number != 0) error_number = raw.error_number;
    if (raw.priority != SPANWIRE_PRIORITY_NONE) priority = raw.priority;
    if (raw.mechanism != SPANWIRE_PRIORITY_NONE) mechanism = raw.mechanism;
    if (raw.rate >= 0) rate = raw.rate;
    if (raw.handed_ns != 0) handed = detail::time_of(raw.handed_ns);
    if (raw.changed_ns != 0) changed = detail::time_of(raw.changed_ns);
    if (raw.rule == SPANWIRE_FATE_SAMPLE_RATE) {
      rule = FateRule::sample_rate;
    } else if (raw.rule == SPANWIRE_FATE_MINUTE) {
      rule = FateRule::minute;
    } else if (raw.rule != 0) {
      rule = FateRule::sampling_rule, rule_place = raw.rule;
    }
  }
};

/// Says what became of a trace: whether it is open, waits, was sent or dropped, and why. A high half of 0 stands for any.
/// The process knows its last 16,384 traces.
inline Fate trace_fate(std::uint64_t trace_id_high, std::uint64_t trace_id_low) {
  spanwire_fate raw{};
  raw.size = sizeof raw;
  raw.rate = -1;
  raw.priority = raw.mechanism = SPANWIRE_PRIORITY_NONE;
  spanwire_trace_fate(trace_id_high, trace_id_low, &raw);
  return Fate(raw);
}
/// Says what became of the trace of a context: keep one of a span for that.
inline Fate trace_fate(const Context &context) {
  const auto [high, low] = context.trace_id();
  return trace_fate(high, low);
}

/// Debug mode: a process-wide switch, off by default, for a log line for each span, chunk and payload.
namespace debug {

/// Turns it on or off.
inline Status set(bool enabled) noexcept { return spanwire_debug_set(enabled ? 1 : 0); }
/// Turns it on for this many seconds; then the former state returns.
inline Status set_for(std::chrono::seconds time) noexcept {
  const auto count = time.count();
  return spanwire_debug_set_for(count < 0 ? 0 : static_cast<std::uint32_t>(count > UINT32_MAX ? UINT32_MAX : count));
}
/// Whether it is on.
inline bool get() noexcept { return spanwire_debug_get() != 0; }

}  // namespace debug

/// The tracer's log: taken with poll() or drain() on the calling thread, or pushed to a Sink.
namespace log {

/// A log record. Its texts are valid until the callback returns.
struct Record {
  Time time;              ///< time of the event
  Level level;            ///< its level
  std::string_view kind;  ///< kind of the event, such as `span.finished`, or the host's target
  std::string_view text;  ///< the whole record, without a newline at its end
  std::uint64_t lost;     ///< number of records lost before this one because they were not taken in time
  std::string_view logger;   ///< name of the logger in the chosen dialect
  std::string_view message;  ///< the end of `text`, without what a logger adds itself: time, process, level, name

  /// From the C struct.
  explicit Record(const spanwire_log_record &raw) noexcept
      : time(detail::time_of(raw.time_ns)),
        level(static_cast<Level>(raw.level)),
        kind(raw.target == nullptr ? "" : raw.target),
        text(raw.text, raw.text_len),
        lost(raw.lost),
        logger(raw.logger == nullptr ? "" : raw.logger),
        message(raw.message, raw.message_len) {}
};

/// Sets the log level in force while debug mode is off.
inline Status set_level(Level level) noexcept { return spanwire_log_set_level(static_cast<std::int32_t>(level)); }

/// Sets the level of a logger and those below it, named as in the chosen dialect; overrides the level and debug mode.
inline Status set_level(std::string_view logger, Level level) noexcept {
  const detail::Terminated word(logger);
  return spanwire_log_set_logger_level(word.get(), static_cast<std::int32_t>(level));
}

/// Removes the level of a logger.
inline Status reset_level(std::string_view logger) noexcept {
  const detail::Terminated word(logger);
  return spanwire_log_set_logger_level(word.get(), -1);
}

/// Adds a record of the host.
inline Status write(Level level, std::string_view target, std::string_view text) noexcept {
  const detail::Terminated word(target);
  return spanwire_log_write_n(static_cast<std::int32_t>(level), word.get(), SPANWIRE_NUL, text.data(), text.size());
}

/// Reports an event of the host with fields; the dialect turns it into a line.
inline Status event(std::string_view kind, std::initializer_list<Tag> fields) noexcept {
  const detail::Terminated word(kind);
  detail::Array<spanwire_tag> array(fields.size());
  if (array.get() == nullptr) return SPANWIRE_E_MEMORY;
  detail::fill(array.get(), fields.begin(), fields.size());
  return spanwire_log_event(word.get(), array.get(), fields.size());
}

/// A descriptor that is readable while records wait, for event loops; -1 if there is none. Do not close it.
inline int fd() noexcept { return spanwire_log_fd(); }

/// Takes the waiting records as lines, each with a newline.
inline std::string drain() {
  std::size_t need = 0;
  if (spanwire_log_drain(nullptr, 0, &need) != SPANWIRE_OK || need <= 1) return std::string();
  std::string lines(need, '\0');
  spanwire_log_drain(lines.data(), lines.size(), nullptr);
  lines.resize(std::strlen(lines.c_str()));
  return lines;
}

/**
 * Calls `each` with up to `most` waiting records (by default as many as the ring holds) and returns their number. An
 * exception from `each` does not pass through the C library: it is kept and thrown again from here; later records keep
 * waiting.
 */
template <class Each>
std::size_t poll(Each &&each, std::size_t most = 4096) {
  struct Call {
    Each &each;
#if defined(SPANWIRE_HPP_EXCEPTIONS)
    std::exception_ptr thrown;
#endif
    static void run(const spanwire_log_record *record, void *userdata) noexcept {
      auto *call = static_cast<Call *>(userdata);
#if defined(SPANWIRE_HPP_EXCEPTIONS)
      try {
        call->each(Record(*record));
      } catch (...) {
        call->thrown = std::current_exception();
      }
#else
      call->each(Record(*record));
#endif
    }
  };
  Call call{each
#if defined(SPANWIRE_HPP_EXCEPTIONS)
            ,
            nullptr
#endif
  };
  std::size_t taken = 0;
  while (taken < most) {
    // One at a time, so that no record is taken after the one that failed.
    std::size_t count = 0;
    if (spanwire_log_poll(&Call::run, &call, 1, &count) != SPANWIRE_OK || count == 0) break;
    taken += count;
#if defined(SPANWIRE_HPP_EXCEPTIONS)
    if (call.thrown) std::rethrow_exception(call.thrown);
#endif
  }
  return taken;
}

/**
 * A function that is called with each record, on spanwire's log thread, until this object is destroyed. If the function
 * is slow, records are lost and counted. Records that it logs itself are not delivered to any sink. An exception from
 * it is caught and counted in failures().
 *
 * The function is destroyed on the thread that removes the sink, before remove() or the destructor returns. If it
 * removes itself, or has not returned within 10 s, it is destroyed on the log thread after its last call. The
 * destructors of what it holds must not throw.
 */
class Sink {
 public:
  /// The function.
  using Function = std::function<void(const Record &)>;

  /// An empty object.
  Sink() noexcept = default;
  Sink(const Sink &) = delete;
  Sink &operator=(const Sink &) = delete;
  /// Moves; leaves `other` empty.
  Sink(Sink &&other) noexcept
      : state_(std::move(other.state_)), sink_(std::exchange(other.sink_, 0)), status_(other.status_) {}
  /// Removes its own sink first; leaves `other` empty.
  Sink &operator=(Sink &&other) noexcept {
    if (this != &other) {
      remove();
      state_ = std::move(other.state_);
      sink_ = std::exchange(other.sink_, 0);
      status_ = other.status_;
    }
    return *this;
  }
  /// Removes the sink.
  ~Sink() noexcept { remove(); }

  /// Adds a sink for records of this level and more important ones. Check status(), or test the object.
  [[nodiscard]] static Sink add(Level level, Function function) {
    Sink made;
    made.state_ = std::make_shared<State>(std::move(function));
    auto *owned = new (std::nothrow) std::shared_ptr<State>(made.state_);
    if (owned == nullptr) {
      made.status_ = SPANWIRE_E_MEMORY;
      return made;
    }
    const auto wanted = static_cast<std::int32_t>(level);
    made.status_ = spanwire_log_add_sink_any_thread(wanted, &run, owned, &release, &made.sink_);
    if (!made.status_) release(owned);
    return made;
  }

  /// Whether there is a sink.
  explicit operator bool() const noexcept { return sink_ != 0; }
  /// Status of its addition.
  Status status() const noexcept { return status_; }
  /// Number of exceptions that the function threw.
  std::uint64_t failures() const noexcept { return state_ ? state_->failures.load(std::memory_order_relaxed) : 0; }
  /// Removes the sink. After SPANWIRE_OK the function does not run any more and is destroyed; if called from inside the
  /// function, that holds after its call has returned.
  Status remove() noexcept {
    if (sink_ == 0) return SPANWIRE_OK;
    return spanwire_log_remove_sink(std::exchange(sink_, 0));
  }

 private:
  struct State {
    explicit State(Function callee) noexcept : function(std::move(callee)) {}
    Function function;
    std::atomic<std::uint64_t> failures{0};
  };

  static void run(const spanwire_log_record *record, void *userdata) noexcept {
    State &state = **static_cast<std::shared_ptr<State> *>(userdata);
    if (!state.function) return;
#if defined(SPANWIRE_HPP_EXCEPTIONS)
    try {
      state.function(Record(*record));
    } catch (...) {
      state.failures.fetch_add(1, std::memory_order_relaxed);
    }
#else
    state.function(Record(*record));
#endif
  }

  /// Called after the last call: destroys the function; the Sink keeps the count of failures.
  static void release(void *userdata) noexcept {
    const std::unique_ptr<std::shared_ptr<State>> owned(static_cast<std::shared_ptr<State> *>(userdata));
    (*owned)->function = nullptr;
  }

  std::shared_ptr<State> state_;
  spanwire_sink sink_ = 0;
  Status status_ = SPANWIRE_E_HANDLE;
};

}  // namespace log
}  // namespace spanwire

#endif  // SPANWIRE_HPP
