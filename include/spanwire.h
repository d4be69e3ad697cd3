/**
 * @file spanwire.h
 *
 * Spanwire is a tracer core. A host (a server, a PHP extension, a Ruby gem, …) describes its work as spans: operations
 * with a start, a duration, a parent and tags. Spanwire collects the spans of a trace, keeps them in a bounded queue,
 * and sends them to a Datadog Agent from a thread of its own. It does not harm the host, delay a request or grow
 * without bound, and it counts everything that it drops.
 *
 * This file is the manual. It is written from src/abi/ by `cargo test --test header -- --bless`.
 *
 * The first program
 * -----------------
 *
 *     #include <spanwire.h>
 *
 *     int main(void) {
 *         spanwire_tracer tracer;
 *         spanwire_setting settings[] = {{"DD_SERVICE", "shop"}, {"DD_TRACE_AGENT_URL", "file:///dev/stdout"}};
 *         if (spanwire_tracer_new(settings, 2, &tracer, NULL) != SPANWIRE_OK) return 1;
 *
 *         spanwire_span checkout = spanwire_span_start(tracer, 0, "checkout");
 *         spanwire_span payment = spanwire_span_start(tracer, checkout, "payment");
 *         spanwire_span_set_tag(payment, "card", "visa");
 *         spanwire_span_finish(payment);
 *         spanwire_span_finish(checkout);
 *
 *         return spanwire_tracer_shutdown(tracer, 2000) == SPANWIRE_OK ? 0 : 1;
 *     }
 *
 * It prints the trace. With the URL of an agent, or without that setting, it sends the trace. Build it with
 * -lspanwire.
 *
 * Names
 * -----
 * Functions are spanwire_<noun>_<verb>, types spanwire_<noun>, constants SPANWIRE_<NOUN>_<NAME>. A function that ends
 * in _n does the same as the one without _n and takes the lengths of its texts. A function that ends in _with takes a
 * structure of options. No macro or inline function is needed, so that any language can use this interface.
 *
 * Statuses
 * --------
 * Most functions return a spanwire_status: SPANWIRE_OK, which is 0, or a negative SPANWIRE_E_ code, whose number never
 * changes. Span calls need no check: a start that fails returns span 0, and every call that changes or finishes a span
 * accepts 0, does nothing and returns SPANWIRE_OK. Check spanwire_tracer_new() and spanwire_tracer_shutdown(). Every
 * function may also return SPANWIRE_E_PANIC; see "Failure".
 *
 * Handles
 * -------
 * Tracers, spans, contexts that came in and sinks are numbers below 2^53, so that a double holds them; 0 is none. A
 * handle that is no longer valid, or never was, is recognised: the call returns a status and does no harm.
 *
 * Text in
 * -------
 * Text is UTF-8. Invalid bytes are replaced by U+FFFD and counted; a text that is too long is cut at a character and
 * counted. A text without a length parameter is NUL-terminated. Lengths are in bytes; the length SPANWIRE_NUL means
 * that the text is NUL-terminated. All text is copied before the call returns.
 *
 * Text out
 * --------
 * Text goes into the caller's buffer, with a NUL. `need`, if not NULL, receives the bytes of the text and its NUL,
 * whether they fit or not. If they are more than `capacity`, the buffer gets the empty text and the call returns
 * SPANWIRE_E_LIMIT. A NULL buffer only asks for the size and returns SPANWIRE_OK; with `need` NULL as well it is
 * SPANWIRE_E_ARGUMENT. spanwire_log_drain() differs: it writes as many lines as fit.
 *
 * Structures
 * ----------
 * Most structures begin with their `size` and may grow at the end. Set every field to zero, then `size` to the sizeof
 * of the structure: zero means "not given" everywhere. The program then works with a newer library too, which reads or
 * fills the fields that the program knows. With an older library, fields that it does not know must be zero, else the
 * call returns SPANWIRE_E_VERSION. spanwire_setting, spanwire_tag and spanwire_metric have no size and never change.
 *
 * Threads
 * -------
 * Every function may be called from any thread at any time, with one exception: not spanwire_tracer_flush() and
 * spanwire_tracer_shutdown() from a log sink's callback. Calls on one span are serialised. A call that finishes or
 * discards a span does not wait for another call on it: the span then ends when that call returns. The library has a
 * few threads: one that sends, for each agent address (normally one), started with the first span; one that writes the
 * log, if the log goes to a file, to standard error or to sinks; one that looks up host names. All signals are blocked
 * in them. No function may be called from a signal handler: the handler may have interrupted malloc.
 *
 * No function is a cancellation point: a thread that is cancelled by pthread_cancel() during a call ends after the
 * call; waits and callbacks inside the call are not cut short. A thread whose cancellation type is
 * PTHREAD_CANCEL_ASYNCHRONOUS must not call the library.
 *
 * Blocking
 * --------
 * "Blocks: never" means that the call does not wait for the network, for a file, or for a lock that is held during
 * either. Functions that wait take a timeout or document how long: spanwire_tracer_flush(),
 * spanwire_tracer_shutdown(), spanwire_flare_send(), spanwire_log_remove_sink(). The others document what takes time
 * in them.
 *
 * Fork
 * ----
 * A forked child needs no call. It keeps tracers under their handles, settings and sinks, and starts with an empty
 * queue, counters at 0 and no threads. The parent sends what waits in the parent. A span that the parent had open can
 * be the parent of spans in the child, but only the parent process can change and finish it: SPANWIRE_E_FORKED. The
 * child's first call closes the descriptors that the library had open in the parent, and frees what is left of older
 * generations, so that memory and descriptors do not grow with the depth of forks.
 *
 * Descriptors
 * -----------
 * All descriptors of the library are above 2 and closed by exec. A host may close any of them and open its own under
 * the same number: the library notices, does not touch it, and opens another one when needed. The library writes to
 * standard error only if descriptor 2 leads where it led at the first call, or to something that looks like another
 * output: a terminal, pipe or device, a file opened for appending, or the file that is also standard output.
 *
 * Exit
 * ----
 * The library does nothing at exit. A process that wants its last spans delivered calls spanwire_tracer_shutdown()
 * before, with the time that it can spare. Once loaded, the library stays: dlclose() does not unmap it.
 *
 * Memory
 * ------
 * All memory of spans (open, waiting or queued) has one limit, the setting SPANWIRE_MEMORY_MAX. Open spans may use
 * three quarters of it, so that a started span finds room when it is finished. At a limit, spans and tags are refused
 * or dropped, and counted in spanwire_stats by reason. `memory_used` there is what counts against the limit: the table
 * of spans, about 400 bytes for each span of the highest number open at once, which stays; texts and tags of open
 * spans; finished spans that wait, are queued or are being sent; and buffers kept for later spans, which are freed
 * after a minute without use and at shutdown. It includes what the allocator adds to each block, but not the
 * allocator's own free memory, which grows with the number of threads. No function returns memory that must be freed;
 * static texts stay valid.
 *
 * Stack
 * -----
 * Span, context and submit calls need at most 8 KiB of stack, spanwire_flare_write() 96 KiB, all others at most 32 KiB.
 * A coroutine or a thread with a small stack can make them, also as the first call of a process or of a forked child.
 * Debug mode needs more, and so do callbacks of the host, which run on top.
 *
 * Failure
 * -------
 * No call throws, unwinds or leaves by longjmp, and errno is unchanged. A caught internal error is returned as
 * SPANWIRE_E_PANIC and logged; after a few of them the library turns itself off and logs that.
 *
 * Each function documents which threads may call it, whether it blocks, what a fork means for it, since which version
 * it exists, and, where it matters, ownership.
 */
#ifndef SPANWIRE_H
#define SPANWIRE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * =====================================================================================================================
 * Version
 * =====================================================================================================================
 *
 * Which library is loaded. A linked program does not need this. A binding that loads the library at run time first
 * checks that it has the interface that the binding was built for:
 *
 *     if (spanwire_abi_version() != SPANWIRE_ABI_VERSION) return;
 */

/**
 * Version of the interface that this header describes. Additions do not change it: new functions, new settings, new
 * fields at the end of structures that have a `size`. It changes when something that existed changes.
 */
#define SPANWIRE_ABI_VERSION 0

/**
 * Returns the version of this library, for people and logs.
 *
 * @return a static text such as "0.1.0", never NULL
 *
 * Ownership: the library's; valid until the process ends.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
const char *spanwire_version(void);

/**
 * Returns the version of the interface of the loaded library. A binding that was built for another number must not
 * call any other function.
 *
 * @return `SPANWIRE_ABI_VERSION` of the loaded library; it may differ from this header's
 *
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
uint32_t spanwire_abi_version(void);

/*
 * =====================================================================================================================
 * Status
 * =====================================================================================================================
 *
 * Results of calls. Compare with SPANWIRE_OK; all other numbers are negative, and new ones may be added. Each function
 * documents which of them it returns and why.
 */

/**
 * Result of a call: `SPANWIRE_OK`, or a negative number that says why the call failed. A number never changes its
 * meaning. New numbers may be added: a program must accept numbers that it does not know.
 */
typedef int32_t spanwire_status;

/** Success. */
#define SPANWIRE_OK 0

/** Invalid argument: NULL where a value is required, a length beyond half the address space, an empty key. */
#define SPANWIRE_E_ARGUMENT (-1)

/** The handle is freed or finished, of another kind, or was never given out. */
#define SPANWIRE_E_HANDLE (-2)

/** The parent process started this span before a fork; only the parent can change it. */
#define SPANWIRE_E_FORKED (-3)

/** The tracer was shut down. */
#define SPANWIRE_E_CLOSED (-4)

/** The `size` of a structure belongs to no version that this library knows. */
#define SPANWIRE_E_VERSION (-5)

/** There is no such tag, sink or record. */
#define SPANWIRE_E_NOT_FOUND (-6)

/** A documented limit is reached, or the caller's buffer is too small. */
#define SPANWIRE_E_LIMIT (-10)

/** `SPANWIRE_MEMORY_MAX` is reached, or the system has no memory for span data. */
#define SPANWIRE_E_MEMORY (-11)

/** Not done within the given time. */
#define SPANWIRE_E_TIMEOUT (-20)

/**
 * Another thread has been inside a call on this span for 100 ms. Calls that finish or discard a span never return
 * this. (No function may be called from a signal handler.)
 */
#define SPANWIRE_E_BUSY (-21)

/**
 * A file could not be written, or the Agent was not reached or refused; the message of `spanwire_error` says which.
 */
#define SPANWIRE_E_IO (-22)

/** An internal error was caught before it reached the host; the log has its message. */
#define SPANWIRE_E_PANIC (-30)

/**
 * Returns the meaning of a status as an English phrase without a full stop.
 *
 * @param status  any number
 *
 * @return a static text, never NULL; for an unknown number a text that says so
 *
 * Ownership: the library's; valid until the process ends.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
const char *spanwire_status_text(spanwire_status status);

/*
 * =====================================================================================================================
 * Tracers
 * =====================================================================================================================
 *
 * A tracer is a set of settings, with the agent that they name and counters of its own. A process makes one when it
 * starts and shuts it down before it ends. Making one from an equal list returns the same tracer, so a host without a
 * place to keep it, such as a PHP script, makes it in every request.
 *
 * Settings are texts with documented names, so that a new setting does not change this interface. The host's list
 * overrides the environment, except for names that begin with `default:`, which the environment overrides.
 *
 *     const spanwire_setting settings[] = {{"DD_SERVICE", "shop"}, {"default:DD_AGENT_HOST", "agent.local"}};
 *     spanwire_error error = {0};
 *     error.size = sizeof error;
 *     if (spanwire_tracer_new(settings, 2, &tracer, &error) != SPANWIRE_OK) fprintf(stderr, "%s\n", error.message);
 */

/**
 * Handle of a tracer, a number below 2^53; 0 is none. It is not a pointer: an invalid handle gets an error status.
 */
typedef uint64_t spanwire_tracer;

/** One setting: a documented name and its value, both NUL-terminated UTF-8. This structure never changes. */
typedef struct spanwire_setting {
    /** `DD_SERVICE`, `SPANWIRE_FLUSH_INTERVAL_MS`, …; `default:DD_SERVICE` ranks below the environment. */
    const char *name;
    /** The value, written as in an environment variable; NULL and "" mean "not set". */
    const char *value;
} spanwire_setting;

/** A status with a sentence for people. */
typedef struct spanwire_error {
    /** `sizeof(spanwire_error)`, set by the caller. */
    size_t size;
    /** The status that the call returned. */
    spanwire_status status;
    /** What failed and what to do, NUL-terminated; empty after success. */
    char message[244];
} spanwire_error;

/**
 * Counters of a tracer. When no call is under way, these hold exactly:
 *
 *     started  = finished + open + abandoned + discarded
 *     finished = waiting + queued + in flight + sent + dropped,   dropped = the sum of the reasons
 *
 * While other threads start and finish spans, a snapshot may be off by the spans of those calls. In a forked child all
 * counters begin at 0.
 */
typedef struct spanwire_stats {
    /** `sizeof(spanwire_stats)`, set by the caller. */
    size_t size;
    /** Spans started, including submitted ones. */
    uint64_t spans_started;
    /** Spans finished. */
    uint64_t spans_finished;
    /** Spans that are open now. */
    uint64_t spans_open;
    /** Spans that were still open at shutdown; they are not sent. */
    uint64_t spans_abandoned;
    /** Spans passed to spanwire_span_discard(). */
    uint64_t spans_discarded;
    /** Finished spans whose trace still has open spans. */
    uint64_t spans_waiting;
    /** Finished spans in the queue. */
    uint64_t spans_queued;
    /** Finished spans in the payload that is being sent. */
    uint64_t spans_in_flight;
    /** Finished spans in payloads that the agent answered with 2xx. */
    uint64_t spans_sent;
    /** Finished spans that were dropped, for any reason. */
    uint64_t spans_dropped;
    /** Dropped because the queue was full (`SPANWIRE_QUEUE_MAX`, `SPANWIRE_QUEUE_MAX_CHUNKS`). */
    uint64_t dropped_queue_full;
    /** Dropped because `SPANWIRE_MEMORY_MAX` was reached. */
    uint64_t dropped_memory;
    /**
     * Dropped because the agent could not be reached for `SPANWIRE_RETRY_FOR_MS`, or refused a connection during a
     * shutdown.
     */
    uint64_t dropped_unreachable;
    /** Dropped because the agent answered with a status that is not retried, or kept answering with one that is. */
    uint64_t dropped_refused;
    /** Dropped because one span alone is larger than the agent accepts. */
    uint64_t dropped_too_large;
    /** Dropped because the time of a shutdown ended before they were sent. */
    uint64_t dropped_shutdown;
    /** Dropped because a submitted record had no ids or was cut short, or because an internal error stopped a batch. */
    uint64_t dropped_invalid;
    /** Dropped because the payload was sent but never answered; the agent may have received it. */
    uint64_t dropped_unknown_fate;
    /** Spans that could not be started: the tracer was shut down, or memory was short. Not part of `spans_started`. */
    uint64_t starts_refused;
    /** Payloads answered with 2xx; lines, where the agent is a file. */
    uint64_t payloads_sent;
    /**
     * Attempts that were sent at least in part and never answered. The spans of a retried one may have arrived twice.
     */
    uint64_t payloads_unknown;
    /** Attempts that failed or were refused. */
    uint64_t attempts_failed;
    /** Bytes of the payloads answered with 2xx. */
    uint64_t bytes_sent;
    /** Texts that were not UTF-8 and were repaired with U+FFFD. */
    uint64_t texts_repaired;
    /** Texts that were longer than their limit and were cut. */
    uint64_t texts_cut;
    /** Tags that were dropped: invalid, over a limit, no memory, or the span was busy. */
    uint64_t tags_dropped;
    /** Spans started under a parent that had finished or never existed; each is the root of a new trace. */
    uint64_t parents_unknown;
    /** Bytes that spans use now, for all tracers of the process; see "Memory" above. */
    uint64_t memory_used;
    /** Limit of `memory_used`: `SPANWIRE_MEMORY_MAX` of the first tracer. */
    uint64_t memory_max;
} spanwire_stats;

/**
 * Maximum number of tracers of a process. A freed tracer does not count, even while its spans are still being sent.
 */
#define SPANWIRE_TRACERS_MAX 64

/**
 * Makes a tracer. If an equal list made one before that is not shut down, returns that one. Opens no connection,
 * starts no thread.
 *
 * Settings come from the list, then the environment, then defaults; docs/settings.md lists them. An invalid value is a
 * warning in the log, the next source's value is used, and the call still succeeds.
 *
 * The environment is read here, on the calling thread, and not again. Other threads may change it during the call; a
 * variable that they change has its old or its new value. Two exceptions: when the agent's host name is looked up, on
 * a thread of the library, the C library reads RES_OPTIONS, LOCALDOMAIN and HOSTALIASES (an address, `localhost` or a
 * Unix socket needs no look-up). In a program that links the static library, this call reads the variables of HTTP
 * proxies by getenv(), without using them: there no other thread may change the environment during the call.
 *
 * @param settings  an array of `count` settings; NULL if `count` is 0
 * @param count     number of settings
 * @param out       receives the tracer; 0 on failure
 * @param error     receives the status and a sentence; may be NULL
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `out` is NULL, a setting has no name, or `settings` is NULL and `count` is not 0
 *         SPANWIRE_E_LIMIT    the process has SPANWIRE_TRACERS_MAX tracers with other settings, or still sends spans
 *                             of freed tracers to as many other agents
 *
 * Ownership: copies all texts. Call spanwire_tracer_free() once for each success.
 * Threads:   any.
 * Blocks:    for a few reads of files under /proc and /sys; never for the network.
 * Fork:      the tracer works in a forked child under the same handle, with an empty queue and counters at 0.
 * Since:     0.1
 */
spanwire_status spanwire_tracer_new(
    const spanwire_setting *settings, size_t count, spanwire_tracer *out, spanwire_error *error);

/**
 * Starts the tracer's worker thread now. Without this call the first span starts it. Does nothing if DD_TRACE_ENABLED
 * is off.
 *
 * @param tracer  a tracer
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE  `tracer` is freed, or was never a tracer
 *         SPANWIRE_E_CLOSED  it was shut down
 *         SPANWIRE_E_LIMIT   the system gives no further thread; the next span or flush tries again
 *
 * Threads:   any.
 * Blocks:    while one thread is created; that thread has all signals blocked.
 * Fork:      a child has no such thread; its first span starts one.
 * Since:     0.1
 */
spanwire_status spanwire_tracer_start(spanwire_tracer tracer);

/**
 * Frees a tracer once. After as many calls as spanwire_tracer_new() returned it, the tracer ends and its handle
 * becomes invalid: open spans are abandoned and counted, finished spans are still sent in the background.
 *
 * @param tracer  a tracer; 0 does nothing
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE  `tracer` is freed, or was never a tracer
 *
 * Threads:   any, also while spans are open.
 * Blocks:    up to 10 ms to abandon open spans; the worker abandons the rest of very many. To make sure that spans are
 *            sent, call spanwire_tracer_shutdown() first.
 * Fork:      frees the child's tracer only.
 * Since:     0.1
 */
spanwire_status spanwire_tracer_free(spanwire_tracer tracer);

/**
 * Sends all complete traces of this tracer, and waits until each is acknowledged or dropped. Finished spans of traces
 * that still have open spans are not sent; spanwire_tracer_shutdown() sends those. A flush may shorten the wait
 * between two attempts, but not a wait that the agent asked for with `Retry-After`.
 *
 * @param tracer      a tracer
 * @param timeout_ms  maximum wait in milliseconds; 0 requests the flush without waiting
 *
 * @return SPANWIRE_OK        no complete trace waits any more; spanwire_tracer_stats() has what was dropped
 *         SPANWIRE_E_TIMEOUT the time is over; sending goes on in the background
 *         SPANWIRE_E_LIMIT   at once: the system gives no thread for the worker, so nothing can be sent. Spans stay in
 *                            the queue, and the log says so (`limits.threads`)
 *         SPANWIRE_E_HANDLE  `tracer` is freed, or was never a tracer
 *         SPANWIRE_E_CLOSED  it was shut down
 *
 * Threads:   any, but not from a log sink's callback.
 * Blocks:    up to `timeout_ms`.
 * Fork:      a child waits for its own spans only. Call it before exec and before daemon(3), which end the process
 *            without its exit handlers.
 * Since:     0.1
 */
spanwire_status spanwire_tracer_flush(spanwire_tracer tracer, uint32_t timeout_ms);

/**
 * Shuts a tracer down. No further span can be started. Open spans are abandoned, counted, and named in one warning.
 * Finished spans are sent, also those of incomplete traces. Spans not sent when the time is over are dropped and
 * counted as `dropped_shutdown`. If the agent refuses connections (no process listens, or the socket does not exist),
 * the shutdown ends after one such attempt, and the rest is counted as `dropped_unreachable`. Idempotent.
 *
 * @param tracer      a tracer; it is shut down for all who share it
 * @param timeout_ms  maximum time in milliseconds
 *
 * @return SPANWIRE_OK        everything that was finished was acknowledged, or refused by the agent
 *         SPANWIRE_E_TIMEOUT not everything was delivered: the time is over, or the agent refuses connections. The
 *                            rest is dropped. The spans of a request that is still under way count as in flight until
 *                            it ends, and the log's last line counts them as of unknown fate. If a million spans were
 *                            open, those not yet abandoned count as open until the worker has abandoned them
 *         SPANWIRE_E_LIMIT   at once: the system gives no thread for the worker, and the rest is dropped
 *         SPANWIRE_E_HANDLE  `tracer` is freed, or was never a tracer
 *
 * Threads:   any, but not from a log sink's callback.
 * Blocks:    up to `timeout_ms`, and up to 100 ms more for the last counters and the log.
 * Fork:      a child shuts down its own tracer only. The library does nothing at exit: a process that wants its last
 *            spans delivered calls this function.
 * Since:     0.1
 */
spanwire_status spanwire_tracer_shutdown(spanwire_tracer tracer, uint32_t timeout_ms);

/**
 * Copies a tracer's counters. They stay readable after a shutdown, until the tracer is freed.
 *
 * @param tracer  a tracer
 * @param out     receives as many fields as its `size` holds; the caller sets `size`
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
 *         SPANWIRE_E_ARGUMENT `out` is NULL
 *         SPANWIRE_E_VERSION  `out->size` is not set
 *
 * Threads:   any.
 * Blocks:    never; its time grows with the number of traces that have open spans.
 * Fork:      a child's counters begin at 0.
 * Since:     0.1
 */
spanwire_status spanwire_tracer_stats(spanwire_tracer tracer, spanwire_stats *out);

/**
 * Writes the tracer's settings as one JSON object: the fields of the start-up line, and under "settings" each setting
 * with its value and its origin. Secrets are redacted. Values that remote configuration has changed are those in force
 * now,
 * with the origin "remote_config".
 *
 * @param tracer    a tracer
 * @param buffer    receives the text and a NUL; NULL only asks for the size
 * @param capacity  size of the buffer in bytes
 * @param need      receives the bytes needed, including the NUL; may be NULL if `buffer` is not
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_LIMIT    the buffer is too small; it holds the empty text
 *         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
 *         SPANWIRE_E_ARGUMENT `buffer` and `need` are both NULL
 *
 * Ownership: the buffer is the caller's.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
spanwire_status spanwire_tracer_config_json(spanwire_tracer tracer, char *buffer, size_t capacity, size_t *need);

/**
 * Reports to the debug log that the host has set up an integration, which traces a library.
 *
 * @param tracer   a tracer
 * @param name     such as "mysqli"; not NULL
 * @param version  version of the integrated library; NULL if unknown
 * @param status   such as "loaded" or "disabled"; NULL for "loaded"
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
 *         SPANWIRE_E_ARGUMENT `name` is NULL
 *
 * Ownership: copies the texts.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
spanwire_status spanwire_tracer_report_integration(
    spanwire_tracer tracer, const char *name, const char *version, const char *status);

/*
 * =====================================================================================================================
 * Contexts
 * =====================================================================================================================
 *
 * A context is what children need of a span: its ids and the sampling decision of its trace. It is a value that may be
 * stored, copied and sent, and it stays valid after the span has finished. spanwire_span_context() fills one; the
 * options of a new span take one as its parent:
 *
 *     spanwire_context context = {0};
 *     context.size = sizeof context;
 *     spanwire_span_context(span, &context);
 *
 *     spanwire_span_options options = {0};
 *     options.size = sizeof options;
 *     options.parent_context = &context;
 *     options.name = "send.receipt";
 *     options.name_len = SPANWIRE_NUL;
 *     spanwire_span_start_with(tracer, &options, &other);
 */

/** `sampling_priority` and `decision_maker` of a context are set. Without this flag the trace is decided anew. */
#define SPANWIRE_CONTEXT_HAS_PRIORITY 1

/**
 * What a span passes to children elsewhere: its ids and the sampling decision of its trace, by value. It stays valid
 * after the span has finished, so children that start late (asynchronous work) use it as their parent. It may cross
 * threads, forks and processes.
 */
typedef struct spanwire_context {
    /** `sizeof(spanwire_context)`, set by the caller before every use. */
    size_t size;
    /** High half of the trace id; 0 for an id of 64 bits. */
    uint64_t trace_id_high;
    /** Low half of the trace id; not 0. */
    uint64_t trace_id_low;
    /** Id of the span that is the parent of its children; not 0. */
    uint64_t span_id;
    /** -1 rejected by the user, 0 rejected, 1 kept, 2 kept by the user. */
    int32_t sampling_priority;
    /** Sampling mechanism, the negative number of `_dd.p.dm`: 0 by default, -4 by the user. */
    int32_t decision_maker;
    /** `SPANWIRE_CONTEXT_HAS_PRIORITY`, or 0. */
    uint32_t flags;
    /** 0. */
    uint32_t reserved;
} spanwire_context;

/** Handle of a context that came in, a number below 2^53; 0 is none. */
typedef uint64_t spanwire_context_handle;

/** Maximum number of contexts that are kept. One more frees the oldest. */
#define SPANWIRE_CONTEXTS_MAX 4096

/**
 * A header: name and value. A length is in bytes; `SPANWIRE_NUL` means that the text is NUL-terminated. This structure
 * never changes.
 */
typedef struct spanwire_header {
    /** The name, in any case, or in the form of CGI: `HTTP_X_DATADOG_TRACE_ID`. */
    const char *name;
    /** Length of the name. */
    size_t name_len;
    /** The value. */
    const char *value;
    /** Length of the value. */
    size_t value_len;
} spanwire_header;

/**
 * Reads the context that a request carries in its headers, for spanwire_span_options.context_handle: trace id, parent,
 * sampling decision, origin, tags of the trace, tracestate, baggage, and links to contexts that are not continued.
 *
 * Give all headers of the request: others are skipped. Which are read, and which of several contexts wins, say the
 * settings DD_TRACE_PROPAGATION_STYLE_EXTRACT, DD_TRACE_PROPAGATION_EXTRACT_FIRST and
 * DD_TRACE_PROPAGATION_BEHAVIOR_EXTRACT; docs/propagation.md has the rules. Headers that are malformed or too long
 * count
 * as absent. The work is proportional to the number of headers and to the length of those that are read.
 *
 * A context may have no ids, only baggage, a sampling decision or a link: a span that is started with it begins a new
 * trace with these.
 *
 * At most SPANWIRE_CONTEXTS_MAX contexts, and 8 MiB of their texts, are kept. Beyond that the oldest is freed. So a
 * host
 * that frees none needs bounded memory, and may use each of them for a while.
 *
 * @param tracer   the tracer whose settings apply
 * @param headers  an array of `count` headers; NULL if `count` is 0. A header whose name or value is NULL is skipped
 * @param count    number of headers
 * @param out      receives the context; 0 if the headers have none, or DD_TRACE_ENABLED is off
 *
 * @return SPANWIRE_OK         also if there is no context
 *         SPANWIRE_E_ARGUMENT `out` is NULL, `headers` is NULL and `count` is not 0, or a length is beyond half the
 *                             address space
 *         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
 *         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached
 *
 * Ownership: copies what it keeps. Free the context with spanwire_context_free(), right after the span has started or
 *            later.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      a child uses contexts of its parent, except for changes of baggage. If another thread was changing the
 *            context at the fork, they count as freed.
 * Since:     0.1
 */
spanwire_status spanwire_context_extract(
    spanwire_tracer tracer, const spanwire_header *headers, size_t count, spanwire_context_handle *out);

/**
 * Frees a context. Spans that were started with it keep what they have of it.
 *
 * @param context  a context; 0 does nothing and returns SPANWIRE_OK
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE `context` is freed, or was never a context
 *         SPANWIRE_E_BUSY   another thread has been inside a call on it for 100 ms
 *
 * Threads:   any.
 * Blocks:    never.
 * Fork:      for a context of the parent it does nothing and returns SPANWIRE_OK.
 * Since:     0.1
 */
spanwire_status spanwire_context_free(spanwire_context_handle context);

/**
 * Writes ids and sampling decision of a context that came in.
 *
 * @param context  a context
 * @param out      receives them; set its `size` to `sizeof(spanwire_context)` first. `span_id` is 0 if the trace has no
 *                 parent span
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_NOT_FOUND it has no ids, or `context` is 0
 *         SPANWIRE_E_HANDLE    `context` is freed, or was never a context
 *         SPANWIRE_E_ARGUMENT  `out` is NULL
 *         SPANWIRE_E_VERSION   `out->size` is invalid
 *         SPANWIRE_E_FORKED    a thread of the parent process was changing it at the fork
 *         SPANWIRE_E_BUSY      another thread has been inside a call on it for 100 ms
 *
 * Ownership: the structure is the caller's.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      also for contexts of the parent.
 * Since:     0.1
 */
spanwire_status spanwire_context_get(spanwire_context_handle context, spanwire_context *out);

/*
 * =====================================================================================================================
 * Spans
 * =====================================================================================================================
 *
 * A span is one operation: started, described, finished. A trace is a span without a parent and all its descendants;
 * it is sent when the last of them has finished. Every span must be finished or discarded, on any thread.
 *
 *     spanwire_span query = spanwire_span_start(tracer, span, "mysql.query");
 *     spanwire_span_set_type(query, "sql");
 *     spanwire_span_set_resource(query, "SELECT name FROM goods WHERE id = ?");
 *     spanwire_span_set_metric(query, "db.row_count", 12);
 *     spanwire_span_finish(query);
 *
 * If each call is expensive, as through an FFI, spanwire_span_start_with() takes everything at once.
 */

/** Passed as the length of a NUL-terminated text, which the library then measures. */
#define SPANWIRE_NUL ((size_t)-1)

/** Handle of a span, a number below 2^53; 0 is no span: every function accepts it and does nothing. */
typedef uint64_t spanwire_span;

/** Maximum number of tags of a span, text and numeric tags together. */
#define SPANWIRE_SPAN_TAGS_MAX 1024

/** Maximum length of a tag's key in bytes. A longer key is cut at a character and counted. */
#define SPANWIRE_TAG_KEY_MAX 200

/** Maximum length of a text tag's value in bytes. A longer value is cut at a character and counted. */
#define SPANWIRE_TAG_VALUE_MAX 25000

/** Maximum length of a resource in bytes. A longer resource is cut at a character and counted. */
#define SPANWIRE_RESOURCE_MAX 5000

/** Maximum length of a name, service or type in bytes. A longer one is cut at a character and counted. */
#define SPANWIRE_NAME_MAX 200

/** Maximum length of a structured value in bytes. A longer value is rejected. */
#define SPANWIRE_META_STRUCT_MAX 1048576

/** For spanwire_span_id_text(): the trace id as 32 lower-case hexadecimal digits. */
#define SPANWIRE_ID_TRACE_HEX 0

/**
 * For spanwire_span_id_text(): the trace id as in `dd.trace_id` of logs: 32 hexadecimal digits if it has more than 64
 * bits, else decimal.
 */
#define SPANWIRE_ID_TRACE 1

/** For spanwire_span_id_text(): the span id in decimal, as in `dd.span_id` of logs. */
#define SPANWIRE_ID_SPAN 2

/**
 * A text tag. A length is in bytes; `SPANWIRE_NUL` means that the text is NUL-terminated. This structure never
 * changes.
 */
typedef struct spanwire_tag {
    /** The key, UTF-8, not empty. */
    const char *key;
    /** Length of the key. */
    size_t key_len;
    /** The value, UTF-8; NULL is the empty text. */
    const char *value;
    /** Length of the value. */
    size_t value_len;
} spanwire_tag;

/** A numeric tag. This structure never changes. */
typedef struct spanwire_metric {
    /** The key, UTF-8, not empty. */
    const char *key;
    /** Length of the key in bytes, or `SPANWIRE_NUL`. */
    size_t key_len;
    /** A finite number. */
    double value;
} spanwire_metric;

/**
 * What a span starts with. Set all fields to zero, then `size`, then the fields that are known. A text that is NULL is
 * not given; a text that is given needs its length in bytes, or `SPANWIRE_NUL`.
 */
typedef struct spanwire_span_options {
    /** `sizeof(spanwire_span_options)`. */
    size_t size;
    /** The parent span; 0 for none. */
    spanwire_span parent;
    /** The parent's context, used if `parent` is 0; NULL for none. */
    const spanwire_context *parent_context;
    /** The operation, such as "http.request". */
    const char *name;
    /** Its length. */
    size_t name_len;
    /** The service. If not given: the parent's, else the tracer's. */
    const char *service;
    /** Its length. */
    size_t service_len;
    /** The resource, such as "GET /users/:id". If not given: the name. */
    const char *resource;
    /** Its length. */
    size_t resource_len;
    /** The type, such as "web" or "sql". */
    const char *type;
    /** Its length. */
    size_t type_len;
    /** Start time in nanoseconds since 1970. 0 and times before 1970 mean now. */
    int64_t start_ns;
    /** Array of text tags. */
    const spanwire_tag *tags;
    /** Number of text tags. */
    size_t tags_count;
    /** Array of numeric tags. */
    const spanwire_metric *metrics;
    /** Number of numeric tags. */
    size_t metrics_count;
    /**
     * A context that came in, from spanwire_context_extract(), used if `parent` is 0 and `parent_context` is NULL; 0
     * for none. One that is freed counts as an unknown parent (`parents_unknown`): the span starts a new trace.
     */
    spanwire_context_handle context_handle;
} spanwire_span_options;

/** Type of a value: `text`. */
#define SPANWIRE_VALUE_TEXT 0

/** Type of a value: `boolean`. */
#define SPANWIRE_VALUE_BOOLEAN 1

/** Type of a value: `integer`. */
#define SPANWIRE_VALUE_INTEGER 2

/** Type of a value: `floating`. */
#define SPANWIRE_VALUE_FLOATING 3

/** Type of an attribute: `values`, all of one type. */
#define SPANWIRE_VALUE_ARRAY 4

/** Maximum number of links of a span. Further ones are rejected and counted in `tags_dropped`. */
#define SPANWIRE_SPAN_LINKS_MAX 128

/** Maximum number of events of a span. Further ones are rejected and counted in `tags_dropped`. */
#define SPANWIRE_SPAN_EVENTS_MAX 128

/** Maximum number of attributes of a link or an event. Further ones are dropped and counted in `tags_dropped`. */
#define SPANWIRE_ATTRIBUTES_MAX 128

/**
 * Maximum size of the attributes of a link or an event together, in bytes. An attribute that exceeds it is dropped and
 * counted in `tags_dropped`.
 */
#define SPANWIRE_ATTRIBUTES_SIZE_MAX 65536

/** Maximum number of values in an array. A larger array is dropped and counted in `tags_dropped`. */
#define SPANWIRE_VALUES_MAX 128

/** For `flags` of a link: the lower eight bits are the span's trace flags. */
#define SPANWIRE_LINK_HAS_FLAGS 256

/**
 * One value of an array. Set the field that the type names; the others are ignored. This structure never changes.
 */
typedef struct spanwire_value {
    /** SPANWIRE_VALUE_TEXT, _BOOLEAN, _INTEGER or _FLOATING. */
    uint32_t type;
    /** 0 for false, any other number for true. */
    int32_t boolean;
    /** An integer. */
    int64_t integer;
    /** A finite number. */
    double floating;
    /** UTF-8; NULL is the empty text; cut to SPANWIRE_TAG_VALUE_MAX, and counted. */
    const char *text;
    /** Its length in bytes, or SPANWIRE_NUL. */
    size_t text_len;
} spanwire_value;

/**
 * An attribute: a key with a value, or with an array of values. Set all fields to zero, then key, type, and the field
 * that the type names; the others are ignored. This structure never changes.
 */
typedef struct spanwire_attribute {
    /** The key, UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX, and counted. */
    const char *key;
    /** Its length in bytes, or SPANWIRE_NUL. */
    size_t key_len;
    /** SPANWIRE_VALUE_TEXT, _BOOLEAN, _INTEGER, _FLOATING or _ARRAY. */
    uint32_t type;
    /** 0 for false, any other number for true. */
    int32_t boolean;
    /** An integer. */
    int64_t integer;
    /** A finite number. */
    double floating;
    /** UTF-8; NULL is the empty text; cut to SPANWIRE_TAG_VALUE_MAX, and counted. */
    const char *text;
    /** Its length in bytes, or SPANWIRE_NUL. */
    size_t text_len;
    /** An array of values of one type: the Agent's payload has no others. Integers beside floats become floats. */
    const spanwire_value *values;
    /** Number of values, up to SPANWIRE_VALUES_MAX. */
    size_t values_count;
} spanwire_attribute;

/**
 * A link: a reference to a span, often of another trace. Set all fields to zero, then `size`, then the ids;
 * spanwire_span_context() has those of a span.
 */
typedef struct spanwire_span_link {
    /** `sizeof(spanwire_span_link)`. */
    size_t size;
    /** High half of the trace id; 0 for an id of 64 bits. */
    uint64_t trace_id_high;
    /** Low half of the trace id; not 0. */
    uint64_t trace_id_low;
    /** Id of the span; not 0. */
    uint64_t span_id;
    /** The span's tracestate of W3C; NULL for none. Cut to 2,048 bytes, and counted. */
    const char *tracestate;
    /** Its length in bytes, or SPANWIRE_NUL. */
    size_t tracestate_len;
    /** Array of attributes. */
    const spanwire_attribute *attributes;
    /** Number of attributes. */
    size_t attributes_count;
    /** The span's trace flags of W3C (1: sampled) and SPANWIRE_LINK_HAS_FLAGS; 0 if they are not known. */
    uint32_t flags;
} spanwire_span_link;

/**
 * An event: something that happened at one moment of a span. Set all fields to zero, then `size`, then the others.
 */
typedef struct spanwire_span_event {
    /** `sizeof(spanwire_span_event)`. */
    size_t size;
    /** What happened, UTF-8, not empty; cut to SPANWIRE_NAME_MAX, and counted. */
    const char *name;
    /** Its length in bytes, or SPANWIRE_NUL. */
    size_t name_len;
    /** When, in nanoseconds since 1970. 0 and times before 1970 mean now. */
    int64_t time_ns;
    /** Array of attributes. */
    const spanwire_attribute *attributes;
    /** Number of attributes. */
    size_t attributes_count;
} spanwire_span_event;

/**
 * Starts a span.
 *
 * @param tracer  the tracer that sends it
 * @param parent  the parent span; 0 starts a new trace. A parent of another tracer, or of the process before a fork,
 *                is continued like a span of another process. A parent that has finished or never existed is counted
 *                (`parents_unknown`), and the span starts a new trace; use a spanwire_context for late children.
 * @param name    the operation, UTF-8; NULL or empty becomes "unnamed_operation"; cut to SPANWIRE_NAME_MAX
 *
 * A child inherits its parent's service. If another thread has been inside a call on the parent for 100 ms, the child
 * goes into a chunk of its own, with the parent's ids and the tracer's service.
 *
 * @return the span, or 0: `tracer` is invalid or shut down, DD_TRACE_ENABLED is off, or SPANWIRE_MEMORY_MAX is
 *         reached. spanwire_tracer_stats() counts refusals of a tracer as `starts_refused`; spanwire_span_start_with()
 *         returns the reason.
 *
 * Ownership: copies the name. Every span must be finished or discarded.
 * Threads:   any; a span may be used and finished on other threads.
 * Blocks:    never; the first span of a tracer starts its worker thread.
 * Fork:      only the process that started a span can change and finish it.
 * Since:     0.1
 */
spanwire_span spanwire_span_start(spanwire_tracer tracer, spanwire_span parent, const char *name);

/**
 * As spanwire_span_start(), with the length of the name.
 *
 * @param tracer    as in spanwire_span_start()
 * @param parent    as in spanwire_span_start()
 * @param name      as in spanwire_span_start()
 * @param name_len  its length in bytes, or SPANWIRE_NUL; beyond half the address space the name counts as NULL
 *
 * @return as spanwire_span_start()
 *
 * Ownership: as spanwire_span_start().
 * Threads:   any.
 * Blocks:    never.
 * Fork:      as spanwire_span_start().
 * Since:     0.1
 */
spanwire_span spanwire_span_start_n(spanwire_tracer tracer, spanwire_span parent, const char *name, size_t name_len);

/**
 * Starts a span with everything that is known, in one call: for hosts in which each call is expensive.
 *
 * An invalid tag (no key, a number that is not finite, over a limit) is dropped and counted in `tags_dropped`; the
 * span still starts.
 *
 * @param tracer   the tracer that sends it
 * @param options  see spanwire_span_options
 * @param out      receives the span; 0 if there is none
 *
 * @return SPANWIRE_OK         also if DD_TRACE_ENABLED is off; `out` is then 0
 *         SPANWIRE_E_ARGUMENT `options` or `out` is NULL, a length is invalid, or the context has no ids
 *         SPANWIRE_E_VERSION  the `size` of the options or of the context belongs to no known version
 *         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
 *         SPANWIRE_E_CLOSED   it was shut down
 *         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached
 *
 * Ownership: copies all texts. Every span must be finished or discarded.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      as spanwire_span_start().
 * Since:     0.1
 */
spanwire_status spanwire_span_start_with(
    spanwire_tracer tracer, const spanwire_span_options *options, spanwire_span *out);

/**
 * Sets a text tag. The last value of a key replaces earlier ones, also a number.
 *
 * @param span   an open span; 0 does nothing and returns SPANWIRE_OK
 * @param key    the tag's name, UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX bytes at a character, and counted
 * @param value  the tag's value, UTF-8; NULL is the empty text; cut to SPANWIRE_TAG_VALUE_MAX, and counted
 *
 * Bytes that are not UTF-8 are replaced by U+FFFD and counted; the tag is kept.
 *
 * Some keys have a meaning, in all functions that set tags, as in other tracers. The first ones are no tags:
 *  - "manual.keep" and "manual.drop" set the trace's sampling priority to 2 and -1, with any value but "false" and "0".
 *    "sampling.priority" sets it to 2 if its value is a number above 0, and to -1 if it is another number. See
 *    spanwire_span_set_priority().
 *  - "service.name", "resource.name" and "span.type" set the span's service, resource and type if the value is a text.
 *  - "error" marks the span as failed, or with "false" and "0" as not failed. A text that is none of "true", "false",
 * "0"
 *    and "1" stays a tag.
 *  - "analytics.event" sets the numeric tag "_dd1.sr.eausr" to 1, or with "false" and 0 to 0.
 *  - "http.status_code" is a text, also if it is set as a whole number.
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED   the parent process started `span` before a fork
 *         SPANWIRE_E_ARGUMENT `key` is NULL or empty
 *         SPANWIRE_E_LIMIT    the span has SPANWIRE_SPAN_TAGS_MAX tags; this one was dropped and counted
 *         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; the tag was dropped and counted
 *         SPANWIRE_E_BUSY     another thread has been inside a call on the span for 100 ms; dropped and counted
 *
 * Ownership: copies key and value before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_tag(spanwire_span span, const char *key, const char *value);

/**
 * As spanwire_span_set_tag(), with lengths.
 *
 * @param span       as in spanwire_span_set_tag()
 * @param key        as in spanwire_span_set_tag()
 * @param key_len    its length in bytes, or SPANWIRE_NUL
 * @param value      as in spanwire_span_set_tag(); may hold NUL bytes
 * @param value_len  its length in bytes, or SPANWIRE_NUL
 *
 * @return as spanwire_span_set_tag(). SPANWIRE_E_ARGUMENT also for a length beyond half the address space; here the
 *         dropped tag is counted
 *
 * Ownership: as spanwire_span_set_tag().
 * Threads:   any.
 * Blocks:    never.
 * Fork:      as spanwire_span_set_tag().
 * Since:     0.1
 */
spanwire_status spanwire_span_set_tag_n(
    spanwire_span span, const char *key, size_t key_len, const char *value, size_t value_len);

/**
 * Sets a numeric tag. The last value of a key replaces earlier ones, also a text.
 *
 * @param span   an open span; 0 does nothing and returns SPANWIRE_OK
 * @param key    the tag's name, UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX
 * @param value  a finite number
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED   the parent process started `span` before a fork
 *         SPANWIRE_E_ARGUMENT `key` is NULL or empty, or `value` is not finite; the tag was dropped and counted
 *         SPANWIRE_E_LIMIT    the span has SPANWIRE_SPAN_TAGS_MAX tags; this one was dropped and counted
 *         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; the tag was dropped and counted
 *         SPANWIRE_E_BUSY     another thread has been inside a call on the span for 100 ms; dropped and counted
 *
 * Ownership: copies the key before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_metric(spanwire_span span, const char *key, double value);

/**
 * As spanwire_span_set_metric(), with the length of the key.
 *
 * @param span     as in spanwire_span_set_metric()
 * @param key      as in spanwire_span_set_metric()
 * @param key_len  its length in bytes, or SPANWIRE_NUL
 * @param value    as in spanwire_span_set_metric()
 *
 * @return as spanwire_span_set_metric(); SPANWIRE_E_ARGUMENT also for a length beyond half the address space
 *
 * Ownership: as spanwire_span_set_metric().
 * Threads:   any.
 * Blocks:    never.
 * Fork:      as spanwire_span_set_metric().
 * Since:     0.1
 */
spanwire_status spanwire_span_set_metric_n(spanwire_span span, const char *key, size_t key_len, double value);

/**
 * Sets several text tags in one call. If one fails, the others are still set.
 *
 * @param span   an open span; 0 does nothing and returns SPANWIRE_OK
 * @param tags   an array of `count` tags; NULL if `count` is 0
 * @param count  number of tags
 *
 * @return as spanwire_span_set_tag_n(); of several failures the first. SPANWIRE_E_ARGUMENT also if `tags` is NULL and
 *         `count` is not 0
 *
 * Ownership: copies all texts before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      as spanwire_span_set_tag().
 * Since:     0.1
 */
spanwire_status spanwire_span_set_tags(spanwire_span span, const spanwire_tag *tags, size_t count);

/**
 * Removes a text or numeric tag.
 *
 * @param span  an open span; 0 does nothing and returns SPANWIRE_OK
 * @param key   the tag's name
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_NOT_FOUND the span has no such tag
 *         SPANWIRE_E_HANDLE    `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED    the parent process started `span` before a fork
 *         SPANWIRE_E_ARGUMENT  `key` is NULL or empty
 *         SPANWIRE_E_BUSY      another thread has been inside a call on the span for 100 ms
 *
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_remove_tag(spanwire_span span, const char *key);

/**
 * Writes a tag of an open span as text; a number with the fewest digits that identify it, such as "42.5" and "1e300".
 *
 * @param span      an open span; 0 has no tags
 * @param key       the tag's name
 * @param buffer    receives the value and a NUL; NULL only asks for the size
 * @param capacity  size of the buffer in bytes
 * @param need      receives the bytes needed, including the NUL; may be NULL if `buffer` is not. Set, and `buffer`
 *                  written, only with SPANWIRE_OK and SPANWIRE_E_LIMIT
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_NOT_FOUND the span has no such tag, or `span` is 0
 *         SPANWIRE_E_LIMIT     the buffer is too small; it holds the empty text
 *         SPANWIRE_E_HANDLE    `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED    the parent process started `span` before a fork
 *         SPANWIRE_E_ARGUMENT  `key` is NULL or empty, or `buffer` and `need` are both NULL, for any `span`
 *         SPANWIRE_E_BUSY      another thread has been inside a call on the span for 100 ms
 *
 * Ownership: the buffer is the caller's.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_get_tag(spanwire_span span, const char *key, char *buffer, size_t capacity, size_t *need);

/**
 * Sets tags from typed attributes. If one fails, the others are still set.
 *
 * @param span        an open span; 0 does nothing and returns SPANWIRE_OK
 * @param attributes  an array of `count` attributes; NULL if `count` is 0
 * @param count       number of attributes
 *
 * The Agent knows texts and numbers only. A boolean becomes the text "true" or "false". An integer becomes a number, or
 * a text if it is beyond 2^53, where a number would be rounded. An array becomes one tag for each value: "key.0",
 * "key.1" and so on; an empty one sets none. Integers in an array with floats become floats.
 *
 * @return as spanwire_span_set_tag(); of several failures the first. SPANWIRE_E_ARGUMENT also for a type that is none,
 * a
 *         number that is not finite, an array of several types, and if `attributes` is NULL and `count` is not 0.
 *         SPANWIRE_E_LIMIT also for an array of more than SPANWIRE_VALUES_MAX values. What is not set is counted
 *
 * Ownership: copies all texts before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      as spanwire_span_set_tag().
 * Since:     0.1
 */
spanwire_status spanwire_span_set_attributes(spanwire_span span, const spanwire_attribute *attributes, size_t count);

/**
 * Adds a link to a span. Links stay in the order in which they were added.
 *
 * @param span  an open span; 0 does nothing and returns SPANWIRE_OK
 * @param link  see spanwire_span_link
 *
 * An attribute that is invalid or beyond a limit is dropped and counted in `tags_dropped`; the link and the others are
 * kept. The Agent gets attributes as texts, and an array as "key.0", "key.1" and so on. To an Agent that knows only
 * /v0.3/traces, links go as JSON in the tag `_dd.span_links`: as many as fit in 25,000 bytes.
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `link` is NULL, an id is 0, a length is invalid; dropped and counted. Or an attribute
 *         has no
 *                             key, a type that is none, a number that is not finite, or an array of several types
 *         SPANWIRE_E_VERSION  the `size` of the link belongs to no known version; dropped and counted
 *         SPANWIRE_E_LIMIT    the span has SPANWIRE_SPAN_LINKS_MAX links; dropped and counted. Or an attribute is
 *                             beyond
 *                             SPANWIRE_ATTRIBUTES_MAX, SPANWIRE_ATTRIBUTES_SIZE_MAX or SPANWIRE_VALUES_MAX
 *         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; the link or an attribute was dropped and counted
 *         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED   the parent process started `span` before a fork
 *         SPANWIRE_E_BUSY     another thread has been inside a call on the span for 100 ms; dropped and counted
 *
 * Ownership: copies all texts before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_add_link(spanwire_span span, const spanwire_span_link *link);

/**
 * Adds an event to a span. Events stay in the order in which they were added.
 *
 * @param span   an open span; 0 does nothing and returns SPANWIRE_OK
 * @param event  see spanwire_span_event
 *
 * An attribute that is invalid or beyond a limit is dropped and counted in `tags_dropped`; the event and the others are
 * kept. An Agent that does not say `span_events` in /info, or has not been asked yet, gets events as JSON in the tag
 * `events`: as many as fit in 25,000 bytes.
 *
 * @return as spanwire_span_add_link(), with SPANWIRE_SPAN_EVENTS_MAX. SPANWIRE_E_ARGUMENT if `event` or its name is
 * NULL,
 *         or its name empty
 *
 * Ownership: copies all texts before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      as spanwire_span_add_link().
 * Since:     0.1
 */
spanwire_status spanwire_span_add_event(spanwire_span span, const spanwire_span_event *event);

/**
 * Sets a span's service. Children that are started later inherit it.
 *
 * @param span     an open span; 0 does nothing and returns SPANWIRE_OK
 * @param service  UTF-8; NULL or empty for the tracer's service; cut to SPANWIRE_NAME_MAX
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE  `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED  the parent process started `span` before a fork
 *         SPANWIRE_E_MEMORY  SPANWIRE_MEMORY_MAX is reached; the former value stays
 *         SPANWIRE_E_BUSY    another thread has been inside a call on the span for 100 ms; the former value stays
 *
 * Ownership: copies the text before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_service(spanwire_span span, const char *service);

/**
 * Sets a span's resource: what the operation worked on, such as "GET /users/:id" or a query.
 *
 * @param span      an open span; 0 does nothing and returns SPANWIRE_OK
 * @param resource  UTF-8; NULL or empty for the span's name; cut to SPANWIRE_RESOURCE_MAX
 *
 * @return as spanwire_span_set_service()
 *
 * Ownership: copies the text before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      as spanwire_span_set_service().
 * Since:     0.1
 */
spanwire_status spanwire_span_set_resource(spanwire_span span, const char *resource);

/**
 * As spanwire_span_set_resource(), with the length.
 *
 * @param span          as in spanwire_span_set_resource()
 * @param resource      as in spanwire_span_set_resource()
 * @param resource_len  its length in bytes, or SPANWIRE_NUL
 *
 * @return as spanwire_span_set_resource(); SPANWIRE_E_ARGUMENT for a length beyond half the address space
 *
 * Ownership: as spanwire_span_set_resource().
 * Threads:   any.
 * Blocks:    never.
 * Fork:      as spanwire_span_set_resource().
 * Since:     0.1
 */
spanwire_status spanwire_span_set_resource_n(spanwire_span span, const char *resource, size_t resource_len);

/**
 * Sets a span's type: "web", "db", "sql", "cache", "http", ….
 *
 * @param span  an open span; 0 does nothing and returns SPANWIRE_OK
 * @param type  UTF-8; NULL or empty for none; cut to SPANWIRE_NAME_MAX
 *
 * @return as spanwire_span_set_service()
 *
 * Ownership: copies the text before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      as spanwire_span_set_service().
 * Since:     0.1
 */
spanwire_status spanwire_span_set_type(spanwire_span span, const char *type);

/**
 * Renames a span.
 *
 * @param span  an open span; 0 does nothing and returns SPANWIRE_OK
 * @param name  the operation, UTF-8; NULL or empty becomes "unnamed_operation"; cut to SPANWIRE_NAME_MAX
 *
 * @return as spanwire_span_set_service()
 *
 * Ownership: copies the text before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      as spanwire_span_set_service().
 * Since:     0.1
 */
spanwire_status spanwire_span_set_name(spanwire_span span, const char *name);

/**
 * Marks a span as failed and sets the tags `error.type`, `error.message` and `error.stack`.
 *
 * @param span     an open span; 0 does nothing and returns SPANWIRE_OK
 * @param type     kind of the error, such as an exception's class; NULL leaves the tag as it is
 * @param message  the error's message; NULL leaves the tag as it is
 * @param stack    the stack trace, one frame per line; NULL leaves the tag as it is
 *
 * @return as spanwire_span_set_tag(), without SPANWIRE_E_ARGUMENT. With SPANWIRE_E_LIMIT and SPANWIRE_E_MEMORY the
 *         span is still marked; tags after the one that failed are not set
 *
 * Ownership: copies the texts before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      as spanwire_span_set_tag().
 * Since:     0.1
 */
spanwire_status spanwire_span_set_error(spanwire_span span, const char *type, const char *message, const char *stack);

/**
 * As spanwire_span_set_error(), with lengths.
 *
 * @param span         as in spanwire_span_set_error()
 * @param type         as in spanwire_span_set_error()
 * @param type_len     its length in bytes, or SPANWIRE_NUL
 * @param message      as in spanwire_span_set_error()
 * @param message_len  its length in bytes, or SPANWIRE_NUL
 * @param stack        as in spanwire_span_set_error()
 * @param stack_len    its length in bytes, or SPANWIRE_NUL
 *
 * @return as spanwire_span_set_error(). SPANWIRE_E_ARGUMENT for a length beyond half the address space; the span is
 *         still marked
 *
 * Ownership: as spanwire_span_set_error().
 * Threads:   any.
 * Blocks:    never.
 * Fork:      as spanwire_span_set_error().
 * Since:     0.1
 */
spanwire_status spanwire_span_set_error_n(
    spanwire_span span, const char *type, size_t type_len, const char *message, size_t message_len, const char *stack,
    size_t stack_len);

/**
 * Marks a span as failed, or removes the mark. Tags stay as they are.
 *
 * @param span   an open span; 0 does nothing and returns SPANWIRE_OK
 * @param error  0 for no error, any other number for an error
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE  `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED  the parent process started `span` before a fork
 *         SPANWIRE_E_BUSY    another thread has been inside a call on the span for 100 ms
 *
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_error_flag(spanwire_span span, int32_t error);

/**
 * Adds a structured value (`meta_struct`) to a span. The last value of a key replaces earlier ones.
 *
 * @param span   an open span; 0 does nothing and returns SPANWIRE_OK
 * @param key    its name, UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX
 * @param bytes  the value: one MessagePack map, see below
 * @param len    its length in bytes, up to SPANWIRE_META_STRUCT_MAX
 *
 * Agents take a value as bytes, but some readers decode it, and refuse the whole payload if they cannot. So the value
 * is
 * checked: it is one MessagePack map and nothing behind it; the keys of all maps in it are texts; texts are UTF-8;
 * maps and
 * arrays lie in each other at most 64 deep.
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_LIMIT    the value is too large, or the span has SPANWIRE_SPAN_TAGS_MAX of them; dropped and
 *                             counted
 *         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; the value was dropped and counted
 *         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED   the parent process started `span` before a fork
 *         SPANWIRE_E_ARGUMENT `key` is NULL or empty, or the value is no such map; dropped and counted
 *         SPANWIRE_E_BUSY     another thread has been inside a call on the span for 100 ms; dropped and counted
 *
 * Ownership: copies key and value before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_meta_struct(spanwire_span span, const char *key, const void *bytes, size_t len);

/**
 * Sets the sampling priority of the span's whole trace, as a decision of the user. It replaces any other decision;
 * later
 * contexts and chunks carry it, what has left before does not. Without it, the settings decide when the first context
 * is
 * passed on or the first chunk leaves.
 *
 * @param span      an open span; 0 does nothing and returns SPANWIRE_OK, for any priority
 * @param priority  -1 reject by the user, 0 reject, 1 keep, 2 keep by the user
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT another number
 *         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED   the parent process started `span` before a fork
 *         SPANWIRE_E_BUSY     another thread has been inside a call on the span or its trace for 100 ms
 *
 * Threads:   any.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_priority(spanwire_span span, int32_t priority);

/**
 * Finishes a span now. Its handle becomes invalid. If it was the last open span of its trace, the trace goes to the
 * queue.
 *
 * @param span  an open span; 0 does nothing and returns SPANWIRE_OK
 *
 * @return SPANWIRE_OK        finished; or dropped and counted if there is no memory for it
 *         SPANWIRE_E_HANDLE  `span` is already finished, or was never a span
 *         SPANWIRE_E_FORKED  the parent process started `span` before a fork
 *
 * Threads:   any. If another thread is inside a call on the span or on its trace, the span is finished when that call
 *            returns; its end is the time of this call.
 * Blocks:    never; if the queue is full, the trace is dropped and counted.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_finish(spanwire_span span);

/**
 * Finishes a span at a given time.
 *
 * @param span    an open span; 0 does nothing and returns SPANWIRE_OK
 * @param end_ns  end time in nanoseconds since 1970; a time before the span's start means a duration of 0
 *
 * @return as spanwire_span_finish()
 *
 * Threads:   any; as spanwire_span_finish().
 * Blocks:    never.
 * Fork:      as spanwire_span_finish().
 * Since:     0.1
 */
spanwire_status spanwire_span_finish_at(spanwire_span span, int64_t end_ns);

/**
 * Ends a span without sending it. Its children keep its id as their parent id.
 *
 * @param span  an open span; 0 does nothing and returns SPANWIRE_OK
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE  `span` is already finished, or was never a span
 *         SPANWIRE_E_FORKED  the parent process started `span` before a fork
 *
 * Threads:   any; as spanwire_span_finish().
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_discard(spanwire_span span);

/**
 * Copies a span's context, for children in other processes and for late children. Decides first whether the trace is
 * kept, unless that is decided: set what sampling rules look at before. If another thread has been inside a
 * call on the span for 100 ms, the context has the ids alone, without SPANWIRE_CONTEXT_HAS_PRIORITY.
 *
 * @param span  an open span, also one that the parent process had open before a fork
 * @param out   receives the context; the caller sets its `size`
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE   `span` is 0, finished, or was never a span
 *         SPANWIRE_E_ARGUMENT `out` is NULL
 *         SPANWIRE_E_VERSION  `out->size` is not set
 *
 * Threads:   any.
 * Blocks:    never.
 * Fork:      works on inherited spans.
 * Since:     0.1
 */
spanwire_status spanwire_span_context(spanwire_span span, spanwire_context *out);

/**
 * Writes an id as text, to correlate logs with traces.
 *
 * @param span      an open span, also one that the parent process had open before a fork
 * @param kind      SPANWIRE_ID_TRACE_HEX, SPANWIRE_ID_TRACE or SPANWIRE_ID_SPAN
 * @param buffer    receives the text and a NUL; 33 bytes are always enough; NULL only asks for the size
 * @param capacity  size of the buffer in bytes
 * @param need      receives the bytes needed, including the NUL; may be NULL if `buffer` is not
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE   `span` is 0, finished, or was never a span
 *         SPANWIRE_E_ARGUMENT another kind, or `buffer` and `need` are both NULL
 *         SPANWIRE_E_LIMIT    the buffer is too small; it holds the empty text
 *
 * Ownership: the buffer is the caller's.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      works on inherited spans.
 * Since:     0.1
 */
spanwire_status spanwire_span_id_text(spanwire_span span, int32_t kind, char *buffer, size_t capacity, size_t *need);

/*
 * =====================================================================================================================
 * Propagation
 * =====================================================================================================================
 *
 * A request from another service carries a context in its headers. spanwire_context_extract() reads it and gives a
 * handle, which also holds what the value does not: origin, tags of the trace, tracestate, baggage.
 * spanwire_span_inject() writes the headers of a request to another service; here print_header() of the program gets
 * each:
 *
 *     void print_header(const spanwire_header *header, void *file);
 *     const char *parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
 *     spanwire_header came = {"traceparent", SPANWIRE_NUL, parent, SPANWIRE_NUL};
 *     spanwire_context_handle from = 0;
 *     spanwire_context_extract(tracer, &came, 1, &from);
 *     spanwire_span_options options = {0};
 *     options.size = sizeof options;
 *     options.context_handle = from;
 *     spanwire_span_start_with(tracer, &options, &span);
 *     spanwire_context_free(from);
 *     spanwire_span_inject(span, print_header, stderr);
 */

/** Gets one header. The texts are NUL-terminated, too. */
typedef void (*spanwire_header_callback)(const spanwire_header *header, void *userdata);

/** Gets one item of baggage. The texts are not NUL-terminated. */
typedef void (*spanwire_baggage_callback)(const spanwire_tag *item, void *userdata);

/**
 * Writes the context of a span as headers for a request to another service, and calls the callback with each: those of
 * all styles in DD_TRACE_PROPAGATION_STYLE_INJECT. Names are in lower case. Values have no line breaks.
 *
 * Tags of the trace that do not fit into `x-datadog-tags` are left out, and the trace gets the tag
 * `_dd.propagation_error`.
 *
 * @param span      an open span; 0 has no headers
 * @param callback  called for each header, during this call and on the calling thread; no lock is held meanwhile
 * @param userdata  passed to the callback
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `callback` is NULL
 *         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
 *         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; some headers may be missing
 *         SPANWIRE_E_FORKED   a thread of the parent process was inside a call on the span at the fork
 *         SPANWIRE_E_BUSY     another thread has been inside a call on the span or its trace for 100 ms
 *
 * Ownership: a header is valid until its callback returns.
 * Threads:   any.
 * Blocks:    never, except for what the callback does.
 * Fork:      also for an open span of the parent. In a child that the callback forks, the call ends after that header.
 * Since:     0.1
 */
spanwire_status spanwire_span_inject(spanwire_span span, spanwire_header_callback callback, void *userdata);

/**
 * As spanwire_span_inject(), into one text, for hosts in which a callback is expensive: for each header a line of its
 * name, a colon, a blank, its value and a newline.
 *
 * @param span      an open span; 0 has no headers
 * @param buffer    receives the lines and a NUL; NULL only asks for the size
 * @param capacity  size of the buffer in bytes; 1,024 are enough for a trace without tags and baggage
 * @param need      receives the bytes needed, including the NUL; may be NULL if `buffer` is not. Set, and `buffer`
 *                  written, only with SPANWIRE_OK and SPANWIRE_E_LIMIT
 *
 * @return as spanwire_span_inject(); SPANWIRE_E_LIMIT if the buffer is too small: it holds the empty text;
 *         SPANWIRE_E_ARGUMENT if `buffer` and `need` are both NULL
 *
 * Ownership: the buffer is the caller's.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      also for an open span of the parent.
 * Since:     0.1
 */
spanwire_status spanwire_span_inject_text(spanwire_span span, char *buffer, size_t capacity, size_t *need);

/**
 * As spanwire_span_inject(), for a context that came in: what is written continues it as if this process were not
 * there. For a proxy that starts no span.
 *
 * @param context   a context; 0 has no headers
 * @param callback  as in spanwire_span_inject()
 * @param userdata  passed to the callback
 *
 * @return as spanwire_span_inject()
 *
 * Ownership: as spanwire_span_inject().
 * Threads:   any.
 * Blocks:    never, except for what the callback does.
 * Fork:      also for contexts of the parent.
 * Since:     0.1
 */
spanwire_status spanwire_context_inject(
    spanwire_context_handle context, spanwire_header_callback callback, void *userdata);

/**
 * As spanwire_span_inject_text(), for a context that came in.
 *
 * @param context   a context; 0 has no headers
 * @param buffer    as in spanwire_span_inject_text()
 * @param capacity  size of the buffer in bytes
 * @param need      as in spanwire_span_inject_text()
 *
 * @return as spanwire_span_inject_text()
 *
 * Ownership: the buffer is the caller's.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      also for contexts of the parent.
 * Since:     0.1
 */
spanwire_status spanwire_context_inject_text(
    spanwire_context_handle context, char *buffer, size_t capacity, size_t *need);

/**
 * Writes the origin of a context that came in: the kind of system that began the trace, such as `synthetics` or `rum`,
 * as `x-datadog-origin` or tracestate said it. Every span of the trace is sent with it.
 *
 * @param context   a context; 0 has none
 * @param buffer    receives the text and a NUL; NULL only asks for the size
 * @param capacity  size of the buffer in bytes; 257 are always enough
 * @param need      receives the bytes needed, including the NUL; may be NULL if `buffer` is not. Set, and `buffer`
 *                  written, only with SPANWIRE_OK and SPANWIRE_E_LIMIT
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_NOT_FOUND it has no origin, or `context` is 0
 *         SPANWIRE_E_LIMIT     the buffer is too small; it holds the empty text
 *         SPANWIRE_E_ARGUMENT  `buffer` and `need` are both NULL
 *         SPANWIRE_E_HANDLE    `context` is freed, or was never a context
 *         SPANWIRE_E_FORKED    a thread of the parent process was changing it at the fork
 *         SPANWIRE_E_MEMORY    SPANWIRE_MEMORY_MAX is reached
 *         SPANWIRE_E_BUSY      another thread has been inside a call on it for 100 ms
 *
 * Ownership: the buffer is the caller's.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      also for contexts of the parent.
 * Since:     0.1
 */
spanwire_status spanwire_context_get_origin(
    spanwire_context_handle context, char *buffer, size_t capacity, size_t *need);

/**
 * As spanwire_context_get_origin(), for the trace of a span.
 *
 * @param span      an open span; 0 has none
 * @param buffer    as in spanwire_context_get_origin()
 * @param capacity  size of the buffer in bytes
 * @param need      as in spanwire_context_get_origin()
 *
 * @return as spanwire_context_get_origin(); SPANWIRE_E_HANDLE if `span` is finished, or was never a span;
 *         SPANWIRE_E_FORKED if a thread of the parent process was inside a call on the span or its trace at the fork
 *
 * Ownership: the buffer is the caller's.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      also for an open span of the parent.
 * Since:     0.1
 */
spanwire_status spanwire_span_get_origin(spanwire_span span, char *buffer, size_t capacity, size_t *need);

/**
 * Sets an item of a span's baggage: a text that children of the span get that are started later, and that
 * spanwire_span_inject() sends with the style `baggage`. It is no tag: the Agent does not get it.
 *
 * @param span   an open span; 0 does nothing and returns SPANWIRE_OK
 * @param key    UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX
 * @param value  UTF-8; NULL is the empty text, which stays in this process: every known reader rejects a header with
 *               one
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `key` is NULL or empty
 *         SPANWIRE_E_LIMIT    the span has 64 KiB of baggage; not set
 *         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; not set
 *         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED   the parent process started `span` before a fork
 *         SPANWIRE_E_BUSY     another thread has been inside a call on the span for 100 ms
 *
 * Ownership: copies key and value before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_baggage(spanwire_span span, const char *key, const char *value);

/**
 * Writes an item of a span's baggage.
 *
 * @param span      an open span; 0 has none
 * @param key       the item's key
 * @param buffer    receives the text and a NUL; NULL only asks for the size
 * @param capacity  size of the buffer in bytes
 * @param need      receives the bytes needed, including the NUL; may be NULL if `buffer` is not. Set, and `buffer`
 *                  written, only with SPANWIRE_OK and SPANWIRE_E_LIMIT
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_NOT_FOUND there is no such item, or `span` is 0
 *         SPANWIRE_E_LIMIT     the buffer is too small; it holds the empty text
 *         SPANWIRE_E_ARGUMENT  `key` is NULL or empty, or `buffer` and `need` are both NULL
 *         SPANWIRE_E_HANDLE    `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED    a thread of the parent process was inside a call on the span at the fork
 *         SPANWIRE_E_MEMORY    SPANWIRE_MEMORY_MAX is reached
 *         SPANWIRE_E_BUSY      another thread has been inside a call on the span for 100 ms
 *
 * Ownership: the buffer is the caller's.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      also for an open span of the parent.
 * Since:     0.1
 */
spanwire_status spanwire_span_get_baggage(
    spanwire_span span, const char *key, char *buffer, size_t capacity, size_t *need);

/**
 * Removes an item of a span's baggage. Children that have started keep theirs.
 *
 * @param span  an open span; 0 does nothing and returns SPANWIRE_OK
 * @param key   the item's key
 *
 * @return as spanwire_span_set_baggage(), without SPANWIRE_E_LIMIT; SPANWIRE_E_NOT_FOUND if there is no such item
 *
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      as spanwire_span_set_baggage().
 * Since:     0.1
 */
spanwire_status spanwire_span_remove_baggage(spanwire_span span, const char *key);

/**
 * Calls the callback with each item of a span's baggage, in the order in which they were set.
 *
 * @param span      an open span; 0 has none
 * @param callback  called for each item, during this call and on the calling thread; no lock is held meanwhile
 * @param userdata  passed to the callback
 *
 * @return as spanwire_span_get_baggage(), without SPANWIRE_E_NOT_FOUND and SPANWIRE_E_LIMIT; SPANWIRE_E_ARGUMENT if
 *         `callback` is NULL
 *
 * Ownership: an item is valid until its callback returns.
 * Threads:   any.
 * Blocks:    never, except for what the callback does.
 * Fork:      also for an open span of the parent. In a child that the callback forks, the call ends after that item.
 * Since:     0.1
 */
spanwire_status spanwire_span_each_baggage(spanwire_span span, spanwire_baggage_callback callback, void *userdata);

/**
 * As spanwire_span_each_baggage(), into one text, for hosts in which a callback is expensive: for each item a line of
 * its
 * key, `=`, its value and a newline. In keys and values, all bytes but ASCII letters, digits and `-._~` are
 * percent-encoded.
 *
 * @param span      an open span; 0 has none
 * @param buffer    receives the lines and a NUL; NULL only asks for the size
 * @param capacity  size of the buffer in bytes
 * @param need      as in spanwire_span_get_baggage()
 *
 * @return as spanwire_span_get_baggage(), without SPANWIRE_E_NOT_FOUND; the empty text if there is no baggage
 *
 * Ownership: the buffer is the caller's.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      also for an open span of the parent.
 * Since:     0.1
 */
spanwire_status spanwire_span_baggage_text(spanwire_span span, char *buffer, size_t capacity, size_t *need);

/**
 * Sets an item of baggage in a context that came in, for spans that are started with it later.
 *
 * @param context  a context; 0 does nothing and returns SPANWIRE_OK
 * @param key      as in spanwire_span_set_baggage()
 * @param value    as in spanwire_span_set_baggage()
 *
 * @return as spanwire_span_set_baggage()
 *
 * Ownership: copies key and value before it returns.
 * Threads:   any; calls on one context are serialised.
 * Blocks:    never.
 * Fork:      SPANWIRE_E_FORKED for a context of the parent.
 * Since:     0.1
 */
spanwire_status spanwire_context_set_baggage(spanwire_context_handle context, const char *key, const char *value);

/**
 * Writes an item of baggage of a context that came in.
 *
 * @param context   a context; 0 has none
 * @param key       the item's key
 * @param buffer    as in spanwire_span_get_baggage()
 * @param capacity  size of the buffer in bytes
 * @param need      as in spanwire_span_get_baggage()
 *
 * @return as spanwire_span_get_baggage()
 *
 * Ownership: the buffer is the caller's.
 * Threads:   any; calls on one context are serialised.
 * Blocks:    never.
 * Fork:      also for contexts of the parent.
 * Since:     0.1
 */
spanwire_status spanwire_context_get_baggage(
    spanwire_context_handle context, const char *key, char *buffer, size_t capacity, size_t *need);

/**
 * Removes an item of baggage from a context that came in.
 *
 * @param context  a context; 0 does nothing and returns SPANWIRE_OK
 * @param key      the item's key
 *
 * @return as spanwire_span_remove_baggage()
 *
 * Threads:   any; calls on one context are serialised.
 * Blocks:    never.
 * Fork:      SPANWIRE_E_FORKED for a context of the parent.
 * Since:     0.1
 */
spanwire_status spanwire_context_remove_baggage(spanwire_context_handle context, const char *key);

/**
 * Calls the callback with each item of baggage of a context that came in.
 *
 * @param context   a context; 0 has none
 * @param callback  as in spanwire_span_each_baggage()
 * @param userdata  passed to the callback
 *
 * @return as spanwire_span_each_baggage()
 *
 * Ownership: an item is valid until its callback returns.
 * Threads:   any.
 * Blocks:    never, except for what the callback does.
 * Fork:      also for contexts of the parent.
 * Since:     0.1
 */
spanwire_status spanwire_context_each_baggage(
    spanwire_context_handle context, spanwire_baggage_callback callback, void *userdata);

/**
 * As spanwire_span_baggage_text(), for a context that came in.
 *
 * @param context   a context; 0 has none
 * @param buffer    as in spanwire_span_baggage_text()
 * @param capacity  size of the buffer in bytes
 * @param need      as in spanwire_span_get_baggage()
 *
 * @return as spanwire_span_baggage_text()
 *
 * Ownership: the buffer is the caller's.
 * Threads:   any; calls on one context are serialised.
 * Blocks:    never.
 * Fork:      also for contexts of the parent.
 * Since:     0.1
 */
spanwire_status spanwire_context_baggage_text(
    spanwire_context_handle context, char *buffer, size_t capacity, size_t *need);

/*
 * =====================================================================================================================
 * Submitting finished spans
 * =====================================================================================================================
 *
 * For a host that records its spans itself and only wants them sent: it submits finished spans with its own ids, those
 * of a trace together. They share queue, limits and counters with spans that were started here.
 *
 *     spanwire_record record = {0};
 *     record.size = sizeof record;
 *     record.trace_id_low = 7;
 *     record.span_id = 8;
 *     record.start_ns = INT64_C(1700000000000000000);
 *     record.duration_ns = 1500000;
 *     record.name = "cache.get";
 *     record.name_len = SPANWIRE_NUL;
 *     record.sampling_priority = SPANWIRE_PRIORITY_NONE;
 *     spanwire_span_submit(tracer, &record, 1);
 *
 * A host that has a tracer of its own can submit what that encodes: see spanwire_trace_submit_v04().
 */

/** For `sampling_priority` of a record: the host has made no sampling decision. */
#define SPANWIRE_PRIORITY_NONE INT32_MIN

/**
 * A finished span for spanwire_span_submit(). Set all fields to zero, then `size`, then the fields that are known. All
 * elements of an array have the same `size`.
 */
typedef struct spanwire_record {
    /** `sizeof(spanwire_record)`. */
    size_t size;
    /** High half of the trace id; 0 for an id of 64 bits. */
    uint64_t trace_id_high;
    /** Low half of the trace id; not 0. */
    uint64_t trace_id_low;
    /** Id of the span; not 0. */
    uint64_t span_id;
    /** Id of the parent; 0 for a root. */
    uint64_t parent_id;
    /** Start time in nanoseconds since 1970. 0 and times before 1970 mean unknown: the span then ends now. */
    int64_t start_ns;
    /** Duration in nanoseconds. A negative one counts as 0; one that ends beyond INT64_MAX is cut. */
    int64_t duration_ns;
    /** The operation. */
    const char *name;
    /** Its length in bytes, or SPANWIRE_NUL. */
    size_t name_len;
    /** The service; NULL for the tracer's. */
    const char *service;
    /** Its length in bytes, or SPANWIRE_NUL. */
    size_t service_len;
    /** The resource; NULL for the name. */
    const char *resource;
    /** Its length in bytes, or SPANWIRE_NUL. */
    size_t resource_len;
    /** The type; NULL for none. */
    const char *type;
    /** Its length in bytes, or SPANWIRE_NUL. */
    size_t type_len;
    /** Array of text tags. */
    const spanwire_tag *tags;
    /** Number of text tags. */
    size_t tags_count;
    /** Array of numeric tags. */
    const spanwire_metric *metrics;
    /** Number of numeric tags. */
    size_t metrics_count;
    /** 0 for no error, any other number for an error. */
    int32_t error;
    /** Sampling priority of the trace, or SPANWIRE_PRIORITY_NONE. The first record of a trace decides. */
    int32_t sampling_priority;
    /**
     * Array of links, `links[0].size` bytes apart. Those that spanwire_span_add_link() would drop are dropped and
     * counted.
     */
    const spanwire_span_link *links;
    /** Number of links. */
    size_t links_count;
    /**
     * Array of events, `events[0].size` bytes apart. Those that spanwire_span_add_event() would drop are dropped and
     * counted.
     */
    const spanwire_span_event *events;
    /** Number of events. */
    size_t events_count;
} spanwire_record;

/**
 * Sends finished spans that the host recorded itself. Consecutive records of one trace become one chunk: pass the
 * spans of a trace together.
 *
 * An invalid record (no ids, an invalid length, links or events of no known version) is dropped and counted as
 * invalid; the others are sent.
 *
 * @param tracer   the tracer that sends them
 * @param records  an array of `count` records, `records[0].size` bytes apart; NULL if `count` is 0
 * @param count    number of records
 *
 * @return SPANWIRE_OK         also if DD_TRACE_ENABLED is off; the records are then ignored
 *         SPANWIRE_E_ARGUMENT `records` is NULL and `count` is not 0, or a record was dropped as invalid
 *         SPANWIRE_E_VERSION  `records[0].size` belongs to no known version
 *         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
 *         SPANWIRE_E_CLOSED   it was shut down
 *         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; records without room were dropped and counted
 *
 * Ownership: copies all texts before it returns.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
spanwire_status spanwire_span_submit(spanwire_tracer tracer, const spanwire_record *records, size_t count);

/**
 * As spanwire_span_submit(), with the records packed in one buffer: for hosts in which an array of structures is
 * expensive to build. Such records have no links and events.
 *
 * A record is as follows; all numbers are little-endian, without padding:
 *
 *     u32 length of the record, including this field     u32 flags: 1 error
 *     u64 trace id, high   u64 low   u64 span id   u64 parent id
 *     i64 start, ns since 1970   i64 duration, ns   i32 sampling priority
 *     u32 length of name   u32 of service   u32 of resource   u32 of type   u32 tags   u32 metrics
 *     name, service, resource, type; a length of 0 means "not given"
 *     for each tag     u32 length of key   u32 length of value   key   value
 *     for each metric  u32 length of key   f64 value   key
 *
 * Records follow each other. A record whose lengths do not add up is dropped and counted as invalid. A record that
 * reaches beyond the buffer is too, and ends the buffer.
 *
 * @param tracer  the tracer that sends them
 * @param bytes   the buffer; NULL if `len` is 0
 * @param len     its length in bytes
 *
 * @return as spanwire_span_submit()
 *
 * Ownership: copies everything before it returns.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
spanwire_status spanwire_span_submit_packed(spanwire_tracer tracer, const void *bytes, size_t len);

/**
 * Sends a payload of the format v0.4 (`/v0.4/traces`) that the host has encoded itself: for a host that has a tracer
 * of its
 * own. Its spans take the way of all others: memory limit, sampling, queue, exporter, counters. They are sent in the
 * format that the tracer sends all spans in, such as v1.0 or OTLP.
 *
 * The payload is checked as a whole before anything is taken. It is MessagePack: an array of chunks; a chunk is an
 * array
 * of spans of one trace; a span is a map with the fields
 *
 *     trace_id, span_id               integers, not 0; negative ones are taken as the ids with the same 64 bits
 *     parent_id, start, duration, error   integers; missing ones are 0
 *     service, name, resource, type   texts, as in spanwire_record; missing, nil or empty means "not given"
 *     meta                            map of texts
 *     metrics                         map of numbers
 *     meta_struct                     map of blobs, each a MessagePack map
 *     span_links                      array of maps: trace_id, trace_id_high, span_id, flags, tracestate, attributes
 *     span_events                     array of maps: time_unix_nano, name, attributes with their types
 *
 * In links, trace_id and span_id must not be 0; in events, the name must not be empty, and an array must have values
 * of one
 * type. A blob may be given for a text. The maps and arrays may be nil. Fields that the library does not know are
 * dropped
 * and counted in `tags_dropped`, those inside links and events are ignored; their maps and arrays may be up to 64 deep.
 *
 * These tags belong to the chunk, whichever span has them; the first one counts:
 *
 *     _sampling_priority_v1   the sampling decision, which is kept. A chunk without it is sampled as the tracer's own
 *                             traces are, and its `_dd.p.dm` is ignored
 *     _dd.p.tid               the high half of the trace id, 16 hexadecimal digits
 *     _dd.top_level           the host marks top-level spans; otherwise the library does
 *
 * A tag of a span wins over the same tag of the tracer, for example `env`, `language`, `runtime-id` and `process_id`.
 * Texts
 * are cut and repaired, and tags, links, events and attributes beyond the limits are dropped, as
 * spanwire_span_set_tag()
 * and its like do it, and counted; so are tags without a key, numbers that are not finite, and blobs that are no map.
 * The
 * status is SPANWIRE_OK all the same.
 *
 * A payload that is refused is counted as invalid (`dropped_invalid`), and the log says so: as many spans as were read
 * up
 * to the fault, at least one. Spans behind the fault are not counted.
 *
 * @param tracer  the tracer that sends them
 * @param bytes   the payload
 * @param len     its length in bytes
 *
 * @return SPANWIRE_OK         also if DD_TRACE_ENABLED is off; the payload is then ignored without a check
 *         SPANWIRE_E_ARGUMENT the payload is refused as a whole: it is cut short, followed by other bytes, not of the
 *         form
 *                             above, a span has no ids, or spans of one chunk have different trace ids. Or `bytes` is
 *                             NULL and `len` is not 0, or `len` is beyond half the address space; nothing is counted
 *                             then
 *         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
 *         SPANWIRE_E_CLOSED   it was shut down
 *         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; spans without room were dropped and counted, the others
 *                             are
 *                             sent. Do not submit the payload again
 *
 * Ownership: copies everything before it returns.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
spanwire_status spanwire_trace_submit_v04(spanwire_tracer tracer, const void *bytes, size_t len);

/*
 * =====================================================================================================================
 * Debug mode
 * =====================================================================================================================
 *
 * One switch for the whole process. While it is on, the log has a line for each span, chunk and payload: what the
 * tracer recorded, what it sent, and what the agent answered. It may be turned on for a while in a process that is
 * serving:
 *
 *     spanwire_debug_set_for(60);
 */

/**
 * Turns debug mode on or off for the whole process. In debug mode the log has a line for each span, chunk and payload.
 * A call before the first tracer stays in force. `DD_TRACE_DEBUG` does the same from the start. While remote
 * configuration
 * turns debug mode on or off, that is in force; afterwards it is what the last call said.
 *
 * @param enabled  0 for off, any other number for on
 *
 * @return SPANWIRE_OK
 *
 * Threads:   any.
 * Blocks:    never.
 * Fork:      a child inherits the mode.
 * Since:     0.1
 */
spanwire_status spanwire_debug_set(int32_t enabled);

/**
 * Turns debug mode on for a limited time. Afterwards the former mode returns. Remote configuration overrides it, as
 * with
 * spanwire_debug_set().
 *
 * @param seconds  how long; 0 ends a running limited time
 *
 * @return SPANWIRE_OK
 *
 * Threads:   any.
 * Blocks:    never.
 * Fork:      a child inherits the mode; the time ends in both processes at once.
 * Since:     0.1
 */
spanwire_status spanwire_debug_set_for(uint32_t seconds);

/**
 * Returns whether debug mode is on, by a setting, a call or remote configuration. A level of the log that remote
 * configuration has raised for a flare is not debug mode.
 *
 * @return 1 if it is on, else 0
 *
 * Threads:   any.
 * Blocks:    never.
 * Fork:      a child inherits the mode.
 * Since:     0.1
 */
int32_t spanwire_debug_get(void);

/*
 * =====================================================================================================================
 * Logs
 * =====================================================================================================================
 *
 * What the tracer reports about itself. The setting SPANWIRE_LOG_SINKS chooses where it goes: standard error, a file,
 * or a ring in memory. The host takes records from the ring on its own thread, by a callback (spanwire_log_poll()) or
 * as lines of text (spanwire_log_drain()):
 *
 *     char lines[65536];
 *     size_t need = 0;
 *     while (spanwire_log_drain(lines, sizeof lines, &need) == SPANWIRE_OK && need > 1) fputs(lines, stdout);
 *
 * A host in which any thread may run any code can have records pushed to a callback, with
 * spanwire_log_add_sink_any_thread(). PHP, Ruby, Python and Node cannot. The host adds records of its own with
 * spanwire_log_write() and spanwire_log_event().
 */

/** Nothing is logged. */
#define SPANWIRE_LEVEL_OFF 0

/** Something was lost, or cannot work. */
#define SPANWIRE_LEVEL_ERROR 1

/** Something is wrong and was repaired, or may be lost. */
#define SPANWIRE_LEVEL_WARN 2

/** Rare facts: the start-up line, the agent is reachable again. The default level. */
#define SPANWIRE_LEVEL_INFO 3

/** One line for each span, chunk and payload: debug mode. */
#define SPANWIRE_LEVEL_DEBUG 4

/** Everything. */
#define SPANWIRE_LEVEL_TRACE 5

/** Maximum number of loggers with a level of their own. */
#define SPANWIRE_LOGGERS_MAX 64

/** Handle of a log sink, a number below 2^53; 0 is none. */
typedef uint64_t spanwire_sink;

/**
 * A log record. In a callback, the record and its texts are valid until the callback returns. spanwire_log_take() puts
 * the texts into the caller's buffer.
 */
typedef struct spanwire_log_record {
    /** `sizeof(spanwire_log_record)` of the library; the caller sets it before spanwire_log_take(). */
    size_t size;
    /** Time of the event in nanoseconds since 1970. */
    uint64_t time_ns;
    /** SPANWIRE_LEVEL_ERROR to SPANWIRE_LEVEL_TRACE. */
    int32_t level;
    /** Kind of the event, such as "span.finished" or "agent.unreachable"; NUL-terminated. */
    const char *target;
    /**
     * The whole record in the chosen dialect, without a newline at its end; NUL-terminated. In the dialects of some
     * languages a record can have several lines.
     */
    const char *text;
    /** Length of `text` in bytes. */
    size_t text_len;
    /** Number of records lost before this one because they were not taken in time. */
    uint64_t lost;
    /**
     * Name of the logger in the chosen dialect, such as "ddtrace.tracer"; NUL-terminated.
     * spanwire_log_set_logger_level() takes the same names.
     */
    const char *logger;
    /**
     * Start of the message inside `text`. What precedes it (time, process, level, name), a logger of the host adds
     * itself.
     */
    const char *message;
    /** Length of `message` in bytes. */
    size_t message_len;
    /** SPANWIRE_LOG_HOST_ONLY or 0. */
    uint32_t flags;
} spanwire_log_record;

/**
 * The record belongs in the host's own log even if a log file is set, and is not in that file. Examples: PHP's "Loaded
 * integration", and that the log file cannot be written.
 */
#define SPANWIRE_LOG_HOST_ONLY 1

/**
 * Receives a record and the `userdata` given with the callback. It must not throw an exception or leave by longjmp().
 * It may call any function; in a sink, not spanwire_tracer_flush() and spanwire_tracer_shutdown(). Records that are
 * logged inside a sink are counted, not delivered. The callback may fork: the child keeps the record until the
 * callback returns, and gets no further record of its parent.
 */
typedef void (*spanwire_log_callback)(const spanwire_log_record *record, void *userdata);

/**
 * Called once with a sink's `userdata`, after the last call of its callback. It must not throw an exception or leave
 * by longjmp(). It may fork.
 */
typedef void (*spanwire_release)(void *userdata);

/** Maximum number of sinks of a process. */
#define SPANWIRE_SINKS_MAX 64

/**
 * Sets the log level for the whole process, in force while debug mode is off. `DD_TRACE_LOG_LEVEL` does the same from
 * the start.
 *
 * @param level  SPANWIRE_LEVEL_OFF to SPANWIRE_LEVEL_TRACE
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT another number
 *
 * Threads:   any.
 * Blocks:    never.
 * Fork:      a child inherits the level.
 * Since:     0.1
 */
spanwire_status spanwire_log_set_level(int32_t level);

/**
 * Sets or removes the level of one logger and the loggers below it, for the whole process. Names are those of the
 * chosen dialect: "ddtrace.internal", "datadog.trace.agent.core", PHP's target "span"; in the dialects `native` and
 * `json` a record's target ("span", "agent.unreachable"). A logger's own rule, else that of its nearest parent, wins
 * over the level and over debug mode.
 *
 * "root" is the host's root logger, as in Python: its level holds for loggers without a rule, if debug mode is off and
 * neither DD_TRACE_LOG_LEVEL nor spanwire_log_set_level() has set a level. A binding calls this function when the host
 * sets the level of such a logger.
 *
 * @param logger  the logger's name, not NULL or empty
 * @param level   SPANWIRE_LEVEL_OFF to SPANWIRE_LEVEL_TRACE, or -1 to remove the rule
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `logger` is NULL or empty, or `level` is invalid
 *         SPANWIRE_E_LIMIT    there are SPANWIRE_LOGGERS_MAX rules
 *
 * Ownership: keeps no pointer, only a digest of the name.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      a child inherits the rules.
 * Since:     0.1
 */
spanwire_status spanwire_log_set_logger_level(const char *logger, int32_t level);

/**
 * Takes waiting records, oldest first, and calls the callback with each, during this call and on the calling thread.
 * For hosts that must not be called from foreign threads: PHP, Ruby, Python, Node.
 *
 * The ring holds 4,096 records or 1 MiB. When it is full, the oldest records are lost, and counted in the next
 * record's `lost`.
 *
 * @param callback  called for each record; no lock is held meanwhile
 * @param userdata  passed to the callback
 * @param max       maximum number of records; 0 for all that wait when the call begins
 * @param count     receives the number of records; may be NULL
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `callback` is NULL
 *
 * Ownership: a record is valid until its callback returns.
 * Threads:   any; each record goes to one caller.
 * Blocks:    never, except for what the callback does.
 * Fork:      a child's ring starts empty. In a child that the callback forks, the call ends after that record.
 * Since:     0.1
 */
spanwire_status spanwire_log_poll(spanwire_log_callback callback, void *userdata, size_t max, size_t *count);

/**
 * Takes waiting records as text: whole lines, each with a newline, then a NUL. Takes as many as fit.
 *
 * @param buffer    receives the lines; NULL only asks for the size, and takes nothing
 * @param capacity  size of the buffer in bytes
 * @param need      receives the bytes that all records needed which waited when the call began, including the NUL: 1
 *                  if none waited; may be NULL if `buffer` is not. Above 1, more records may wait: call again
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_LIMIT    the next record alone is larger than the buffer; it stays, and the buffer holds the
 *                             empty text
 *         SPANWIRE_E_ARGUMENT `buffer` and `need` are both NULL
 *
 * Ownership: the buffer is the caller's.
 * Threads:   any; each record goes to one caller.
 * Blocks:    never.
 * Fork:      a child's ring starts empty.
 * Since:     0.1
 */
spanwire_status spanwire_log_drain(char *buffer, size_t capacity, size_t *need);

/**
 * Takes the oldest waiting record, without a callback: for hosts that want level and logger with the text, and in
 * which a callback is expensive.
 *
 * @param record    receives the record; set its `size` to `sizeof(spanwire_log_record)` first. Its texts point into
 *                  `buffer`
 * @param buffer    receives the texts, each with a NUL
 * @param capacity  size of the buffer in bytes
 * @param need      receives the bytes that the record needs, 0 if none waits; may be NULL
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_NOT_FOUND no record waits
 *         SPANWIRE_E_LIMIT     the record needs a larger buffer, and stays
 *         SPANWIRE_E_ARGUMENT  `record` or `buffer` is NULL
 *         SPANWIRE_E_VERSION   `record->size` is invalid
 *
 * Ownership: buffer and record are the caller's.
 * Threads:   any; each record goes to one caller.
 * Blocks:    never.
 * Fork:      a child's ring starts empty.
 * Since:     0.1
 */
spanwire_status spanwire_log_take(spanwire_log_record *record, char *buffer, size_t capacity, size_t *need);

/**
 * Returns a descriptor that is readable while records wait, for poll(2) and event loops. It is a socket. Do not read
 * from it or close it. If a host closes it, as daemons close all descriptors that they do not know, the next call
 * returns a new one.
 *
 * @return the descriptor, the same at each call while it is open; -1 if the system gives none
 *
 * Ownership: the library's, until the process ends.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      a child calls it again: its first call of the library closes the inherited descriptor.
 * Since:     0.1
 */
int32_t spanwire_log_fd(void);

/**
 * Adds a record of the host to the log. It goes where the library's records go.
 *
 * @param level   SPANWIRE_LEVEL_ERROR to SPANWIRE_LEVEL_TRACE
 * @param target  the part of the host that logs, such as "php.hook"; NULL for "host"
 * @param text    the message, UTF-8; NULL is the empty text
 *
 * @return SPANWIRE_OK         also if the level is not logged
 *         SPANWIRE_E_ARGUMENT another level
 *
 * Ownership: copies the texts before it returns.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
spanwire_status spanwire_log_write(int32_t level, const char *target, const char *text);

/**
 * As spanwire_log_write(), with lengths.
 *
 * @param level       as in spanwire_log_write()
 * @param target      as in spanwire_log_write()
 * @param target_len  its length in bytes, or SPANWIRE_NUL
 * @param text        as in spanwire_log_write()
 * @param text_len    its length in bytes, or SPANWIRE_NUL
 *
 * @return as spanwire_log_write(); SPANWIRE_E_ARGUMENT also for a length beyond half the address space
 *
 * Ownership: as spanwire_log_write().
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
spanwire_status spanwire_log_write_n(
    int32_t level, const char *target, size_t target_len, const char *text, size_t text_len);

/**
 * Reports an event of the host (a hook installed, a method compiled) with fields. The chosen dialect turns it into a
 * line.
 *
 * Any kind can be reported. It reads as its name and its fields, at level debug, or warn if the name ends in
 * ".failed". The kinds below read as the tracer of the language writes them, at its level, if it has such a line:
 *
 *     jit.started              function_id, token, name           a method is compiled (.NET, native code)
 *     transport.chosen         factory, product                   how the Agent is reached (.NET)
 *     class.transformed        class, classloader                 a class was instrumented (Java)
 *     instrumentation.applied  state, classloader                 an instrumentation was applied (Java)
 *     class_path               path                               the class path (Java)
 *     integration.failed       name, error                        an integration could not be set up
 *     integrations.loaded      names, count                       all integrations that were set up
 *     sampling.decided         trace_id, sampled, rate, mechanism, rule
 *     rate_limited             trace_id, traces, ms               the sampler's limit was reached (.NET)
 *     remote_config.received   version, paths, payload, url, seconds
 *     remote_config.unchanged
 *     remote_config.failed     error
 *     flare.started            level
 *     flare.sent               case_id, url
 *     flare.failed             error, status, url
 *     shutdown.waiting         seconds                            (Python)
 *
 * A field that is not given is left out of the line. docs/log-lines.md shows the lines.
 *
 * @param kind    kind of the event, such as "hook.installed"; not NULL
 * @param fields  an array of `count` fields; NULL if `count` is 0
 * @param count   number of fields
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `kind` is NULL, `fields` is NULL and `count` is not 0, a field has no key, or a length
 *                             is invalid
 *
 * Ownership: copies the texts before it returns.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
spanwire_status spanwire_log_event(const char *kind, const spanwire_tag *fields, size_t count);

/**
 * Adds a callback that is called with each record, on the log's own thread. Not for PHP, Ruby, Python or Node: there a
 * call from a foreign thread ends or blocks the process. Those hosts use spanwire_log_poll() or spanwire_log_drain().
 *
 * A record may reach the callback before this call has returned and set `id`. Adding a callback twice makes two sinks.
 * A slow callback delays other sinks; records are then lost and counted. It never delays the threads that log.
 *
 * @param level     the least important level that the callback receives; it gets no more than the process logs
 * @param callback  called with each record, one call at a time
 * @param userdata  passed to the callback
 * @param release   called once with `userdata` when the sink is removed and its last call has returned; NULL for none.
 *                  Not called if adding fails
 * @param id        receives the sink's handle; 0 on failure
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `callback` or `id` is NULL, or the level is invalid
 *         SPANWIRE_E_LIMIT    there are SPANWIRE_SINKS_MAX sinks
 *
 * Threads:   any.
 * Blocks:    never; the first record for a sink starts the log's thread, which has all signals blocked.
 * Fork:      a child inherits the sinks; its first record starts a thread of its own.
 * Since:     0.1
 */
spanwire_status spanwire_log_add_sink_any_thread(
    int32_t level, spanwire_log_callback callback, void *userdata, spanwire_release release, spanwire_sink *id);

/**
 * Removes a sink. After SPANWIRE_OK its callback does not run any more, and `release` was called. Called from inside
 * that callback it returns at once, and `release` is called after the callback.
 *
 * @param id  a sink; 0 does nothing
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_NOT_FOUND there is no such sink, or another call is removing it
 *         SPANWIRE_E_TIMEOUT   its callback has not returned within 10 s; it is not called again, and `release` is
 *                              called when it returns
 *
 * Threads:   any. Do not hold a lock that the callback takes.
 * Blocks:    while the callback runs, up to 10 s.
 * Fork:      a child removes its own copy only.
 * Since:     0.1
 */
spanwire_status spanwire_log_remove_sink(spanwire_sink id);

/*
 * =====================================================================================================================
 * The application's own log
 * =====================================================================================================================
 *
 * Lines of the application's log can name the trace that they belong to. The host, or an integration for its logger,
 * adds the fields that spanwire_log_correlation() writes. docs/log-correlation.md says how to find the ids in debug
 * lines.
 */

/** For spanwire_log_correlation(): `dd.trace_id=… dd.span_id=… dd.service=… dd.env=… dd.version=…`. */
#define SPANWIRE_LOG_FIELDS_TEXT 0

/**
 * For spanwire_log_correlation(): the same as members of a JSON object, without its braces. All values are texts.
 */
#define SPANWIRE_LOG_FIELDS_JSON 1

/**
 * Writes the fields that connect a line of the application's log with its trace. A field without a value is left out:
 * `dd.env` and `dd.version` if they are not set, both ids without a span.
 *
 * `dd.trace_id` is 32 hexadecimal digits; decimal if the id has only 64 bits, and for its low 64 bits with
 * DD_TRACE_128_BIT_TRACEID_LOGGING_ENABLED=false. `dd.span_id` is decimal. Service, environment and version are the
 * tracer's settings. In the form of text, white space in them becomes `_`.
 *
 * With DD_LOGS_INJECTION=false the text is empty, and the status is the same as with true.
 *
 * @param tracer  the tracer whose settings are written; 0 for the tracer of `span`
 * @param span    an open span, also one that the parent process had open before a fork; 0 for the fields without ids.
 *                If both are 0, the text is empty
 * @param form    SPANWIRE_LOG_FIELDS_TEXT or SPANWIRE_LOG_FIELDS_JSON
 * @param text    receives the fields and a NUL; NULL only asks for the size
 * @param size    size of `text` in bytes; 512 are usually enough
 * @param need    receives the bytes needed, including the NUL; may be NULL if `text` is not
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE   `span` is finished, or was never a span: `text` has the fields without ids; or `tracer`
 *                             is
 *                             freed, or was never a tracer: nothing is written
 *         SPANWIRE_E_LIMIT    `text` is too small; it holds the empty text
 *         SPANWIRE_E_ARGUMENT `form` is unknown, or `text` and `need` are both NULL
 *
 * Ownership: the buffer is the caller's.
 * Threads:   any. Does not wait for calls on the span.
 * Blocks:    never.
 * Fork:      works on inherited spans.
 * Since:     0.1
 */
spanwire_status spanwire_log_correlation(
    spanwire_tracer tracer, spanwire_span span, uint32_t form, char *text, size_t size, size_t *need);

/*
 * =====================================================================================================================
 * Flight recorder
 * =====================================================================================================================
 *
 * The last few thousand events of the process (spans, payloads, the agent), in memory of a fixed size, kept even while
 * nothing is logged. It shows afterwards what led to a failure: from another process while this one runs or hangs
 * (`spanwire recorder PID`), from a core, or from inside, where a function of the program, here show(), gets each
 * event and writes its text:
 *
 *     void show(const spanwire_recorder_event *event, void *file);
 *     spanwire_recorder_read(show, stderr, 50, NULL);
 */

/** An event of the flight recorder. It and its texts are valid until the callback returns. */
typedef struct spanwire_recorder_event {
    /** `sizeof(spanwire_recorder_event)` of the library. */
    size_t size;
    /** Time of the event in nanoseconds since 1970; of a span its start or end. */
    uint64_t time_ns;
    /**
     * Kind of the event: 1 span started, 2 finished, 3 discarded, 4 chunk enqueued, 5 payload being sent, 6 sent, 7
     * agent refused, 8 agent unreachable, 9 reachable again, 10 spans dropped, 11 abandoned, 12 tracer made, 13
     * stopped, 14 debug mode switched, 15 setting rejected, 16 process forked, 17 internal error caught, 18 log
     * records lost, 19 loss of spans ended, 20 recorder started. A number never changes its meaning; new ones may be
     * added.
     */
    uint32_t kind;
    /** 1 if the span that finished has an error, else 0. */
    uint32_t error;
    /** Name of the kind, such as "span.started"; NUL-terminated. */
    const char *name;
    /** First value: a span's id, a payload's bytes, the reason of a loss, …; `text` explains it. */
    uint64_t first;
    /**
     * Second value: of a finished span its duration in nanoseconds, with the tracer's number in the upper eight bits.
     */
    uint64_t second;
    /**
     * The event in a few English words, for people; NUL-terminated, without a newline. It may change: do not parse it.
     */
    const char *text;
    /** Length of `text` in bytes. */
    size_t text_len;
} spanwire_recorder_event;

/**
 * Receives an event and the `userdata` given with the callback. It must not throw an exception or leave by longjmp().
 * It may call any function, and may fork.
 */
typedef void (*spanwire_recorder_callback)(const spanwire_recorder_event *event, void *userdata);

/**
 * Calls the callback with each event that the flight recorder holds, oldest first, during this call and on the calling
 * thread. The events stay: the next call returns them again, with later ones.
 *
 * Each thread writes to one of eight shards of 512 events. Rare events have a ninth shard, so that busy threads do not
 * overwrite the events of the agent. The call also updates the counters that other processes can read.
 *
 * @param callback  called for each event; no lock is held meanwhile
 * @param userdata  passed to the callback
 * @param max       maximum number of events, the latest ones; 0 for all
 * @param count     receives the number of events; may be NULL
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `callback` is NULL
 *         SPANWIRE_E_MEMORY   the system gave no memory for the recorder; it is empty
 *
 * Ownership: an event is valid until its callback returns.
 * Threads:   any, also while others trace; an event that is being written at that moment is left out.
 * Blocks:    never, except for what the callback does; copies the recorder, 170 KB.
 * Fork:      a child has its own recorder, which starts empty. In a child that the callback forks, the call ends after
 *            that event.
 * Since:     0.1
 */
spanwire_status spanwire_recorder_read(spanwire_recorder_callback callback, void *userdata, size_t max, size_t *count);

/**
 * Returns the descriptor of the recorder's memory, which holds the events and the counters; docs/debugging.md has the
 * layout. Another process of the same user reaches it as /proc/PID/fd/N; `spanwire recorder PID` reads it. Map it or
 * read it with pread(2); do not close it.
 *
 * @return the descriptor; -1 if the system gave no memory file, or the host has closed the descriptor
 *
 * Ownership: the library's, until the process ends. It is closed by exec.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      a child calls it again: its first call of the library closes the inherited descriptor.
 * Since:     0.1
 */
int32_t spanwire_recorder_fd(void);

/*
 * =====================================================================================================================
 * Flares
 * =====================================================================================================================
 *
 * A flare is a zip archive that explains what a tracer does: settings with their origins, log, flight recorder,
 * counters, open spans, facts about the process. Secrets are replaced. A host writes one to a file, or has the Agent
 * pass it on to Datadog's support:
 *
 *     spanwire_error problem = {0};
 *     problem.size = sizeof problem;
 *     spanwire_status written = spanwire_flare_write(tracer, "/tmp/shop-flare.zip", &problem);
 *     if (written != SPANWIRE_OK) fprintf(stderr, "%s\n", problem.message);
 *     spanwire_flare_send(tracer, "12345", "user@example.com", NULL, 10000, &problem);
 */

/**
 * Writes a flare to a new file: a zip archive with the settings and their origins, the log, the flight recorder, the
 * counters, open spans, and facts about the process. Its manifest says what each file is. Secrets are replaced
 * (docs/redaction.md); docs/flares.md explains the files. Needs neither a worker nor an Agent, and works on a tracer
 * that was shut down.
 *
 * @param tracer  a tracer
 * @param path    the file; nothing may exist there, not even a symbolic link. Its mode is 0600. A file that cannot be
 *                written completely is removed
 * @param error   receives the status and a sentence; may be NULL
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `path` is NULL or empty
 *         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
 *         SPANWIRE_E_IO       the file exists or cannot be written
 *
 * Ownership: copies the path. The file is the caller's.
 * Threads:   any.
 * Blocks:    for reads of files under /proc, for compressing a few megabytes, and for writing the file. Span calls of
 *            other threads go on. Uses up to 96 KiB of stack, and up to 32 MiB of memory for that time, which
 *            `SPANWIRE_MEMORY_MAX` does not count.
 * Fork:      a child writes a flare of itself.
 * Since:     0.1
 */
spanwire_status spanwire_flare_write(spanwire_tracer tracer, const char *path, spanwire_error *error);

/**
 * Sends a flare to the Agent, which passes it on to Datadog's support, and waits for the Agent's answer. The flare has
 * the contents of spanwire_flare_write(). It is made and sent on a thread of the library, in memory, and touches no
 * disk. The log says once what became of it (`flare.sent`, `flare.failed`).
 *
 * One flare is sent at a time by all processes of a user on a host. The Agent must be connected to Datadog and offer
 * flares (`/tracer_flare/v1` in its `/info`).
 *
 * @param tracer      a tracer; the flare goes to its Agent
 * @param case_id     number of the support case, such as "12345"; also "12345-with-debug" and "12345-with-content"
 * @param email       the e-mail address that the support case belongs to
 * @param hostname    the host; NULL or empty for the name of this one
 * @param timeout_ms  maximum wait in milliseconds. 0 returns at once; the log then has the result
 * @param error       receives the status and a sentence; may be NULL
 *
 * @return SPANWIRE_OK         the Agent accepted it
 *         SPANWIRE_E_ARGUMENT `case_id` is no such number, or `email` is NULL or empty
 *         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
 *         SPANWIRE_E_CLOSED   it was shut down; spanwire_flare_write() still works
 *         SPANWIRE_E_TIMEOUT  not sent yet; sending goes on in the background. It waits 10 s at most for another
 *                             process
 *                             that sends a flare, and its request takes at most five times
 *                             `SPANWIRE_REQUEST_TIMEOUT_MS`
 *         SPANWIRE_E_LIMIT    8 flares wait already, or the system gives no thread
 *         SPANWIRE_E_IO       the Agent was not reached, answered with an error or offers no flares, or the tracer
 *                             writes to a file
 *
 * Ownership: copies the texts.
 * Threads:   any.
 * Blocks:    up to `timeout_ms`.
 * Fork:      a child sends a flare of itself. A flare that its parent is sending is not affected.
 * Since:     0.1
 */
spanwire_status spanwire_flare_send(
    spanwire_tracer tracer, const char *case_id, const char *email, const char *hostname, uint32_t timeout_ms,
    spanwire_error *error);

/*
 * =====================================================================================================================
 * Fates of traces
 * =====================================================================================================================
 *
 * What became of one of the last traces: a person has the id of a trace that is missing, and asks why. `spanwire why`
 * answers that from outside; a host may show the sentence beside an error's trace id:
 *
 *     spanwire_fate fate = {0};
 *     fate.size = sizeof fate;
 *     spanwire_context context = {0};
 *     context.size = sizeof context;
 *     spanwire_span_context(span, &context);
 *     if (spanwire_trace_fate(context.trace_id_high, context.trace_id_low, &fate) == SPANWIRE_OK) puts(fate.text);
 */

/** The process does not know the trace: it is older than the last 16,384 traces, or never was in this process. */
#define SPANWIRE_FATE_UNKNOWN 0

/** Spans of the trace are open. */
#define SPANWIRE_FATE_OPEN 1

/** Its finished spans wait in the queue. */
#define SPANWIRE_FATE_QUEUED 2

/** The worker sends it, or waits to try again. */
#define SPANWIRE_FATE_IN_FLIGHT 3

/** The agent has acknowledged all its spans. */
#define SPANWIRE_FATE_SENT 4

/** Spans of it were dropped; `dropped` says for which reason. */
#define SPANWIRE_FATE_DROPPED 5

/** It was not sent: its spans were open when the tracer was shut down. */
#define SPANWIRE_FATE_ABANDONED 6

/** It was not sent: the host discarded its spans. */
#define SPANWIRE_FATE_DISCARDED 7

/** `rule` of a decision by `DD_TRACE_SAMPLE_RATE`. */
#define SPANWIRE_FATE_SAMPLE_RATE 32767

/** `rule` of a decision by `DD_APM_TRACING_ENABLED=false`, which keeps one trace a minute. */
#define SPANWIRE_FATE_MINUTE 32766

/** What became of a trace in this process. */
typedef struct spanwire_fate {
    /** `sizeof(spanwire_fate)`, set by the caller. */
    size_t size;
    /** High half of the trace id; 0 if the trace is not known. */
    uint64_t trace_id_high;
    /** Low half of the trace id; 0 if the trace is not known. */
    uint64_t trace_id_low;
    /** One of `SPANWIRE_FATE_*`. */
    uint32_t state;
    /**
     * Why spans were dropped last: 0 if none were, else 1 for `dropped_queue_full` of spanwire_stats, 2 for
     * `dropped_memory`, and so on.
     */
    uint32_t dropped;
    /** Spans that are open now. */
    uint64_t spans_open;
    /** Finished spans that wait for these. */
    uint64_t spans_waiting;
    /** Finished spans in the queue or on the way to the agent. */
    uint64_t spans_pending;
    /** Spans that the agent has acknowledged. */
    uint64_t spans_sent;
    /** Spans that were dropped. */
    uint64_t spans_dropped;
    /** Attempts to send its spans that failed and were repeated. */
    uint32_t attempts_failed;
    /** Status of the agent's last answer that concerned the trace; 0 if it has not answered. */
    uint32_t http_status;
    /** Error of the last attempt, if it was one of the system; else 0. */
    int32_t error_number;
    /**
     * Sampling priority; SPANWIRE_PRIORITY_NONE if the trace is not decided. The agent stores no trace with 0 or less.
     */
    int32_t priority;
    /**
     * What decided, as the tag `_dd.p.dm` has it: 0 default, -1 the agent's rates, -3 a rule or rate of the
     * settings, -4 the program; SPANWIRE_PRIORITY_NONE if that is not known.
     */
    int32_t mechanism;
    /**
     * Place of the rule in DD_TRACE_SAMPLING_RULES that decided, from 1; 0 for none; SPANWIRE_FATE_SAMPLE_RATE or
     * SPANWIRE_FATE_MINUTE.
     */
    uint32_t rule;
    /** Rate of the decision, from 0 to 1; -1 for none. */
    double rate;
    /** 1 if the rate kept the trace and a limit on traces per second rejected it; else 0. */
    uint32_t limited;
    /** 1 if another process made the decision, else 0. */
    uint32_t decided_elsewhere;
    /** When the first spans were handed over to be sent, in nanoseconds since 1970; 0 if none were. */
    uint64_t handed_ns;
    /** When what is above last changed, in nanoseconds since 1970; 0 if no spans were handed over. */
    uint64_t changed_ns;
    /**
     * All that in one English sentence, for people; NUL-terminated, without a newline. It may change: do not parse it.
     */
    char text[512];
} spanwire_fate;

/**
 * Says what became of a trace: whether it is open, waits, was sent or dropped, and why. The flight recorder keeps this
 * of the last 16,384 traces that were handed over to be sent; of the first 512 from the beginning, and of more as long
 * as the system gives memory. `spanwire why` reads the same from outside.
 *
 * A trace here is the part of it in this process. The ids are those that spanwire_span_context() returns.
 *
 * @param trace_id_high  high half of the trace id; 0 if it is not known, and then any trace with that low half counts
 * @param trace_id_low   low half of the trace id
 * @param out            receives as many fields as its `size` holds; the caller sets `size`
 *
 * @return SPANWIRE_OK         also for a trace that is not known: `state` is SPANWIRE_FATE_UNKNOWN
 *         SPANWIRE_E_ARGUMENT `out` is NULL
 *         SPANWIRE_E_VERSION  `out->size` is not set
 *
 * Threads:   any.
 * Blocks:    up to 100 ms for each trace with open spans that another call holds at that moment; such a trace is left
 *            out. It looks through all recorded traces and all traces with open spans.
 * Fork:      a child knows its own traces only.
 * Since:     0.1
 */
spanwire_status spanwire_trace_fate(uint64_t trace_id_high, uint64_t trace_id_low, spanwire_fate *out);

/*
 * =====================================================================================================================
 * Looking at another process
 * =====================================================================================================================
 *
 * For debuggers: describes another process that uses this library from its memory, live or from a core. A host does
 * not need this. People use the command `spanwire` of GDB and LLDB (bindings/gdb, bindings/lldb), or `spanwire core
 * FILE`.
 */

/**
 * Reads memory of the inspected process: fills `into` with the `length` bytes at `address`.
 *
 * @return 0 if all of them were read, else any other number; `into` may then hold anything
 */
typedef int32_t (*spanwire_memory_callback)(uint64_t address, void *into, size_t length, void *userdata);

/** Receives a text of `length` bytes, UTF-8, not NUL-terminated, valid until the callback returns. */
typedef void (*spanwire_text_callback)(const char *text, size_t length, void *userdata);

/**
 * Describes what a process that uses this library is doing, or was doing when its core was written, by reading its
 * memory. For debuggers: bindings/gdb and bindings/lldb use it, and docs/debugging.md shows its answers.
 *
 * The process may use an older or newer libspanwire, with or without symbols: the exported datum `spanwire_debug_root`
 * leads to a table that describes the memory. The calling process's own tracers are not read or changed.
 *
 * Commands: status | spans [N] | span ID | trace ID | queue | log [N] | events [N] | settings | counters | help.
 * Any other command is answered with this list. Secrets are redacted.
 *
 * @param root      the address of `spanwire_debug_root` in that process
 * @param pid       that process's id; 0 if unknown
 * @param command   the command; NUL-terminated
 * @param read      reads that process's memory; called many times, also with addresses that do not exist there
 * @param write     receives the answer, lines with newlines; called once unless the status is SPANWIRE_E_ARGUMENT or
 *                  SPANWIRE_E_PANIC. With SPANWIRE_E_NOT_FOUND and SPANWIRE_E_VERSION the answer is one sentence that
 *                  says why
 * @param userdata  passed to both callbacks
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT   `command`, `read` or `write` is NULL, or `command` is not UTF-8
 *         SPANWIRE_E_NOT_FOUND  there is no table at `root`, or it is damaged or missing
 *         SPANWIRE_E_VERSION    the table has a version that this library does not know
 *
 * Threads:   any; the callbacks run on the calling thread.
 * Blocks:    as long as `read` does; it reads at most 1 GiB in all.
 * Fork:      nothing is kept between calls.
 * Since:     0.1
 */
spanwire_status spanwire_process_inspect(
    uint64_t root, uint64_t pid, const char *command, spanwire_memory_callback read, spanwire_text_callback write,
    void *userdata);

/*
 * =====================================================================================================================
 * Process
 * =====================================================================================================================
 *
 * What concerns the process as a whole. A program that forks does not need this.
 */

/**
 * Tells the library that this process is a forked child. Only for hosts that copy a process in a way that the kernel
 * does not see as a fork. Not needed after fork(), _Fork() or a raw clone(): the first call in a child notices those.
 * Does nothing if the process id is unchanged.
 *
 * daemon(3), which Ruby's Process.daemon calls, forks, and the calling process ends by _exit() without its exit
 * handlers: its queue is lost. Call spanwire_tracer_flush() before. The tracer then works in the daemon as in any
 * forked child. The daemon cannot finish a span that was open at that moment, but can use it as a parent. Finished
 * spans of its trace are sent only when it is finished, or by spanwire_tracer_shutdown(); after that the daemon makes
 * a new tracer with spanwire_tracer_new().
 *
 * Threads:   the child's only thread.
 * Blocks:    never.
 * Fork:      call it in the child, before any other function.
 * Since:     0.1
 */
void spanwire_process_after_fork_child(void);

#ifdef __cplusplus
}
#endif

#endif /* SPANWIRE_H */
