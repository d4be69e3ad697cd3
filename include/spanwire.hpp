/**
 * @file spanwire.hpp
 * The C API as C++17: spans that finish with their scope, text as std::string_view, time as std::chrono.
 *
 * Header-only, over spanwire.h; link to libspanwire as from C. No function of spanwire throws: results are a `Status`,
 * and what can fail to be created says so in `status()`. (Where this header makes a std::string or a std::function, the
 * standard library may throw std::bad_alloc.) It works with -fno-exceptions and -fno-rtti.
 *
 * Objects own their handle and can be moved, not copied. An empty one (moved from, or one that could not be created)
 * does nothing, and its calls are as cheap as that. Like the C functions, all of them may be called from any thread;
 * one C++ object, though, may be moved, assigned or destroyed only while no other thread uses it.
 */
#ifndef SPANWIRE_HPP
#define SPANWIRE_HPP

#include <spanwire.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
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

/// The answer of a call: one of the `SPANWIRE_OK`, `SPANWIRE_E_…` codes of spanwire.h. True when it went well.
class Status {
 public:
  /// SPANWIRE_OK.
  constexpr Status() noexcept = default;
  /// The status with this code.
  constexpr Status(spanwire_status code) noexcept : code_(code) {}
  /// Whether the call did what was asked.
  constexpr bool ok() const noexcept { return code_ == SPANWIRE_OK; }
  /// The same as ok().
  constexpr explicit operator bool() const noexcept { return ok(); }
  /// The code, to compare with SPANWIRE_E_….
  constexpr spanwire_status code() const noexcept { return code_; }
  /// What the code means, in a few words. Never null; lives as long as the process.
  const char *text() const noexcept { return spanwire_status_text(code_); }
  /// Whether both have the same code.
  friend constexpr bool operator==(Status one, Status other) noexcept { return one.code_ == other.code_; }
  /// Whether the codes differ.
  friend constexpr bool operator!=(Status one, Status other) noexcept { return one.code_ != other.code_; }

 private:
  spanwire_status code_ = SPANWIRE_OK;
};

/// How much a log record matters; a smaller one matters more.
enum class Level : std::int32_t {
  off = SPANWIRE_LEVEL_OFF,      ///< nothing at all
  error = SPANWIRE_LEVEL_ERROR,  ///< something was lost or cannot work
  warn = SPANWIRE_LEVEL_WARN,    ///< something is wrong and was repaired, or may be lost
  info = SPANWIRE_LEVEL_INFO,    ///< rare facts
  debug = SPANWIRE_LEVEL_DEBUG,  ///< a line for each span, chunk and payload
  trace = SPANWIRE_LEVEL_TRACE   ///< everything
};

/// A point of wall time, as spans and log records carry it.
using Time = std::chrono::system_clock::time_point;

/// What a tracer did so far; the fields are described in spanwire.h.
using Stats = spanwire_stats;

/// A text tag, for calls that take several. It borrows its text.
struct Tag {
  std::string_view key;    ///< not empty
  std::string_view value;  ///< may be empty
};

/// A numeric tag, for calls that take several. It borrows its text.
struct Metric {
  std::string_view key;  ///< not empty
  double value;          ///< the number
};

/// A setting of a tracer: a documented name, or `default:NAME` for a value that the environment may override.
struct Setting {
  std::string name;   ///< such as DD_SERVICE
  std::string value;  ///< empty counts as not set
};

/// What this header needs itself; no part of its interface.
namespace detail {

/// Nanoseconds since 1970.
inline std::int64_t nanoseconds(Time time) noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

/// The reverse of nanoseconds().
inline Time time_of(std::uint64_t nanoseconds) noexcept {
  const auto since = std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
  return Time(std::chrono::duration_cast<Time::duration>(since));
}

/// Whole milliseconds, rounded up and kept inside 32 bits; nothing for a negative time.
template <class Rep, class Period>
std::uint32_t milliseconds(std::chrono::duration<Rep, Period> time) noexcept {
  // As a double, because hours::max(), for "as long as it takes", overflows in whole milliseconds.
  const double wanted = std::chrono::duration<double, std::milli>(time).count();
  if (!(wanted > 0)) return 0;
  if (wanted >= UINT32_MAX) return UINT32_MAX;
  const auto whole = static_cast<std::uint32_t>(wanted);
  return whole < wanted ? whole + 1 : whole;
}

/// A NUL-terminated copy of a text for the C functions that have no twin with a length. A NUL in the text ends it.
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
  /// Null where there was no memory for the copy.
  const char *get() const noexcept { return text_; }

 private:
  char here_[256];
  std::unique_ptr<char[]> there_;
  const char *text_ = nullptr;
};

/// An array that exists only for the length of one call: on the stack when it is short, null when memory is short.
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

/// Text from a C function of the form `(buffer, capacity, *needed)`; nothing if it answers with an error.
template <class Call>
std::optional<std::string> text_from(Call call) {
  char small[512];
  std::size_t need = 0;
  Status status = call(small, sizeof small, &need);
  if (status && need <= sizeof small) return std::string(small);
  // What is to be read may grow between two calls; a third failure is a real one.
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

/// Fills `to` with the tags in the form of the C API.
inline void fill(spanwire_tag *to, const Tag *tags, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    to[i] = {tags[i].key.data(), tags[i].key.size(), tags[i].value.data(), tags[i].value.size()};
  }
}

}  // namespace detail

/**
 * A span's ids and sampling decision by value. It outlives the span: keep one for children that may start after their
 * parent has finished, or in another thread or process.
 */
class Context {
 public:
  /// An empty one: whoever is started under it begins a trace.
  Context() noexcept : raw_() { raw_.size = sizeof raw_; }
  /// The high and the low half of the trace id.
  std::pair<std::uint64_t, std::uint64_t> trace_id() const noexcept { return {raw_.trace_id_high, raw_.trace_id_low}; }
  /// The span's id; 0 when empty.
  std::uint64_t span_id() const noexcept { return raw_.span_id; }
  /// The sampling priority, once it is known.
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
 * Everything that a span can be given at its start, in one call. It borrows: what it points to must hold until the span
 * is started.
 *
 *     const spanwire::Tag tags[] = {{"http.method", "GET"}, {"http.route", "/cart"}};
 *     auto request = tracer.span("web.request", spanwire::SpanOptions().resource("GET /cart").type("web").tags(tags));
 */
class SpanOptions {
 public:
  /// Nothing beyond the name.
  SpanOptions() noexcept : raw_() { raw_.size = sizeof raw_; }
  /// The service; else that of the parent, else the tracer's.
  SpanOptions &service(std::string_view text) noexcept { return set(raw_.service, raw_.service_len, text); }
  /// The resource; else the name.
  SpanOptions &resource(std::string_view text) noexcept { return set(raw_.resource, raw_.resource_len, text); }
  /// The type, such as `web` or `sql`.
  SpanOptions &type(std::string_view text) noexcept { return set(raw_.type, raw_.type_len, text); }
  /// When the span started; else now.
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
  friend class Span;
  friend class Tracer;

  SpanOptions &set(const char *&text, std::size_t &length, std::string_view value) noexcept {
    // A null pointer means "not given" to the C function, which an empty view is not.
    text = value.data() == nullptr ? "" : value.data();
    length = value.size();
    return *this;
  }

  /// Starts the span; 0 if it cannot be.
  spanwire_span begin(spanwire_tracer tracer, spanwire_span parent, const Context *context,
                      std::string_view name) const noexcept {
    detail::Array<spanwire_tag> tags(raw_.tags_count);
    detail::Array<spanwire_metric> metrics(raw_.metrics_count);
    spanwire_span_options options = raw_;
    // Without memory for the tags there is still a span.
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
    options.name = name.data();
    options.name_len = name.size();
    spanwire_span span = 0;
    return spanwire_span_start_with(tracer, &options, &span) == SPANWIRE_OK ? span : 0;
  }

  spanwire_span_options raw_;
  const Tag *tags_ = nullptr;
  const Metric *metrics_ = nullptr;
};

/**
 * An open span, finished by its destructor. An empty one takes every call and does nothing, so that code under it needs
 * no checks. Setters answer with a Status that may be ignored.
 *
 * A span whose object is destroyed because an exception leaves the object's scope is marked as failed. Its type and
 * message are not known there: to have them, catch the exception, call set_error(error) and throw it again. A span that
 * is finished by a call is not marked. What counts is when the object was made, not the span: an object that is made
 * during the unwinding, in a destructor, and destroyed at the end of its scope is not marked.
 */
class Span {
 public:
  /// An empty one.
  Span() noexcept {}
  /// Takes over an open span of this tracer.
  Span(spanwire_tracer tracer, spanwire_span span) noexcept : tracer_(tracer), span_(span) {}
  Span(const Span &) = delete;
  Span &operator=(const Span &) = delete;
  /// Leaves the other one empty.
  Span(Span &&other) noexcept : tracer_(other.tracer_), span_(other.release()) {}
  /// Finishes its own span first; leaves the other one empty.
  Span &operator=(Span &&other) noexcept {
    if (this != &other) {
      finish();
      tracer_ = other.tracer_;
      span_ = other.release();
    }
    return *this;
  }
  /// Finishes the span, if that has not been done; marks it as failed if an exception is leaving this object's scope.
  ~Span() noexcept {
    if (span_ == 0) return;
    if (std::uncaught_exceptions() > exceptions_) left_by_exception();
    finish();
  }

  /// Whether there is a span.
  explicit operator bool() const noexcept { return span_ != 0; }
  /// The C handle, still owned by this object; 0 when empty.
  spanwire_span handle() const noexcept { return span_; }
  /// Gives up the C handle: whoever takes it has to finish it.
  spanwire_span release() noexcept { return std::exchange(span_, 0); }

  /// Starts a span under this one. Under an empty span there is an empty span.
  [[nodiscard]] Span child(std::string_view name) const noexcept {
    if (span_ == 0) return Span();
    return Span(tracer_, spanwire_span_start_n(tracer_, span_, name.data(), name.size()));
  }
  /// The same with everything given at once.
  [[nodiscard]] Span child(std::string_view name, const SpanOptions &options) const noexcept {
    if (span_ == 0) return Span();
    return Span(tracer_, options.begin(tracer_, span_, nullptr, name));
  }

  /// Sets a text tag; the last value of a key wins.
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
  /// Sets a numeric tag; the last value of a key wins.
  Status set_metric(std::string_view key, double value) noexcept {
    return spanwire_span_set_metric_n(span_, key.data(), key.size(), value);
  }
  /// Removes the text or numeric tag of this key.
  Status remove_tag(std::string_view key) noexcept {
    return spanwire_span_remove_tag(span_, detail::Terminated(key).get());
  }
  /// The value of a text tag, if the span has it.
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

  /// Marks the span as failed, saying with what. The stack is text, one frame a line.
  Status set_error(std::string_view type, std::string_view message, std::string_view stack = {}) noexcept {
    return spanwire_span_set_error_n(span_, type.data(), type.size(), message.data(), message.size(), stack.data(),
                                     stack.size());
  }
  /// Marks the span as failed with an exception: its class (`std::exception` without RTTI) and what it says.
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
  /// Marks the span as failed, or takes the mark away, without details.
  Status set_error(bool failed) noexcept { return spanwire_span_set_error_flag(span_, failed ? 1 : 0); }
  /// A text is not a flag: it takes set_error(type, message).
  Status set_error(const char *) = delete;
  /// Attaches bytes (MessagePack) under a key.
  Status set_meta_struct(std::string_view key, const void *bytes, std::size_t length) noexcept {
    return spanwire_span_set_meta_struct(span_, detail::Terminated(key).get(), bytes, length);
  }
  /// Decides about the span's trace: 2 keep, 1 and 0 as a sampler would, -1 drop.
  Status set_priority(std::int32_t priority) noexcept { return spanwire_span_set_priority(span_, priority); }

  /// Finishes the span now. Done again, it does nothing.
  Status finish() noexcept { return spanwire_span_finish(release()); }
  /// Finishes the span at a time in the past or the future.
  Status finish_at(Time end) noexcept { return spanwire_span_finish_at(release(), detail::nanoseconds(end)); }
  /// Throws the span away: it is counted as discarded and not sent.
  Status discard() noexcept { return spanwire_span_discard(release()); }

  /// Ids and decision by value; empty when there is no span.
  Context context() const noexcept {
    Context context;
    if (spanwire_span_context(span_, &context.raw()) != SPANWIRE_OK) return Context();
    return context;
  }
  /// The trace id as log lines carry it in dd.trace_id; empty when there is no span.
  std::string trace_id() const { return id_text(SPANWIRE_ID_TRACE); }
  /// The whole trace id as 32 hexadecimal digits; empty when there is no span.
  std::string trace_id_hex() const { return id_text(SPANWIRE_ID_TRACE_HEX); }
  /// The span id as log lines carry it in dd.span_id; empty when there is no span.
  std::string span_id() const { return id_text(SPANWIRE_ID_SPAN); }

 private:
  std::string id_text(std::int32_t kind) const {
    char buffer[40] = "";
    std::size_t need = 0;
    if (spanwire_span_id_text(span_, kind, buffer, sizeof buffer, &need) != SPANWIRE_OK) return std::string();
    return buffer;
  }

  /// A message that the program has set stays.
  void left_by_exception() noexcept {
    std::size_t need = 0;
    set_error(true);
    if (spanwire_span_get_tag(span_, "error.message", nullptr, 0, &need) == SPANWIRE_E_NOT_FOUND) {
      set_tag("error.message", "an exception left the scope of the span");
    }
  }

  spanwire_tracer tracer_ = 0;
  spanwire_span span_ = 0;
  /// How many exceptions were on their way in this thread when this object was made.
  int exceptions_ = std::uncaught_exceptions();
};

/**
 * A tracer: settings frozen at its creation, and the spans made by it. Equal settings give the same tracer again,
 * counted. The destructor gives this share up without waiting for the network: call shutdown() at the end of the
 * program, or flush(), so that the last spans leave.
 */
class Tracer {
 public:
  /// An empty one.
  Tracer() noexcept = default;
  Tracer(const Tracer &) = delete;
  Tracer &operator=(const Tracer &) = delete;
  /// Leaves the other one empty.
  Tracer(Tracer &&other) noexcept
      : tracer_(std::exchange(other.tracer_, 0)),
        status_(std::exchange(other.status_, Status(SPANWIRE_E_HANDLE))),
        error_(other.error_) {}
  /// Gives its own share up first; leaves the other one empty.
  Tracer &operator=(Tracer &&other) noexcept {
    if (this != &other) {
      close();
      tracer_ = std::exchange(other.tracer_, 0);
      status_ = std::exchange(other.status_, Status(SPANWIRE_E_HANDLE));
      error_ = other.error_;
    }
    return *this;
  }
  /// Gives this share of the tracer up.
  ~Tracer() noexcept { close(); }

  /// Makes a tracer. Look at status(), or test the object; message() says what was wrong.
  [[nodiscard]] static Tracer create(std::initializer_list<Setting> settings) noexcept {
    return create(settings.begin(), settings.size());
  }
  /// The same with an array.
  [[nodiscard]] static Tracer create(const Setting *settings, std::size_t count) noexcept {
    Tracer made;
    detail::Array<spanwire_setting> array(count);
    if (array.get() == nullptr) {
      made.status_ = SPANWIRE_E_MEMORY;
      return made;
    }
    for (std::size_t i = 0; i < count; ++i) array.get()[i] = {settings[i].name.c_str(), settings[i].value.c_str()};
    made.error_.size = sizeof made.error_;
    made.status_ = spanwire_tracer_new(array.get(), count, &made.tracer_, &made.error_);
    return made;
  }

  /// Whether there is a tracer.
  explicit operator bool() const noexcept { return tracer_ != 0; }
  /// How its creation went.
  Status status() const noexcept { return status_; }
  /// Why it could not be created; empty when it was. Lives as long as this object.
  const char *message() const noexcept {
    return error_.message[0] == '\0' && !status_ ? status_.text() : error_.message;
  }
  /// The C handle, still owned by this object; 0 when empty.
  spanwire_tracer handle() const noexcept { return tracer_; }

  /// Starts a span, the root of a new trace.
  [[nodiscard]] Span span(std::string_view name) const noexcept {
    return Span(tracer_, spanwire_span_start_n(tracer_, 0, name.data(), name.size()));
  }
  /// The same with everything given at once.
  [[nodiscard]] Span span(std::string_view name, const SpanOptions &options) const noexcept {
    return Span(tracer_, options.begin(tracer_, 0, nullptr, name));
  }
  /// Starts a span under one that is known only by its context.
  [[nodiscard]] Span span(std::string_view name, const Context &parent,
                          const SpanOptions &options = {}) const noexcept {
    return Span(tracer_, options.begin(tracer_, 0, &parent, name));
  }

  /// Starts the background thread, which the first span does otherwise.
  Status start() noexcept { return spanwire_tracer_start(tracer_); }
  /// Waits until what has finished before has left, or this long. Rounded up to milliseconds.
  template <class Rep, class Period>
  Status flush(std::chrono::duration<Rep, Period> timeout) noexcept {
    return spanwire_tracer_flush(tracer_, detail::milliseconds(timeout));
  }
  /// Ends the tracer for everyone who shares it: takes no more spans, and waits this long for the rest to leave.
  template <class Rep, class Period>
  Status shutdown(std::chrono::duration<Rep, Period> timeout) noexcept {
    return spanwire_tracer_shutdown(tracer_, detail::milliseconds(timeout));
  }
  /// The counters; all zero when there is no tracer.
  Stats stats() const noexcept {
    Stats stats{};
    stats.size = sizeof stats;
    spanwire_tracer_stats(tracer_, &stats);
    return stats;
  }
  /// The settings with the origin of each, as one JSON object; nothing when there is no tracer.
  std::optional<std::string> config_json() const {
    return detail::text_from([this](char *buffer, std::size_t capacity, std::size_t *need) noexcept {
      return spanwire_tracer_config_json(tracer_, buffer, capacity, need);
    });
  }
  /// Tells of a library that was instrumented; `status` is a word such as `loaded`.
  Status report_integration(std::string_view name, std::string_view version, std::string_view status) noexcept {
    const detail::Terminated library(name), number(version), state(status);
    return spanwire_tracer_report_integration(tracer_, library.get(), number.get(), state.get());
  }

 private:
  void close() noexcept {
    if (tracer_ != 0) spanwire_tracer_free(std::exchange(tracer_, 0));
  }

  spanwire_tracer tracer_ = 0;
  Status status_ = SPANWIRE_E_HANDLE;
  spanwire_error error_{};
};

/// Debug mode: a process-wide switch, off by default, that makes the log tell of each span, chunk and payload.
namespace debug {

/// Turns it on or off.
inline Status set(bool enabled) noexcept { return spanwire_debug_set(enabled ? 1 : 0); }
/// Turns it on for a while, in whole seconds; then the former state returns.
inline Status set_for(std::chrono::seconds time) noexcept {
  const auto count = time.count();
  return spanwire_debug_set_for(count < 0 ? 0 : static_cast<std::uint32_t>(count > UINT32_MAX ? UINT32_MAX : count));
}
/// Whether it is on.
inline bool get() noexcept { return spanwire_debug_get() != 0; }

}  // namespace debug

/// The tracer's log: fetched with poll() or drain() on a thread of one's own, or pushed to a Sink.
namespace log {

/// One line of the log. It borrows its text, which holds until the callback that was given it returns.
struct Record {
  Time time;              ///< when it happened
  Level level;            ///< how much it matters
  std::string_view kind;  ///< what happened, such as `span.finished`, or the host's own word
  std::string_view text;  ///< the whole record, without a newline at its end
  std::uint64_t lost;     ///< how many records were lost before this one, because nobody fetched them in time
  std::string_view logger;   ///< who says it, in the names of the chosen dialect
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

/// Which records are made at all while debug mode is off.
inline Status set_level(Level level) noexcept { return spanwire_log_set_level(static_cast<std::int32_t>(level)); }

/// The same for one logger and those below it, named as in the chosen dialect; it wins over the level and debug mode.
inline Status set_level(std::string_view logger, Level level) noexcept {
  const detail::Terminated word(logger);
  return spanwire_log_set_logger_level(word.get(), static_cast<std::int32_t>(level));
}

/// Takes what set_level() set for a logger away again.
inline Status reset_level(std::string_view logger) noexcept {
  const detail::Terminated word(logger);
  return spanwire_log_set_logger_level(word.get(), -1);
}

/// Writes a record of the host's own.
inline Status write(Level level, std::string_view target, std::string_view text) noexcept {
  const detail::Terminated word(target);
  return spanwire_log_write_n(static_cast<std::int32_t>(level), word.get(), SPANWIRE_NUL, text.data(), text.size());
}

/// Reports an event of the host's own, with facts; each dialect gives it its own form.
inline Status event(std::string_view kind, std::initializer_list<Tag> fields) noexcept {
  const detail::Terminated word(kind);
  detail::Array<spanwire_tag> array(fields.size());
  if (array.get() == nullptr) return SPANWIRE_E_MEMORY;
  detail::fill(array.get(), fields.begin(), fields.size());
  return spanwire_log_event(word.get(), array.get(), fields.size());
}

/// A descriptor that is readable while records wait, for an event loop; -1 where there is none. Do not close it.
inline int fd() noexcept { return spanwire_log_fd(); }

/// Takes the lines that wait now, each with its newline.
inline std::string drain() {
  std::size_t need = 0;
  if (spanwire_log_drain(nullptr, 0, &need) != SPANWIRE_OK || need <= 1) return std::string();
  std::string lines(need, '\0');
  spanwire_log_drain(lines.data(), lines.size(), nullptr);
  lines.resize(std::strlen(lines.c_str()));
  return lines;
}

/**
 * Hands up to `most` waiting records (by default as many as the ring holds) to `each`, here and now, and returns how
 * many there were. An exception from `each` never passes through the C library: it is kept, and thrown again from here;
 * the records after it keep waiting.
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
    // One at a time, so that none is taken after the one that failed.
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
 * A function that is called with each record, on spanwire's log thread, until this object is destroyed. The function
 * should be quick: when it is not, records are lost, and counted. What it logs itself is not delivered to any sink. An
 * exception from it is caught, counted in failures(), and goes no further.
 *
 * The function is destroyed on the thread that removes the sink, before remove() or the destructor returns; but on the
 * log thread, after its last call, if it removes itself or has not returned within 10 s. What it holds is destroyed
 * with it, and must not throw.
 */
class Sink {
 public:
  /// What is called.
  using Function = std::function<void(const Record &)>;

  /// An empty one.
  Sink() noexcept = default;
  Sink(const Sink &) = delete;
  Sink &operator=(const Sink &) = delete;
  /// Leaves the other one empty.
  Sink(Sink &&other) noexcept
      : state_(std::move(other.state_)), sink_(std::exchange(other.sink_, 0)), status_(other.status_) {}
  /// Removes its own sink first; leaves the other one empty.
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

  /// Adds a sink for records of this level and those that matter more. Look at status(), or test the object.
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
  /// How its addition went.
  Status status() const noexcept { return status_; }
  /// How many exceptions came out of the function.
  std::uint64_t failures() const noexcept { return state_ ? state_->failures.load(std::memory_order_relaxed) : 0; }
  /// Removes the sink. When this has returned SPANWIRE_OK, none of its calls runs or will, and what the function holds
  /// has been let go; called from inside one of them, that is so when that call has ended.
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

  /// No call runs any more: what the function holds is let go here, while the Sink still knows the failures.
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
