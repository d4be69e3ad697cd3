<?php
/**
 * Classes and functions of the extension `spanwire`, for readers and IDEs. src/Spanwire.php provides the same over FFI.
 *
 * Tracing never throws: if the library is missing or tracing is off, every call on a span does nothing. Only arguments
 * of a wrong type are errors, as everywhere in PHP.
 */

namespace Spanwire;

/**
 * Starts spans and sends them. Usually `Tracer::get()`, with the settings of php.ini and the environment.
 *
 * A tracer belongs to the process, not to the request: it is made when a request first needs it, and later requests use
 * it again. A request in a directory with other settings gets another one.
 */
final class Tracer
{
    /**
     * Returns the tracer of the settings in force here: php.ini, `.user.ini`, `php_admin_value`, environment, defaults.
     */
    public static function get(): Tracer {}

    /**
     * Makes a tracer with its own settings over those of `get()`. Equal settings return the same tracer.
     *
     * @param array<string, string|int|float|bool|null> $settings names such as `DD_SERVICE` or
     *        `SPANWIRE_FLUSH_INTERVAL_MS`, as docs/settings.md lists them; `default:DD_SERVICE` ranks below the
     *        environment; null removes the value of php.ini
     */
    public function __construct(array $settings = []) {}

    /**
     * Starts a span with everything that is known, in one call of the library. It does not become the current span;
     * `trace()` makes that of its span.
     *
     * @param string $name the operation, such as `mysql.query`
     * @param Span|Context|false|null $parent a span, or a context that came in with a request; null: the current span;
     *        false: no parent, starts a new trace
     * @param string|null $service null: the parent's, else the tracer's
     * @param string|null $resource what the operation works on, such as `GET /users/:id`; null: the name
     * @param string|null $type such as `web` or `sql`
     * @param array<string|int, string|int|float|bool|\Stringable|null> $tags numbers become metrics, booleans the texts
     *        `true` and `false`; null and other types are left out. An integer key, which PHP makes of `'404'`, becomes
     *        a name in decimal.
     * @param bool $activate true: it is the current span of this fiber until it has finished, for code that cannot be
     *        put into a function for `trace()`
     * @param int|null $startNs start time in nanoseconds since 1970; null: now
     */
    public function startSpan(string $name, Span|Context|false|null $parent = null, ?string $service = null, ?string $resource = null, ?string $type = null, array $tags = [], bool $activate = false, ?int $startNs = null): Span {}

    /**
     * Runs a function in a span of its own, which is the current span meanwhile. The span finishes with the function;
     * an exception that leaves the function marks it.
     *
     * @param callable $function gets the span
     * @param Span|Context|false|null $parent as in `startSpan()`, like all that follow
     * @return mixed what the function returns
     */
    public function trace(string $name, callable $function, Span|Context|false|null $parent = null, ?string $service = null, ?string $resource = null, ?string $type = null, array $tags = [], ?int $startNs = null): mixed {}

    /**
     * Sends all complete traces and waits until they are acknowledged or dropped.
     *
     * @param int $timeoutMs maximum wait in milliseconds; 0 does not wait
     * @return bool whether no complete trace waits any more
     */
    public function flush(int $timeoutMs = 2000): bool {}

    /**
     * Shuts the tracer down, for this request and all that the process runs at the same time: finished spans are sent,
     * open ones are abandoned and counted. The extension does this when a process ends. The next request of the process
     * gets a new tracer.
     *
     * @param int $timeoutMs maximum time in milliseconds
     * @return bool whether everything was sent, or refused by the agent, in that time
     */
    public function shutdown(int $timeoutMs = 1000): bool {}

    /**
     * Returns the tracer's counters in this process, as spanwire.h describes them: `spans_started`, `spans_sent`,
     * `dropped_queue_full`, …. Empty while tracing is off.
     *
     * @return array<string, int>
     */
    public function stats(): array {}

    /**
     * Returns the settings in force with their origins, as JSON without secrets; `{}` while tracing is off.
     */
    public function configJson(): string {}

    /**
     * Writes a flare to a new file: a zip archive that explains what the tracer does in this process, without secrets.
     * Works without an agent.
     *
     * @param string $path the file, which must not exist
     * @return string|null null if it was written, else why not
     */
    public function writeFlare(string $path): ?string {}

    /**
     * Has the agent pass a flare on to Datadog's support, and waits for its answer.
     *
     * @param string $caseId number of the support case
     * @param string $email the address that the case belongs to
     * @param string|null $hostname null: the name of this host
     * @param int $timeoutMs maximum wait in milliseconds; sending goes on afterwards
     * @return string|null null if the agent accepted it, else why not
     */
    public function sendFlare(string $caseId, string $email, ?string $hostname = null, int $timeoutMs = 10000): ?string {}

    /**
     * Reports to the debug log that the tracing of a library was set up: `Loaded integration …`, which goes to PHP's
     * error log even if a log file is set.
     *
     * @param string $name such as `mysqli`
     * @param string|null $version version of the library
     * @param string|null $status null: loaded; else such as `unavailable` or `error: too old`
     */
    public function reportIntegration(string $name, ?string $version = null, ?string $status = null): void {}
}

/**
 * One operation. It is finished by `finish()`, else when the last variable that holds it is gone, else when the request
 * ends. If an exception removes that variable, the span is marked with the exception. A span that is open when a fatal
 * error or an uncaught exception ends the script is marked with that.
 *
 * On a finished span every method does nothing.
 */
final class Span
{
    /** Spans come from `Tracer::startSpan()`. */
    private function __construct() {}

    /**
     * Sets a tag. The last value of a key replaces earlier ones.
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

    /**
     * Sets a tag with its type, as OpenTelemetry does. The last value of a key replaces earlier ones.
     *
     * The Agent has texts and numbers alone: a boolean becomes `true` or `false`, an integer beyond 2^53 a text, and an
     * array one tag for each value, `key.0`, `key.1` and so on.
     *
     * @param string|int|float|bool|\Stringable|array|null $value an array has values of one type, or integers and floats;
     *        its keys do not count; null removes the tag
     */
    public function setAttribute(string $key, mixed $value): static {}

    /**
     * Sets several tags with their types.
     *
     * @param array<string|int, string|int|float|bool|\Stringable|array|null> $attributes as in `setAttribute()`; null is
     *        left out
     */
    public function setAttributes(array $attributes): static {}

    /**
     * Adds an event: something that happened at one moment of the span.
     *
     * @param array<string|int, string|int|float|bool|\Stringable|array|null> $attributes as in `setAttributes()`, but the
     *        types stay: booleans, integers and arrays arrive as such
     * @param int|null $timeNs when, in nanoseconds since 1970; null: now
     */
    public function addEvent(string $name, array $attributes = [], ?int $timeNs = null): static {}

    /**
     * Adds a link to another span, often of another trace, such as the one that has sent a message.
     *
     * @param Span|Context $to an open span, or a context that came in. Of a span that will be finished by then, keep
     *        `Context::extract($span->inject())`
     * @param array<string|int, string|int|float|bool|\Stringable|array|null> $attributes as in `setAttributes()`; they are
     *        sent as texts
     */
    public function addLink(Span|Context $to, array $attributes = []): static {}

    /**
     * Adds a structured value (`meta_struct`).
     *
     * @param string $bytes a map in MessagePack; anything else is dropped and counted in `tags_dropped`
     */
    public function setMetaStruct(string $key, string $bytes): static {}

    /** Sets a numeric tag. */
    public function setMetric(string $key, float $value): static {}

    /** Removes a tag, text or number. */
    public function removeTag(string $key): static {}

    /** Returns a tag as text, or null if the span has no such tag. */
    public function getTag(string $key): ?string {}

    /** Renames the span. */
    public function setName(string $name): static {}

    /** Sets the service; children that are started later inherit it. */
    public function setService(string $service): static {}

    /** Sets the resource: what the operation works on. */
    public function setResource(string $resource): static {}

    /** Sets the type, such as `web` or `sql`. */
    public function setType(string $type): static {}

    /** Marks the span as failed with this exception: its class, message and stack. */
    public function setError(\Throwable $error): static {}

    /** Marks the span as failed, with type, message and stack. */
    public function setErrorText(string $type, string $message, ?string $stack = null): static {}

    /** Marks the span as failed, or removes the mark. */
    public function setErrorFlag(bool $failed): static {}

    /** Sets the sampling priority of the trace: -1 reject by the user, 0 reject, 1 keep, 2 keep by the user. */
    public function setPriority(int $priority): static {}

    /**
     * Finishes the span.
     *
     * @param int|null $endNs end time in nanoseconds since 1970; null: now
     */
    public function finish(?int $endNs = null): void {}

    /** Ends the span without sending it. */
    public function discard(): void {}

    /** Returns whether this process has started the span and not finished it. */
    public function isOpen(): bool {}

    /** Returns the trace id as 32 hexadecimal digits; null unless the span is open. */
    public function traceId(): ?string {}

    /** Returns the span id in decimal; null unless the span is open. */
    public function spanId(): ?string {}

    /** Returns the kind of system that began the trace, such as `synthetics`; null if it is not known. */
    public function origin(): ?string {}

    /**
     * Returns the headers for a request to another service: those of all styles in `DD_TRACE_PROPAGATION_STYLE_INJECT`.
     * The sampling decision of the trace is made now, if it was not before.
     *
     * @param array<string|int, mixed>|null $headers a variable; gets the headers as well, instead of its own ones of
     *        the same name in any case
     * @return array<string, string> by name, in lower case; empty once the span has finished
     */
    public function inject(?array &$headers = null): array {}

    /**
     * Returns the same headers as lines `name: value`, which `CURLOPT_HTTPHEADER` and the option `header` of
     * `stream_context_create()` take.
     *
     * @return list<string>
     */
    public function injectLines(): array {}

    /**
     * Sets an item of baggage: a text that children of the span get that start later, and that `inject()` sends to
     * other services. It is no tag.
     */
    public function setBaggage(string $key, string $value): static {}

    /** Returns an item of baggage, or null. */
    public function getBaggage(string $key): ?string {}

    /** Removes an item of baggage. Children that have started keep theirs. */
    public function removeBaggage(string $key): static {}

    /**
     * Returns all baggage.
     *
     * @return array<string|int, string> by key; PHP makes an integer of a key such as `'404'`
     */
    public function baggage(): array {}
}

/**
 * What a request from another service carries in its headers: trace id, parent span, sampling decision, origin, tags of
 * the trace, tracestate and baggage. A span that starts with it as its parent continues that trace.
 *
 *     $request = $tracer->startSpan('web.request', parent: Spanwire\Context::extract($_SERVER), activate: true);
 *
 * docs/propagation.md has the rules.
 */
final class Context
{
    /** Contexts come from `extract()`. */
    private function __construct() {}

    /**
     * Reads the context of a request.
     *
     * @param array<string|int, mixed> $headers `$_SERVER`, `getallheaders()`, or the headers of a PSR-7 message: values
     *        by name in any case, or lists of values. An array with `REQUEST_METHOD` is taken for `$_SERVER`: of it, only
     *        names that begin with `HTTP_` count
     * @param Tracer|null $tracer whose settings apply; null: `Tracer::get()`
     * @return Context|null null if the headers carry none, or tracing is off
     */
    public static function extract(array $headers, ?Tracer $tracer = null): ?Context {}

    /** Returns the trace id as 32 hexadecimal digits; null if the headers carried only baggage. */
    public function traceId(): ?string {}

    /** Returns the parent span's id in decimal; null if there is none. */
    public function spanId(): ?string {}

    /** Returns the sampling priority as in `Span::setPriority()`; null if the headers did not carry one. */
    public function priority(): ?int {}

    /** Returns the kind of system that began the trace, such as `synthetics`; null if the headers did not say it. */
    public function origin(): ?string {}

    /**
     * Returns the headers that pass the context on as if this process were not there, for a proxy that starts no span.
     *
     * @param array<string|int, mixed>|null $headers a variable; gets the headers as well, instead of its own ones of
     *        the same name in any case
     * @return array<string, string> by name, in lower case; empty if the context has nothing to send
     */
    public function inject(?array &$headers = null): array {}

    /**
     * Returns the same headers as lines `name: value`, which `CURLOPT_HTTPHEADER` and the option `header` of
     * `stream_context_create()` take.
     *
     * @return list<string>
     */
    public function injectLines(): array {}

    /**
     * Sets an item of baggage: a text that spans get that start with this context later, and that `inject()`
     * sends to other services. It is no tag.
     */
    public function setBaggage(string $key, string $value): static {}

    /** Returns an item of baggage, or null. */
    public function getBaggage(string $key): ?string {}

    /** Removes an item of baggage. */
    public function removeBaggage(string $key): static {}

    /**
     * Returns all baggage.
     *
     * @return array<string|int, string> by key; PHP makes an integer of a key such as `'404'`
     */
    public function baggage(): array {}
}

/** Returns whether the library is loaded. If not, a warning at the start of PHP gave the reason. */
function available(): bool {}

/** Returns the version of the loaded library, or null. */
function version(): ?string {}

/**
 * Returns the current span of this fiber: the latest open one of `trace()`, or of `startSpan()` with `activate: true`. It is
 * the parent of spans that name none.
 */
function current_span(): ?Span {}

/** Returns the current span's trace id as `dd.trace_id` in logs, or null. */
function trace_id(): ?string {}

/** Returns the current span's id as `dd.span_id` in logs, or null. */
function span_id(): ?string {}

/**
 * Returns the fields that connect a line of the application's log with its trace: `dd.trace_id=… dd.span_id=…
 * dd.service=… dd.env=… dd.version=…` of the current span; without one, the fields without ids. Empty while tracing is
 * off, and with `DD_LOGS_INJECTION=false`.
 *
 * @param bool $json true: the same as members of a JSON object, without its braces
 */
function log_correlation(bool $json = false): string {}

/**
 * Returns what became of a trace in this process: whether it is open, waits, was sent or dropped, and why. The process
 * knows its last 16,384 traces. spanwire.h describes the fields of `spanwire_fate`.
 *
 * - `state`: `unknown`, `open`, `queued`, `in_flight`, `sent`, `dropped`, `abandoned` (its spans were open at shutdown) or
 *   `discarded`
 * - `text`: all of it in one English sentence, for people
 * - `dropped`: why spans were dropped last: `queue_full`, `memory`, `unreachable`, `refused`, `too_large`, `shutdown`,
 *   `invalid` or `unknown_fate`
 * - `rule`: which setting decided: the place in `DD_TRACE_SAMPLING_RULES`, from 1; `sample_rate` for
 *   `DD_TRACE_SAMPLE_RATE`; `minute` for `DD_APM_TRACING_ENABLED=false`
 *
 * @param string $traceId 32 hexadecimal digits, as from `Span::traceId()`; or its lower half alone, as 16 hexadecimal
 *        digits or in decimal, as `trace_id()` returns it where logs have ids of 64 bits
 * @return array{state: string, text: string, trace_id: ?string, dropped: ?string, spans_open: int, spans_waiting: int,
 *         spans_pending: int, spans_sent: int, spans_dropped: int, attempts_failed: int, http_status: ?int,
 *         error_number: ?int, priority: ?int, mechanism: ?int, rule: int|string|null, rate: ?float, limited: bool,
 *         decided_elsewhere: bool, handed_ns: ?int, changed_ns: ?int}|null null if the text is no trace id, or the library
 *         is not loaded
 */
function trace_fate(string $traceId): ?array {}

/** Returns whether debug mode is on: a log line for each span, chunk and payload. */
function debug(): bool {}

/** Turns debug mode on or off for the whole process. */
function set_debug(bool $enabled): void {}

/** Turns debug mode on for this many seconds; 0 ends a running limited time. */
function set_debug_for(int $seconds): void {}

/**
 * Sets the log level in force while debug mode is off.
 *
 * @param string $level `off`, `error`, `warning`, `info`, `debug` or `trace`
 * @return bool whether the level is valid
 */
function set_log_level(string $level): bool {}

/**
 * Adds a record to the tracer's log.
 *
 * @param string $level as in `set_log_level()`, without `off`
 * @param string $target the part of the host that logs
 * @return bool whether the level is valid
 */
function log(string $level, string $message, string $target = 'php'): bool {}

/**
 * Sets where log records go until the request ends: to a callable, or to the method `log` of a logger. The arguments
 * are PSR-3's: level, message, and a context of `target`, `time_ns` and `lost`, the number of records lost before this
 * one. The message has no time; a logger adds that itself. Without a logger, records go to PHP's error log, unless a
 * log file is set.
 *
 * Records are handed over by `drain_log()` and at the end of the request, never in between. An exception in the logger
 * is discarded and counted by `logger_failures()`; its record goes to the error log.
 *
 * @param callable|object|null $logger null: the error log again
 * @return bool whether the logger can be called
 */
function set_logger(mixed $logger): bool {}

/** Hands over the waiting records and returns their number. */
function drain_log(): int {}

/**
 * Takes the waiting records, instead of handing them to a logger.
 *
 * @param int $max maximum number; 0: all that wait
 * @return list<array{level: string, target: string, message: string, time_ns: int, lost: int}>
 */
function take_log(int $max = 0): array {}

/** Returns how many records a logger of this process has failed to take. */
function logger_failures(): int {}
