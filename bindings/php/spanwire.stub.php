<?php
/**
 * What the extension `spanwire` gives to scripts, for readers and IDEs. src/Spanwire.php offers the same over FFI.
 *
 * Nothing here throws because of tracing: where the library is missing or tracing is off, spans are inert, and every
 * call on them does nothing. Only arguments of a wrong type are errors, as everywhere in PHP.
 */

namespace Spanwire;

/**
 * Starts spans and sends them. Usually `Tracer::get()`, whose settings are those of php.ini and the environment.
 *
 * A tracer belongs to the process, not to the request: it is made when a request first needs it and kept for those that
 * follow. A request in a directory with other settings gets another one.
 */
final class Tracer
{
    /**
     * The tracer of the settings that hold here: php.ini, `.user.ini`, `php_admin_value`, environment, defaults.
     */
    public static function get(): Tracer {}

    /**
     * A tracer with settings of its own over those of `get()`. Equal settings give the same tracer again.
     *
     * @param array<string, string|int|float|bool|null> $settings names such as `DD_SERVICE` or
     *        `SPANWIRE_FLUSH_INTERVAL_MS`, as docs/settings.md lists them; `default:DD_SERVICE` ranks below the
     *        environment; null takes away what php.ini says
     */
    public function __construct(array $settings = []) {}

    /**
     * Starts a span with all that is known of it, in one call of the library.
     *
     * @param string $name the operation, such as `mysql.query`
     * @param Span|false|null $parent null: the current span; false: none, a new trace begins
     * @param string|null $service null: the parent's, else the tracer's
     * @param string|null $resource what it works on, such as `GET /users/:id`; null: the name
     * @param string|null $type such as `web` or `sql`
     * @param array<string|int, string|int|float|bool|\Stringable|null> $tags numbers become metrics, booleans the texts
     *        `true` and `false`; null and what is no text are left out. A key that is an integer, which PHP makes of
     *        `'404'`, is the name in decimal.
     * @param bool $activate whether it is the current span until it has finished
     * @param int|null $startNs when it began, in nanoseconds since 1970; null: now
     */
    public function startSpan(string $name, Span|false|null $parent = null, ?string $service = null, ?string $resource = null, ?string $type = null, array $tags = [], bool $activate = true, ?int $startNs = null): Span {}

    /**
     * Sends what is complete, and waits for it.
     *
     * @param int $timeoutMs for how long at most; 0 only asks for it
     * @return bool whether nothing of it waits any more
     */
    public function flush(int $timeoutMs = 2000): bool {}

    /**
     * Ends the tracer, for this request and whatever else the process runs at the time: what has finished is sent, what
     * is open is abandoned and counted. PHP does it by itself when a process ends; the next request of the same process
     * begins with a new tracer.
     *
     * @param int $timeoutMs for how long at most
     * @return bool whether everything left or was counted as dropped in that time
     */
    public function shutdown(int $timeoutMs = 1000): bool {}

    /**
     * The tracer's counters in this process, as spanwire.h describes them: `spans_started`, `spans_sent`,
     * `dropped_queue_full`, …. Empty while tracing is off.
     *
     * @return array<string, int>
     */
    public function stats(): array {}

    /**
     * The settings in force, each with where it came from, as JSON without secrets; `{}` while tracing is off.
     */
    public function configJson(): string {}

    /**
     * Tells that the tracing of a library was set up, for the debug log: `Loaded integration …`, which follows PHP's
     * error log even where a log file is set.
     *
     * @param string $name such as `mysqli`
     * @param string|null $version that of the library
     * @param string|null $status null: loaded; else such as `unavailable` or `error: too old`
     */
    public function reportIntegration(string $name, ?string $version = null, ?string $status = null): void {}
}

/**
 * One operation. Finishes when `finish()` is called, else when the last variable that holds it is gone, else when the
 * request ends. One that an exception ends by leaving its function is marked with that exception, and one that is open
 * when a fatal error or an uncaught exception ends the script with that.
 *
 * Every method can be called on a span that has finished; it then does nothing.
 */
final class Span
{
    /** Spans come from `Tracer::startSpan()`. */
    private function __construct() {}

    /**
     * Sets a tag. The last value of a key wins.
     *
     * @param string|int|float|bool|\Stringable|null $value as in `startSpan()`; null removes the tag
     */
    public function setTag(string $key, mixed $value): static {}

    /**
     * Sets several tags.
     *
     * @param array<string|int, string|int|float|bool|\Stringable|null> $tags as in `startSpan()`
     */
    public function setTags(array $tags): static {}

    /** Sets a numeric tag. */
    public function setMetric(string $key, float $value): static {}

    /** Removes a tag, text or number. */
    public function removeTag(string $key): static {}

    /** A tag as text, or null where the span has none of that key. */
    public function getTag(string $key): ?string {}

    /** Renames the span. */
    public function setName(string $name): static {}

    /** Sets the service; children that are started later have it, too. */
    public function setService(string $service): static {}

    /** Sets what the operation works on. */
    public function setResource(string $resource): static {}

    /** Sets the type, such as `web` or `sql`. */
    public function setType(string $type): static {}

    /** Marks the span as failed with this exception: its class, message and stack. */
    public function setError(\Throwable $error): static {}

    /** Marks the span as failed in words. */
    public function setErrorText(string $type, string $message, ?string $stack = null): static {}

    /** Marks the span as failed, or takes the mark away. */
    public function setErrorFlag(bool $failed): static {}

    /** Decides by hand whether the trace is kept: -1 reject, 0 reject unless kept elsewhere, 1 keep, 2 keep for certain. */
    public function setPriority(int $priority): static {}

    /**
     * Finishes the span.
     *
     * @param int|null $endNs when it ended, in nanoseconds since 1970; null: now
     */
    public function finish(?int $endNs = null): void {}

    /** Gives the span up: it is not sent. */
    public function discard(): void {}

    /** Whether it has been started and not finished, by this process. */
    public function isOpen(): bool {}

    /** The trace id as 32 hexadecimal digits; null unless the span is open. */
    public function traceId(): ?string {}

    /** The span id in decimal; null unless the span is open. */
    public function spanId(): ?string {}
}

/** Whether the library is loaded; else a warning at the start of PHP said why not, and spans are inert. */
function available(): bool {}

/** The version of the library that is loaded, or null. */
function version(): ?string {}

/** The span that was started last and is open, in this request and fiber; the parent of the next one. */
function current_span(): ?Span {}

/** The current span's trace id as `dd.trace_id` in logs, or null. */
function trace_id(): ?string {}

/** The current span's id as `dd.span_id` in logs, or null. */
function span_id(): ?string {}

/** Whether debug mode is on: a log line for each span, chunk and payload. */
function debug(): bool {}

/** Turns debug mode on or off for the whole process, until it is set again. */
function set_debug(bool $enabled): void {}

/** Turns debug mode on for a while; 0 ends a while that is running. */
function set_debug_for(int $seconds): void {}

/**
 * Sets what is logged while debug mode is off.
 *
 * @param string $level `off`, `error`, `warning`, `info`, `debug` or `trace`
 * @return bool whether it is one of these
 */
function set_log_level(string $level): bool {}

/**
 * Adds a record to the tracer's log, to be read beside its own.
 *
 * @param string $level as in `set_log_level()`, without `off`
 * @param string $target which part of the host speaks
 * @return bool whether the level is one
 */
function log(string $level, string $message, string $target = 'php'): bool {}

/**
 * Says where the log's records go until the request ends: to a callable, or to a logger's method `log`. PSR-3's
 * arguments: level, message, and a context of `target`, `time_ns` and `lost`, the records lost before this one. The
 * message has no time, which a logger adds itself. Without one they go to PHP's error log, unless a log file is set.
 *
 * They are handed over by `drain_log()` and at the end of the request, never in between. What the logger throws is
 * swallowed and counted by `logger_failures()`; that record goes to the error log.
 *
 * @param callable|object|null $logger null: back to the error log
 * @return bool whether it can be called
 */
function set_logger(mixed $logger): bool {}

/** Hands over the records that wait now, and answers how many there were. */
function drain_log(): int {}

/**
 * Takes the records that wait, instead of handing them to a logger.
 *
 * @param int $max how many at most; 0: all that wait
 * @return list<array{level: string, target: string, message: string, time_ns: int, lost: int}>
 */
function take_log(int $max = 0): array {}

/** How many records a logger of this process has thrown at. */
function logger_failures(): int {}
