/**
 * @file spdlog.hpp
 * Adds dd.trace_id, dd.span_id, dd.service, dd.env and dd.version of the current span to the lines of spdlog. Tested
 * with spdlog 1.10.
 *
 *     #include <spanwire/spdlog.hpp>
 *
 *     spdlog::set_formatter(spanwire::spdlog_formatter(tracer));  // all loggers; logger->set_formatter() for one
 *
 * The pattern has the flag `%*` for the fields:
 *
 *     spanwire::spdlog_formatter(tracer, R"({"time":"%Y-%m-%dT%T%z",%*,"message":"%v"})", spanwire::LogFields::json)
 *
 * An asynchronous logger formats its lines on another thread, which has no current span. Log to a logger with this sink
 * instead, which adds the fields to the message and passes it on:
 *
 *     spdlog::logger logger("shop", std::make_shared<spanwire::SpdlogForward>(tracer, asynchronous_logger));
 */
#ifndef SPANWIRE_SPDLOG_HPP
#define SPANWIRE_SPDLOG_HPP

#include <spanwire.hpp>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>

#include <ctime>
#include <memory>
#include <string>
#include <utility>

namespace spanwire {

/// The fields of the current span; without one, of the tracer. It keeps the tracer's handle, so that it may outlive the
/// tracer: then there are no fields.
class SpdlogFields final : public ::spdlog::custom_flag_formatter {
 public:
  explicit SpdlogFields(spanwire_tracer tracer, LogFields form = LogFields::text) noexcept
      : tracer_(tracer), form_(form) {}
  /// Returns the fields.
  std::string text() const { return detail::log_fields(tracer_, Span::current().handle(), form_); }

  void format(const ::spdlog::details::log_msg &, const std::tm &, ::spdlog::memory_buf_t &line) override {
    const std::string fields = text();
    line.append(fields.data(), fields.data() + fields.size());
  }
  std::unique_ptr<::spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<SpdlogFields>(tracer_, form_);
  }

 private:
  spanwire_tracer tracer_;
  LogFields form_;
};

/// Makes a formatter for this pattern, in which `%*` stands for the fields.
inline std::unique_ptr<::spdlog::formatter> spdlog_formatter(
    const Tracer &tracer, std::string pattern = "[%Y-%m-%d %H:%M:%S.%e] [%n] [%^%l%$] [%*] %v",
    LogFields form = LogFields::text) {
  auto formatter = std::make_unique<::spdlog::pattern_formatter>();
  formatter->add_flag<SpdlogFields>('*', tracer.handle(), form).set_pattern(std::move(pattern));
  return formatter;
}

/// A sink for a logger in front of an asynchronous one: adds the fields to the message and passes it on.
class SpdlogForward final : public ::spdlog::sinks::sink {
 public:
  /// Passes messages on to this logger.
  SpdlogForward(const Tracer &tracer, std::shared_ptr<::spdlog::logger> to) noexcept
      : fields_(tracer.handle()), to_(std::move(to)) {}

  void log(const ::spdlog::details::log_msg &message) override {
    const std::string text = '[' + fields_.text() + "] " + std::string(message.payload.data(), message.payload.size());
    to_->log(message.time, message.source, message.level, ::spdlog::string_view_t(text));
  }
  void flush() override { to_->flush(); }
  /// The other logger has the pattern.
  void set_pattern(const std::string &) override {}
  void set_formatter(std::unique_ptr<::spdlog::formatter>) override {}

 private:
  const SpdlogFields fields_;
  std::shared_ptr<::spdlog::logger> to_;
};

}  // namespace spanwire

#endif  // SPANWIRE_SPDLOG_HPP
