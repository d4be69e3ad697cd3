/**
 * @file spanwire.h
 *
 * Spanwire is a tracer core. A host (a server, a PHP extension, a Ruby gem, …) says what it is doing as spans:
 * operations with a start, a duration, a parent and tags. Spanwire gathers those of one trace, keeps them in a bounded
 * queue, and sends them to a Datadog Agent from a thread of its own. It never harms the host, never makes a request
 * wait, never grows without bound, and counts whatever it had to drop.
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
 * It prints the trace; with the URL of an agent, or without that setting, it sends it. Build it with -lspanwire.
 *
 * Names
 * -----
 * Functions are spanwire_<noun>_<verb>, types spanwire_<noun>, constants SPANWIRE_<NOUN>_<NAME>. A function that ends
 * in _n is its namesake with the lengths of texts beside them; one that ends in _with takes a structure of options.
 * There is no macro and no inline function that a program needs, so that any language can call what is here.
 *
 * Statuses
 * --------
 * Most functions answer with a spanwire_status: SPANWIRE_OK, which is 0, or a negative SPANWIRE_E_ code, whose numbers
 * never change. Span calls need no check: a start that fails gives span 0, and every call that sets or finishes takes
 * span 0, does nothing and answers SPANWIRE_OK. Worth a check are spanwire_tracer_new() and spanwire_tracer_shutdown().
 *
 * Handles
 * -------
 * Tracers, spans and sinks are numbers below 2^53, so that a double holds them, and 0 is none. A number that is stale
 * or was never given out is recognised: it is answered with a status and does no harm.
 *
 * Text in
 * -------
 * Text is UTF-8; bytes that are not are replaced by U+FFFD and counted, and what is too long is cut at a character and
 * counted. It is NUL-terminated where no length goes with it. A length is in bytes, and SPANWIRE_NUL in its place means
 * "measure it". All text is copied before the call returns.
 *
 * Text out
 * --------
 * Text goes into the caller's buffer, with a NUL. `need`, if it is not NULL, is set to the bytes that the text and its
 * NUL take, whether they fit or not. If they are more than `capacity` the buffer gets the empty text and the call
 * answers SPANWIRE_E_LIMIT. A buffer that is NULL only asks how much is needed: SPANWIRE_OK, but SPANWIRE_E_ARGUMENT if
 * `need` is NULL as well. spanwire_log_drain() alone takes as many lines as fit.
 *
 * Structures
 * ----------
 * Most structures begin with their `size` and may grow at the end. Set every field to zero, then `size` to the sizeof
 * of the structure: zero means "not given" everywhere. That way a program goes on working with a newer library, which
 * fills or reads the fields that the program knows. With an older library the fields that it does not know must be
 * zero, or SPANWIRE_E_VERSION is the answer. spanwire_setting, spanwire_tag and spanwire_metric have no size and never
 * change.
 *
 * Threads
 * -------
 * Every function may be called from any thread at any time, but spanwire_tracer_flush() and spanwire_tracer_shutdown()
 * not from inside a log's callback. Calls on one span are serialised. A call that finishes or discards a span does not
 * wait for another one that is under way: the span then ends when that one returns. The library has at most a few
 * threads of its own: one that sends for each address of an agent (normally one), started with the first span; one that
 * writes the log where it is pushed somewhere; one that looks up host names. All signals are blocked in them. No
 * function may be called from a signal handler: it may have interrupted malloc.
 *
 * No function is a cancellation point: a thread that pthread_cancel() is called for ends after the call, and callbacks
 * inside of a call are not cancelled either. A call that waits is not cut short by it. A thread whose cancellation type
 * is PTHREAD_CANCEL_ASYNCHRONOUS must not call the library.
 *
 * Blocking
 * --------
 * "Blocks: never" means that the call never waits for the network, for a file, or for a lock that is held during
 * either. The functions that wait on purpose take a timeout or say how long: spanwire_tracer_flush(),
 * spanwire_tracer_shutdown(), spanwire_log_remove_sink(). The others say what they do that takes time.
 *
 * Fork
 * ----
 * A forked child needs no call of its own. It keeps tracers under their numbers, settings and sinks, and begins with an
 * empty queue, counters at 0 and no threads; what waits in the parent, the parent sends. A span that the parent had
 * open can be the parent of spans in the child, but only the parent can change and finish it: SPANWIRE_E_FORKED. The
 * child's first call closes the descriptors that the library had open in the parent, and gives back what is left of
 * older processes: neither memory nor descriptors grow however deep a host forks.
 *
 * Descriptors
 * -----------
 * All descriptors of the library are above 2 and closed by exec. A host may close any of them and open its own under
 * the same number: the library notices, leaves the number alone, and opens another one where it needs it. It writes to
 * standard error only while descriptor 2 leads where it led at the first call, or to what looks like another output: a
 * terminal, pipe or device, a file opened for appending, or the one that is also standard output.
 *
 * Exit
 * ----
 * Nothing happens at exit by itself. A process that wants its last second of spans delivered calls
 * spanwire_tracer_shutdown() before, with the time that it can spare. The library stays loaded once it is: dlclose()
 * does not unmap it.
 *
 * Memory
 * ------
 * All that spans occupy, open, waiting or queued, is under one bound, the setting SPANWIRE_MEMORY_MAX. Open spans may
 * take three quarters of it, so that a span that was started finds room when it is finished. Where a bound is reached
 * spans and tags are refused or dropped, and counted in spanwire_stats by reason. `memory_used` there is what is
 * counted against the bound: the table of spans, about 400 bytes for each that was ever open at a time, which stays;
 * the texts and tags of open spans; finished spans that wait, are queued or are being sent; and buffers kept for the
 * next spans, which are freed when they were not used for a minute, and at shutdown. It counts what the allocator adds
 * to each block, but not what lies idle in the allocator itself, which grows with the number of threads. No function
 * hands out memory that must be freed; static texts stay for ever.
 *
 * Stack
 * -----
 * Span, context and submit calls need at most 8 KiB of stack, all others at most 32 KiB: so much that a coroutine or a
 * thread with a small stack can make them, also as the first call of a process or of a forked child. Debug mode needs
 * more, and so do callbacks of the host, which run on top.
 *
 * Failure
 * -------
 * No call throws, unwinds or jumps out, and errno stays what it was. A defect of the library that is caught is answered
 * with SPANWIRE_E_PANIC and logged; after a few of them the library turns itself off and says so.
 *
 * Each function says which threads may call it, whether it blocks, what a fork means for it, and since which version it
 * is there; and who owns what, where that is a question.
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
 * Which library is loaded. A program that is linked needs none of this. A binding that loads the library at run time
 * asks first whether it speaks the interface that the binding was made for:
 *
 *     if (spanwire_abi_version() != SPANWIRE_ABI_VERSION) return;
 */

/**
 * The interface that this header describes. It grows without changing this number: new functions, new settings, new
 * fields at the end of structures that carry their `size`. The number changes when something that was there changes.
 */
#define SPANWIRE_ABI_VERSION 0

/**
 * The version of this library, for people and logs.
 *
 * @return a static text such as "0.1.0", never NULL
 *
 * Ownership: the library's, for ever.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
const char *spanwire_version(void);

/**
 * The version of this interface. A binding that was built for another number must not call anything else here.
 *
 * @return `SPANWIRE_ABI_VERSION` of the library that is loaded, which may differ from that of the header
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
 * What calls answer. Compare with SPANWIRE_OK; other numbers are negative, and new ones may come. The calls say which
 * of them they give and why.
 */

/**
 * What a call came to: `SPANWIRE_OK`, or a negative number that says why not. Numbers keep their meaning for ever;
 * a program must expect ones that it does not know.
 */
typedef int32_t spanwire_status;

/** Done. */
#define SPANWIRE_OK 0

/** An argument cannot be meant: NULL where something is needed, a length beyond the address space, an empty key. */
#define SPANWIRE_E_ARGUMENT (-1)

/** The handle is freed or finished, of another kind, or never was one. */
#define SPANWIRE_E_HANDLE (-2)

/** The span was started before a fork, by the parent process, and only the parent can change it. */
#define SPANWIRE_E_FORKED (-3)

/** The tracer was shut down. */
#define SPANWIRE_E_CLOSED (-4)

/** A structure's `size` is of no version that this library knows. */
#define SPANWIRE_E_VERSION (-5)

/** There is no such tag or sink. */
#define SPANWIRE_E_NOT_FOUND (-6)

/** A documented limit is reached, or the caller's buffer is too small. */
#define SPANWIRE_E_LIMIT (-10)

/** `SPANWIRE_MEMORY_MAX` is reached, or the system gives no more memory for what spans hold. */
#define SPANWIRE_E_MEMORY (-11)

/** Not done within the time that was given. */
#define SPANWIRE_E_TIMEOUT (-20)

/**
 * Another thread has been inside a call on this span for 100 ms. Calls that finish or discard a span never answer this.
 * (Nothing here may be called from a signal handler.)
 */
#define SPANWIRE_E_BUSY (-21)

/** A defect of this library was caught before it could reach the host; the log has its message. */
#define SPANWIRE_E_PANIC (-30)

/**
 * What a status means, in one English phrase without a full stop.
 *
 * @param status  any number
 *
 * @return a static text, never NULL; for an unknown number a text that says so
 *
 * Ownership: the library's, for ever.
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
 * A tracer is one set of settings with the agent that they name and counters of its own. A process makes one when it
 * begins and shuts it down before it ends. Making one from an equal list gives the same again, so a host that has no
 * place to keep it, as a PHP script, makes it in every request.
 *
 * Settings are texts with documented names, so that a new one changes nothing here. The host's list wins over the
 * environment, but for names with `default:` before them, which the environment overrides.
 *
 *     const spanwire_setting settings[] = {{"DD_SERVICE", "shop"}, {"default:DD_AGENT_HOST", "agent.local"}};
 *     spanwire_error error = {0};
 *     error.size = sizeof error;
 *     if (spanwire_tracer_new(settings, 2, &tracer, &error) != SPANWIRE_OK) fprintf(stderr, "%s\n", error.message);
 */

/** A tracer, as a number below 2^53; 0 is none. Not a pointer: a wrong one is answered with a status. */
typedef uint64_t spanwire_tracer;

/** One setting: a documented name and its value, both NUL-terminated UTF-8. This structure never changes. */
typedef struct spanwire_setting {
    /** `DD_SERVICE`, `SPANWIRE_FLUSH_INTERVAL_MS`, …; `default:DD_SERVICE` ranks below the environment. */
    const char *name;
    /** The value as the environment would give it; NULL and "" mean "not set". */
    const char *value;
} spanwire_setting;

/** A status with a sentence for people, filled by calls that are rare enough to afford one. */
typedef struct spanwire_error {
    /** `sizeof(spanwire_error)`, set by the caller. */
    size_t size;
    /** What the call returned. */
    spanwire_status status;
    /** What was wrong and what to do, NUL-terminated; empty when nothing was. */
    char message[244];
} spanwire_error;

/**
 * What a tracer has counted. Between calls these hold exactly:
 *
 *     started  = finished + open + abandoned + discarded
 *     finished = waiting + queued + in flight + sent + dropped,   dropped = the sum of the reasons
 *
 * While spans are being started and finished a snapshot may be off by those in motion. In a forked child all counts
 * begin at 0.
 */
typedef struct spanwire_stats {
    /** `sizeof(spanwire_stats)`, set by the caller. */
    size_t size;
    /** Spans started, submitted ones among them. */
    uint64_t spans_started;
    /** Spans finished. */
    uint64_t spans_finished;
    /** Spans open now. */
    uint64_t spans_open;
    /** Spans that were still open at shutdown; they are not sent. */
    uint64_t spans_abandoned;
    /** Spans given to spanwire_span_discard(). */
    uint64_t spans_discarded;
    /** Finished spans whose trace still has open ones. */
    uint64_t spans_waiting;
    /** Finished spans in the queue. */
    uint64_t spans_queued;
    /** Finished spans in the payload that is being sent. */
    uint64_t spans_in_flight;
    /** Finished spans in payloads that the agent answered with 2xx. */
    uint64_t spans_sent;
    /** Finished spans dropped, whatever the reason. */
    uint64_t spans_dropped;
    /** … because the queue was full (`SPANWIRE_QUEUE_MAX`, `SPANWIRE_QUEUE_MAX_CHUNKS`). */
    uint64_t dropped_queue_full;
    /** … because `SPANWIRE_MEMORY_MAX` was reached. */
    uint64_t dropped_memory;
    /**
     * … because the agent could not be reached for `SPANWIRE_RETRY_FOR_MS`, or refused a connection while the tracer
     * was being shut down.
     */
    uint64_t dropped_unreachable;
    /** … because the agent answered with a status that no retry changes, or never with another one. */
    uint64_t dropped_refused;
    /** … because one span alone is larger than the agent takes. */
    uint64_t dropped_too_large;
    /** … because they had not left when the time of a shutdown was over. */
    uint64_t dropped_shutdown;
    /** … because a submitted record had no ids or was cut short, or an internal error kept a batch from being sent. */
    uint64_t dropped_invalid;
    /** … because the payload was sent but never answered, and given up: the agent may have it. */
    uint64_t dropped_unknown_fate;
    /** Spans that could not be started: the tracer was closed, or memory was short. Not among `spans_started`. */
    uint64_t starts_refused;
    /** Payloads answered with 2xx; lines, where the agent is a file. */
    uint64_t payloads_sent;
    /** Attempts of which a part was sent and that were never answered. What was tried again may have arrived twice. */
    uint64_t payloads_unknown;
    /** Attempts that failed or were refused. */
    uint64_t attempts_failed;
    /** Bytes of the payloads answered with 2xx. */
    uint64_t bytes_sent;
    /** Texts that were not UTF-8 and were repaired with U+FFFD. */
    uint64_t texts_repaired;
    /** Texts that were too long and were cut. */
    uint64_t texts_cut;
    /** Tags that were dropped: a span's limit, or memory. */
    uint64_t tags_dropped;
    /** Spans started under a parent that had finished, or never was: each is the root of a new trace. */
    uint64_t parents_unknown;
    /** Bytes that spans occupy at this moment, all tracers of the process together; see "Memory" above. */
    uint64_t memory_used;
    /** The bound on that, `SPANWIRE_MEMORY_MAX` of the first tracer. */
    uint64_t memory_max;
} spanwire_stats;

/**
 * The most tracers that a process has at a time. A freed tracer does not count, even if its spans have not left yet.
 */
#define SPANWIRE_TRACERS_MAX 64

/**
 * Makes a tracer, or gives the one that was made from an equal list again. Opens no connection, starts no thread.
 *
 * Settings are taken from the list, then the environment, then defaults; docs/settings.md has them all. A value that
 * cannot be used is a warning in the log and the next source's value is taken; it is never a reason to fail.
 * The environment is read here, on the calling thread, and not again, except that the C library reads RES_OPTIONS,
 * LOCALDOMAIN and HOSTALIASES when the Agent's name is looked up, on a thread of ours: no look-up is needed for an
 * address,
 * `localhost` or a Unix socket. Other threads may change the environment during this call; a variable that they change
 * has its old value or its new one. In a program that links the static library, the call also reads the variables of
 * HTTP
 * proxies, which are not used, by getenv(): there no other thread may change the environment during the call.
 *
 * @param settings  an array of `count` settings; NULL if `count` is 0
 * @param count     how many
 * @param out       where the tracer goes; 0 on failure
 * @param error     filled with status and a sentence; NULL if that is not wanted
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `out` is NULL, or a setting has no name, or `settings` is NULL but `count` is not 0
 *         SPANWIRE_E_LIMIT    the process has SPANWIRE_TRACERS_MAX tracers with other settings, or still sends to as
 *                             many other agents what freed tracers have left
 *
 * Ownership: copies all texts. Give the tracer back with spanwire_tracer_free(), once for each time it was given out.
 * Threads:   any.
 * Blocks:    for a few reads of files under /proc and /sys; never for the network.
 * Fork:      the tracer works in a forked child under the same number, with an empty queue and counters at 0.
 * Since:     0.1
 */
spanwire_status spanwire_tracer_new(
    const spanwire_setting *settings, size_t count, spanwire_tracer *out, spanwire_error *error);

/**
 * Starts the tracer's worker thread now. Without it the first span starts the thread.
 *
 * @param tracer  a tracer
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE  `tracer` is freed, or never was a tracer
 *         SPANWIRE_E_CLOSED  it was shut down
 *         SPANWIRE_E_LIMIT   the system does not give another thread; the next span or flush tries again
 *
 * Threads:   any.
 * Blocks:    for the creation of one thread, which has all signals blocked.
 * Fork:      the thread is not there in a child; the child's first span starts its own.
 * Since:     0.1
 */
spanwire_status spanwire_tracer_start(spanwire_tracer tracer);

/**
 * Gives a tracer back. When it was given back as often as it was given out it ends: spans that are open are abandoned
 * and counted, finished ones are still sent in the background, and the number is stale.
 *
 * @param tracer  a tracer; 0 does nothing
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE  `tracer` is freed, or never was a tracer
 *
 * Threads:   any; may be called while spans are open.
 * Blocks:    up to 10 ms for spans that are still open; if there are more, such as a million, the worker's thread
 *            abandons
 *            the rest. To know that spans have left, call spanwire_tracer_shutdown() before.
 * Fork:      frees the child's share only.
 * Since:     0.1
 */
spanwire_status spanwire_tracer_free(spanwire_tracer tracer);

/**
 * Sends all traces of this tracer that are complete now, and waits until each is acknowledged or dropped. Finished
 * spans
 * of traces that still have open ones are not sent: spanwire_tracer_shutdown() does that. A flush may shorten the wait
 * between two attempts, but not a wait that the agent has asked for with `Retry-After`.
 *
 * @param tracer      a tracer
 * @param timeout_ms  how long to wait, in milliseconds; 0 only asks for the flush
 *
 * @return SPANWIRE_OK        nothing of what was complete waits any more; spanwire_tracer_stats() tells what was
 *                            dropped
 *         SPANWIRE_E_TIMEOUT the time is over; sending goes on in the background
 *         SPANWIRE_E_LIMIT   at once: the system does not give a thread for the worker, so that nothing can be sent;
 *                            spans wait in the queue, and the log says so (`limits.threads`)
 *         SPANWIRE_E_HANDLE  `tracer` is freed, or never was a tracer
 *         SPANWIRE_E_CLOSED  it was shut down
 *
 * Threads:   any, but not from a log sink's callback.
 * Blocks:    up to `timeout_ms`.
 * Fork:      a child waits for its own spans only. Call it before exec and daemon(3), which end the process without
 *            its exit handlers.
 * Since:     0.1
 */
spanwire_status spanwire_tracer_flush(spanwire_tracer tracer, uint32_t timeout_ms);

/**
 * Shuts a tracer down. No span can be started any more; those that are open are abandoned, counted, and named in one
 * warning; finished spans, of incomplete traces too, are sent; what has not left when the time is over is dropped and
 * counted as `dropped_shutdown`. Where the agent refuses every connection (nobody listens there, or there is no such
 * socket), the shutdown ends after one such attempt instead of using up its time, and what has not left is counted as
 * `dropped_unreachable`. Idempotent.
 *
 * @param tracer      a tracer; all its shares are shut down
 * @param timeout_ms  how long it may take, in milliseconds
 *
 * @return SPANWIRE_OK        everything that was finished is acknowledged, or was refused by the agent
 *         SPANWIRE_E_TIMEOUT not everything was delivered: the time is over, or the agent refuses connections. The rest
 *                            is dropped. A request that is under way is counted as in flight until it ends, and the
 *                            log's last line names its spans as of unknown fate. What is left of a million open spans
 *                            is counted as open until the worker's thread has abandoned them
 *         SPANWIRE_E_LIMIT   at once: the system does not give a thread for the worker, and the rest is dropped
 *         SPANWIRE_E_HANDLE  `tracer` is freed, or never was a tracer
 *
 * Threads:   any, but not from a log sink's callback.
 * Blocks:    up to `timeout_ms`, and at its end up to 100 ms for the last counts and the log.
 * Fork:      a child shuts down its own only. Nothing happens at exit by itself: a process that wants its last second
 *            of spans delivered calls this.
 * Since:     0.1
 */
spanwire_status spanwire_tracer_shutdown(spanwire_tracer tracer, uint32_t timeout_ms);

/**
 * Takes a tracer's numbers together. They stay readable after a shutdown, until the tracer is freed.
 *
 * @param tracer  a tracer
 * @param out     its `size` is set by the caller; as many fields as that holds are filled
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE   `tracer` is freed, or never was a tracer
 *         SPANWIRE_E_ARGUMENT `out` is NULL
 *         SPANWIRE_E_VERSION  `out->size` is not set
 *
 * Threads:   any.
 * Blocks:    never; takes time with the number of traces that have open spans.
 * Fork:      a child's numbers begin at 0.
 * Since:     0.1
 */
spanwire_status spanwire_tracer_stats(spanwire_tracer tracer, spanwire_stats *out);

/**
 * Writes the frozen settings as one JSON object: what the start-up line has, and under "settings" every setting with
 * its
 * value and where that came from. Secrets are redacted.
 *
 * @param tracer    a tracer
 * @param buffer    where the text and a NUL go; NULL only asks how much is needed
 * @param capacity  the buffer's size in bytes
 * @param need      set to the bytes needed with the NUL; may be NULL if `buffer` is not
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_LIMIT    the buffer is too small; it holds the empty text
 *         SPANWIRE_E_HANDLE   `tracer` is freed, or never was a tracer
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
 * Tells that the host has set up an integration (the tracing of a library), for the debug log.
 *
 * @param tracer   a tracer
 * @param name     such as "mysqli"; not NULL
 * @param version  of the integrated library; NULL if unknown
 * @param status   such as "loaded" or "disabled"; NULL for "loaded"
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE   `tracer` is freed, or never was a tracer
 *         SPANWIRE_E_ARGUMENT `name` is NULL
 *
 * Ownership: copies what it keeps.
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
 * A context is what a span's children need of it: ids and the decision whether the trace is kept. It is a value, which
 * may be stored, copied and sent, and it stays good when the span has finished. spanwire_span_context() fills one; a
 * span continues one when it stands in its options:
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

/** `sampling_priority` and `decision_maker` of a context are set. Without it the trace is decided anew. */
#define SPANWIRE_CONTEXT_HAS_PRIORITY 1

/**
 * What a span hands on to its children elsewhere: its ids and its trace's decision, by value. It outlives the span, so
 * late children (of asynchronous work) keep one; it may cross threads, forks and processes.
 */
typedef struct spanwire_context {
    /** `sizeof(spanwire_context)`, set by the caller before every use. */
    size_t size;
    /** High half of the trace id; 0 for an id of 64 bits. */
    uint64_t trace_id_high;
    /** Low half of the trace id; not 0. */
    uint64_t trace_id_low;
    /** The span that children name as their parent; not 0. */
    uint64_t span_id;
    /** -1 rejected by hand, 0 rejected, 1 kept, 2 kept by hand. */
    int32_t sampling_priority;
    /** How that was decided: 0 by default, -4 by hand; the negative numbers of `_dd.p.dm` as they are sent. */
    int32_t decision_maker;
    /** `SPANWIRE_CONTEXT_HAS_PRIORITY`, or 0. */
    uint32_t flags;
    /** 0. */
    uint32_t reserved;
} spanwire_context;

/*
 * =====================================================================================================================
 * Spans
 * =====================================================================================================================
 *
 * A span is one operation: started, described, finished. A trace is a span without a parent and all that descend from
 * it; it is sent when the last of them has finished. Every span must be finished or discarded, on whichever thread.
 *
 *     spanwire_span query = spanwire_span_start(tracer, span, "mysql.query");
 *     spanwire_span_set_type(query, "sql");
 *     spanwire_span_set_resource(query, "SELECT name FROM goods WHERE id = ?");
 *     spanwire_span_set_metric(query, "db.row_count", 12);
 *     spanwire_span_finish(query);
 *
 * Where each call is dear, as through an FFI, spanwire_span_start_with() says all at once.
 */

/** A length that stands for "the text is NUL-terminated: measure it". */
#define SPANWIRE_NUL ((size_t)-1)

/** A span, as a number below 2^53; 0 is none, and every function takes it and does nothing. */
typedef uint64_t spanwire_span;

/** The most tags, texts and numbers together, that a span holds. */
#define SPANWIRE_SPAN_TAGS_MAX 1024

/** The longest key of a tag, in bytes; what is longer is cut at a character, and counted. */
#define SPANWIRE_TAG_KEY_MAX 200

/** The longest value of a text tag, in bytes; likewise. */
#define SPANWIRE_TAG_VALUE_MAX 25000

/** The longest resource, in bytes; likewise. */
#define SPANWIRE_RESOURCE_MAX 5000

/** The longest name, service or type, in bytes; likewise. */
#define SPANWIRE_NAME_MAX 200

/** The largest blob, in bytes; a larger one is refused. */
#define SPANWIRE_META_STRUCT_MAX 1048576

/** For spanwire_span_id_text(): the trace id as 32 lower-case hexadecimal digits. */
#define SPANWIRE_ID_TRACE_HEX 0

/**
 * For spanwire_span_id_text(): the trace id as `dd.trace_id` in logs: 32 hexadecimal digits if it has more than 64
 * bits, else decimal.
 */
#define SPANWIRE_ID_TRACE 1

/** For spanwire_span_id_text(): the span id, decimal, as `dd.span_id` in logs. */
#define SPANWIRE_ID_SPAN 2

/** A text tag. Lengths are in bytes; `SPANWIRE_NUL` stands for "NUL-terminated". This structure never changes. */
typedef struct spanwire_tag {
    /** The key, UTF-8, not empty. */
    const char *key;
    /** Its length. */
    size_t key_len;
    /** The value, UTF-8; NULL is the empty text. */
    const char *value;
    /** Its length. */
    size_t value_len;
} spanwire_tag;

/** A numeric tag. This structure never changes. */
typedef struct spanwire_metric {
    /** The key, UTF-8, not empty. */
    const char *key;
    /** Its length in bytes, or `SPANWIRE_NUL`. */
    size_t key_len;
    /** A finite number. */
    double value;
} spanwire_metric;

/**
 * All that can be said of a span when it starts. Zero-initialise it, set `size`, and set what is known: a text that is
 * NULL is not given; one that is given needs its length, or `SPANWIRE_NUL`.
 */
typedef struct spanwire_span_options {
    /** `sizeof(spanwire_span_options)`. */
    size_t size;
    /** The parent span; 0 for none. */
    spanwire_span parent;
    /** The parent's context, used where `parent` is 0; NULL for none. */
    const spanwire_context *parent_context;
    /** The operation, such as "http.request". */
    const char *name;
    /** Its length in bytes. */
    size_t name_len;
    /** The service; not given: the parent's, else the tracer's. */
    const char *service;
    /** Its length in bytes. */
    size_t service_len;
    /** The resource, such as "GET /users/:id"; not given: the name. */
    const char *resource;
    /** Its length in bytes. */
    size_t resource_len;
    /** The type, such as "web" or "sql". */
    const char *type;
    /** Its length in bytes. */
    size_t type_len;
    /** The start in nanoseconds since 1970; 0, or a time before 1970, for now. */
    int64_t start_ns;
    /** Text tags. */
    const spanwire_tag *tags;
    /** How many. */
    size_t tags_count;
    /** Numeric tags. */
    const spanwire_metric *metrics;
    /** How many. */
    size_t metrics_count;
} spanwire_span_options;

/**
 * Starts a span.
 *
 * @param tracer  the tracer that sends it
 * @param parent  its parent; 0 makes it the root of a new trace. A parent of another tracer, or of the process that
 *                this one was forked from, is continued as one from elsewhere. A parent that has finished, or never
 *                was, is counted, and the span is the root of a new trace: late children keep a spanwire_context.
 * @param name    the operation, UTF-8; NULL or empty becomes "unnamed_operation"; cut to SPANWIRE_NAME_MAX
 *
 * A child has its parent's service until it is given one. Where another thread is inside a call on the parent for more
 * than 100 ms, the child goes into a chunk of its own, with its parent's ids but the tracer's service.
 *
 * @return the span, or 0 when there is none: `tracer` is wrong or shut down, DD_TRACE_ENABLED is off, or
 *         SPANWIRE_MEMORY_MAX is reached; spanwire_tracer_stats() counts the last as `starts_refused`.
 *         spanwire_span_start_with() says which.
 *
 * Ownership: copies the name. Every span must be finished or discarded.
 * Threads:   any; a span may be used and finished on another thread than it was started on.
 * Blocks:    never; the first span of a tracer starts its worker thread.
 * Fork:      only the process that started a span can change and finish it.
 * Since:     0.1
 */
spanwire_span spanwire_span_start(spanwire_tracer tracer, spanwire_span parent, const char *name);

/**
 * spanwire_span_start() with the name's length.
 *
 * @param tracer    as there
 * @param parent    as there
 * @param name      as there
 * @param name_len  its length in bytes, or SPANWIRE_NUL; beyond half the address space the name counts as NULL
 *
 * @return as there
 *
 * Ownership: as there.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      as there.
 * Since:     0.1
 */
spanwire_span spanwire_span_start_n(spanwire_tracer tracer, spanwire_span parent, const char *name, size_t name_len);

/**
 * Starts a span with all that is known of it: one call where calls are dear.
 *
 * A tag that cannot be taken (no key, a number that is not finite, over a limit) is dropped and counted in
 * `tags_dropped`; the span starts all the same.
 *
 * @param tracer   the tracer that sends it
 * @param options  what is known; see spanwire_span_options
 * @param out      where the span goes; 0 where there is none
 *
 * @return SPANWIRE_OK         also where DD_TRACE_ENABLED is off, with 0 in `out`
 *         SPANWIRE_E_ARGUMENT `options` or `out` is NULL, a length cannot be meant, or a context has no ids
 *         SPANWIRE_E_VERSION  `options->size` is of no known version
 *         SPANWIRE_E_HANDLE   `tracer` is freed, or never was a tracer
 *         SPANWIRE_E_CLOSED   it was shut down
 *         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached
 *
 * Ownership: copies all texts. Every span must be finished or discarded.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      as for spanwire_span_start().
 * Since:     0.1
 */
spanwire_status spanwire_span_start_with(
    spanwire_tracer tracer, const spanwire_span_options *options, spanwire_span *out);

/**
 * Sets a text tag on an open span. The last value of a key wins, over a number of that key too.
 *
 * @param span   an open span. 0 does nothing and is SPANWIRE_OK.
 * @param key    the tag's name, UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX bytes at a character, and counted
 * @param value  the tag's value, UTF-8; NULL is the empty text; cut to SPANWIRE_TAG_VALUE_MAX, and counted
 *
 * Bytes that are not UTF-8 become U+FFFD and are counted; the tag is kept.
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED   `span` was started before a fork, by the parent
 *         SPANWIRE_E_ARGUMENT `key` is NULL or empty
 *         SPANWIRE_E_LIMIT    the span holds SPANWIRE_SPAN_TAGS_MAX tags; this one was dropped and counted
 *         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; likewise
 *         SPANWIRE_E_BUSY     another thread is inside a call on the span for 100 ms; the tag was dropped and counted
 *
 * Ownership: copies key and value before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_tag(spanwire_span span, const char *key, const char *value);

/**
 * spanwire_span_set_tag() with lengths.
 *
 * @param span       as there
 * @param key        as there
 * @param key_len    its length in bytes, or SPANWIRE_NUL
 * @param value      as there; may hold NUL bytes
 * @param value_len  its length in bytes, or SPANWIRE_NUL
 *
 * @return as there, and SPANWIRE_E_ARGUMENT for a length beyond half the address space
 *
 * Ownership: as there.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      as there.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_tag_n(
    spanwire_span span, const char *key, size_t key_len, const char *value, size_t value_len);

/**
 * Sets a numeric tag on an open span. The last value of a key wins, over a text of that key too.
 *
 * @param span   an open span. 0 does nothing and is SPANWIRE_OK.
 * @param key    the tag's name, UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX
 * @param value  a finite number
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED   `span` was started before a fork, by the parent
 *         SPANWIRE_E_ARGUMENT `key` is NULL or empty, or `value` is not finite; the tag was dropped and counted
 *         SPANWIRE_E_LIMIT    the span holds SPANWIRE_SPAN_TAGS_MAX tags; likewise
 *         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; likewise
 *         SPANWIRE_E_BUSY     another thread holds the span for too long
 *
 * Ownership: copies the key before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_metric(spanwire_span span, const char *key, double value);

/**
 * spanwire_span_set_metric() with the key's length.
 *
 * @param span     as there
 * @param key      as there
 * @param key_len  its length in bytes, or SPANWIRE_NUL
 * @param value    as there
 *
 * @return as there
 *
 * Ownership: as there.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      as there.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_metric_n(spanwire_span span, const char *key, size_t key_len, double value);

/**
 * Sets several text tags in one call. One that cannot be taken does not keep the others from being set.
 *
 * @param span   an open span. 0 does nothing and is SPANWIRE_OK.
 * @param tags   an array of `count` tags; NULL if `count` is 0
 * @param count  how many
 *
 * @return as for spanwire_span_set_tag(); of several failures the first
 *
 * Ownership: copies all texts before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      as for spanwire_span_set_tag().
 * Since:     0.1
 */
spanwire_status spanwire_span_set_tags(spanwire_span span, const spanwire_tag *tags, size_t count);

/**
 * Removes a tag, text or number.
 *
 * @param span  an open span. 0 does nothing and is SPANWIRE_OK.
 * @param key   the tag's name
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_NOT_FOUND the span has no such tag
 *         SPANWIRE_E_HANDLE    `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED    `span` was started before a fork, by the parent
 *         SPANWIRE_E_ARGUMENT  `key` is NULL or empty
 *         SPANWIRE_E_BUSY      another thread holds the span for too long
 *
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_remove_tag(spanwire_span span, const char *key);

/**
 * Reads a tag of an open span as text; a number in the fewest digits that mean it, such as "42.5" and "1e300".
 *
 * @param span      an open span; 0 has no tags
 * @param key       the tag's name
 * @param buffer    where the value and a NUL go; NULL only asks how much is needed
 * @param capacity  the buffer's size in bytes
 * @param need      set to the bytes needed with the NUL; may be NULL if `buffer` is not. Only SPANWIRE_OK and
 *                  SPANWIRE_E_LIMIT set it and write to `buffer`
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_NOT_FOUND the span has no such tag, or `span` is 0
 *         SPANWIRE_E_LIMIT     the buffer is too small; it holds the empty text
 *         SPANWIRE_E_HANDLE    `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED    `span` was started before a fork, by the parent
 *         SPANWIRE_E_ARGUMENT  `key` is NULL or empty, or `buffer` and `need` are both NULL, whatever `span` is
 *         SPANWIRE_E_BUSY      another thread holds the span for too long
 *
 * Ownership: the buffer is the caller's.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_get_tag(spanwire_span span, const char *key, char *buffer, size_t capacity, size_t *need);

/**
 * Sets a span's service. Its children that are started later have it, too.
 *
 * @param span     an open span. 0 does nothing and is SPANWIRE_OK.
 * @param service  UTF-8; NULL or empty for the tracer's own; cut to SPANWIRE_NAME_MAX
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE  `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED  `span` was started before a fork, by the parent
 *         SPANWIRE_E_MEMORY  SPANWIRE_MEMORY_MAX is reached; the former one stays
 *         SPANWIRE_E_BUSY    another thread holds the span for too long
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
 * @param span      an open span. 0 does nothing and is SPANWIRE_OK.
 * @param resource  UTF-8; NULL or empty for the span's name; cut to SPANWIRE_RESOURCE_MAX
 *
 * @return as for spanwire_span_set_service()
 *
 * Ownership: copies the text before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      as for spanwire_span_set_service().
 * Since:     0.1
 */
spanwire_status spanwire_span_set_resource(spanwire_span span, const char *resource);

/**
 * spanwire_span_set_resource() with the length.
 *
 * @param span          as there
 * @param resource      as there
 * @param resource_len  its length in bytes, or SPANWIRE_NUL
 *
 * @return as there, and SPANWIRE_E_ARGUMENT for a length beyond half the address space
 *
 * Ownership: as there.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      as there.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_resource_n(spanwire_span span, const char *resource, size_t resource_len);

/**
 * Sets a span's type: "web", "db", "sql", "cache", "http", ….
 *
 * @param span  an open span. 0 does nothing and is SPANWIRE_OK.
 * @param type  UTF-8; NULL or empty for none; cut to SPANWIRE_NAME_MAX
 *
 * @return as for spanwire_span_set_service()
 *
 * Ownership: copies the text before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      as for spanwire_span_set_service().
 * Since:     0.1
 */
spanwire_status spanwire_span_set_type(spanwire_span span, const char *type);

/**
 * Renames a span.
 *
 * @param span  an open span. 0 does nothing and is SPANWIRE_OK.
 * @param name  the operation, UTF-8; NULL or empty becomes "unnamed_operation"; cut to SPANWIRE_NAME_MAX
 *
 * @return as for spanwire_span_set_service()
 *
 * Ownership: copies the text before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      as for spanwire_span_set_service().
 * Since:     0.1
 */
spanwire_status spanwire_span_set_name(spanwire_span span, const char *name);

/**
 * Marks a span as failed and says how: the tags `error.type`, `error.message` and `error.stack`.
 *
 * @param span     an open span. 0 does nothing and is SPANWIRE_OK.
 * @param type     the kind of error, such as an exception's class; NULL leaves the tag as it is
 * @param message  what it says; NULL likewise
 * @param stack    where it came from, lines apart; NULL likewise
 *
 * @return as for spanwire_span_set_tag(); the span is marked even where a tag was dropped
 *
 * Ownership: copies the texts before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      as for spanwire_span_set_tag().
 * Since:     0.1
 */
spanwire_status spanwire_span_set_error(spanwire_span span, const char *type, const char *message, const char *stack);

/**
 * spanwire_span_set_error() with lengths.
 *
 * @param span         as there
 * @param type         as there
 * @param type_len     its length in bytes, or SPANWIRE_NUL
 * @param message      as there
 * @param message_len  its length in bytes, or SPANWIRE_NUL
 * @param stack        as there
 * @param stack_len    its length in bytes, or SPANWIRE_NUL
 *
 * @return as there, and SPANWIRE_E_ARGUMENT for a length beyond half the address space
 *
 * Ownership: as there.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      as there.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_error_n(
    spanwire_span span, const char *type, size_t type_len, const char *message, size_t message_len, const char *stack,
    size_t stack_len);

/**
 * Marks a span as failed, or takes the mark away; tags stay as they are.
 *
 * @param span   an open span. 0 does nothing and is SPANWIRE_OK.
 * @param error  0 for no error, anything else for an error
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE  `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED  `span` was started before a fork, by the parent
 *         SPANWIRE_E_BUSY    another thread holds the span for too long
 *
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_error_flag(spanwire_span span, int32_t error);

/**
 * Adds a structured value (`meta_struct`) to a span. The last value of a key wins.
 *
 * @param span   an open span. 0 does nothing and is SPANWIRE_OK.
 * @param key    its name, UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX
 * @param bytes  the value, encoded as MessagePack by the caller; it is not looked into
 * @param len    its length in bytes, up to SPANWIRE_META_STRUCT_MAX
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_LIMIT    too large, or SPANWIRE_SPAN_TAGS_MAX of them; dropped and counted
 *         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; likewise
 *         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED   `span` was started before a fork, by the parent
 *         SPANWIRE_E_ARGUMENT `key` is NULL or empty, or `bytes` is NULL but `len` is not 0
 *         SPANWIRE_E_BUSY     another thread holds the span for too long
 *
 * Ownership: copies key and value before it returns.
 * Threads:   any; calls on one span are serialised.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_meta_struct(spanwire_span span, const char *key, const void *bytes, size_t len);

/**
 * Sets the sampling priority of the span's whole trace by hand; later children and contexts have it.
 *
 * @param span      an open span. 0 does nothing and is SPANWIRE_OK.
 * @param priority  -1 reject, 0 reject if nobody keeps it, 1 keep, 2 keep for certain
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT another number
 *         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
 *         SPANWIRE_E_FORKED   `span` was started before a fork, by the parent
 *         SPANWIRE_E_BUSY     another thread holds the span for too long
 *
 * Threads:   any.
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_set_priority(spanwire_span span, int32_t priority);

/**
 * Finishes a span now. Its number is stale afterwards. When it was the last open span of its trace, the trace is sent.
 *
 * @param span  an open span. 0 does nothing and is SPANWIRE_OK.
 *
 * @return SPANWIRE_OK        finished, or dropped and counted where memory is short
 *         SPANWIRE_E_HANDLE  `span` is finished already, or was never a span
 *         SPANWIRE_E_FORKED  `span` was started before a fork, by the parent
 *
 * Threads:   any. Where another thread is inside a call on the span, or on its trace, the span is finished when that
 *            call returns, and its end is the time of this call.
 * Blocks:    never; a full queue drops the trace and counts it.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_finish(spanwire_span span);

/**
 * Finishes a span at a time that the host knows.
 *
 * @param span    an open span. 0 does nothing and is SPANWIRE_OK.
 * @param end_ns  the end in nanoseconds since 1970; before the start, as every time before 1970 is, means a duration
 *                of 0
 *
 * @return as for spanwire_span_finish()
 *
 * Threads:   any.
 * Blocks:    never.
 * Fork:      as for spanwire_span_finish().
 * Since:     0.1
 */
spanwire_status spanwire_span_finish_at(spanwire_span span, int64_t end_ns);

/**
 * Gives a span up: it is not sent. Its children keep naming it as their parent.
 *
 * @param span  an open span. 0 does nothing and is SPANWIRE_OK.
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_HANDLE  `span` is finished already, or was never a span
 *         SPANWIRE_E_FORKED  `span` was started before a fork, by the parent
 *
 * Threads:   any; as for spanwire_span_finish().
 * Blocks:    never.
 * Fork:      see SPANWIRE_E_FORKED.
 * Since:     0.1
 */
spanwire_status spanwire_span_discard(spanwire_span span);

/**
 * Copies what children elsewhere, or later, need of a span. Where another thread is inside a call on the span for more
 * than 100 ms, that is the ids alone, without SPANWIRE_CONTEXT_HAS_PRIORITY.
 *
 * @param span  an open span; one that the parent of this forked process had open will do, too
 * @param out   its `size` is set by the caller
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
 * @param span      an open span; one that the parent of this forked process had open will do, too
 * @param kind      SPANWIRE_ID_TRACE_HEX, SPANWIRE_ID_TRACE or SPANWIRE_ID_SPAN
 * @param buffer    where the text and a NUL go; 33 bytes always do; NULL only asks how much is needed
 * @param capacity  the buffer's size in bytes
 * @param need      set to the bytes needed with the NUL; may be NULL if `buffer` is not
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
 * Submitting finished spans
 * =====================================================================================================================
 *
 * For a host that keeps its spans itself and only wants them sent: it hands over whole finished spans with ids of its
 * own, a trace's together. They share queue, limits and counters with spans that were started here.
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
 */

/** For `sampling_priority` of a record: not decided by the host. */
#define SPANWIRE_PRIORITY_NONE INT32_MIN

/**
 * A finished span as spanwire_span_submit() takes it. Zero-initialise it, set `size`, and set what is known; all
 * elements of one array have the same `size`.
 */
typedef struct spanwire_record {
    /** `sizeof(spanwire_record)`. */
    size_t size;
    /** High half of the trace id; 0 for an id of 64 bits. */
    uint64_t trace_id_high;
    /** Low half of the trace id; not 0. */
    uint64_t trace_id_low;
    /** The span's id; not 0. */
    uint64_t span_id;
    /** The parent's id; 0 for a root. */
    uint64_t parent_id;
    /** The start in nanoseconds since 1970; 0, or a time before 1970, is not known: the span then ends now. */
    int64_t start_ns;
    /** The duration in nanoseconds; a negative one counts as 0, and one whose end is beyond INT64_MAX is cut. */
    int64_t duration_ns;
    /** The operation. */
    const char *name;
    /** Its length in bytes, or SPANWIRE_NUL. */
    size_t name_len;
    /** The service; NULL for the tracer's own. */
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
    /** Text tags. */
    const spanwire_tag *tags;
    /** How many. */
    size_t tags_count;
    /** Numeric tags. */
    const spanwire_metric *metrics;
    /** How many. */
    size_t metrics_count;
    /** 0 for no error, anything else for an error. */
    int32_t error;
    /** The trace's sampling priority, or SPANWIRE_PRIORITY_NONE; that of a trace's first record counts. */
    int32_t sampling_priority;
} spanwire_record;

/**
 * Sends finished spans that the host has kept itself. Records of one trace that follow each other become one chunk, so
 * give a trace's spans together.
 *
 * A record that cannot be used (no ids, a length that cannot be meant) is dropped and counted as invalid; the others
 * are sent.
 *
 * @param tracer   the tracer that sends them
 * @param records  an array of `count` records, `records[0].size` bytes apart; NULL if `count` is 0
 * @param count    how many
 *
 * @return SPANWIRE_OK         also where DD_TRACE_ENABLED is off: then nothing is done
 *         SPANWIRE_E_ARGUMENT `records` is NULL but `count` is not 0, or a record was dropped as invalid
 *         SPANWIRE_E_VERSION  `records[0].size` is of no known version
 *         SPANWIRE_E_HANDLE   `tracer` is freed, or never was a tracer
 *         SPANWIRE_E_CLOSED   it was shut down
 *         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; what had no room was dropped and counted
 *
 * Ownership: copies all texts before it returns.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
spanwire_status spanwire_span_submit(spanwire_tracer tracer, const spanwire_record *records, size_t count);

/**
 * spanwire_span_submit() for records packed in one buffer, for hosts to which building an array of structures is dear.
 *
 * A record is, all numbers little-endian and without padding:
 *
 *     u32 length of the record, these four bytes among them     u32 flags: 1 error
 *     u64 trace id, high   u64 low   u64 span id   u64 parent id
 *     i64 start, ns since 1970   i64 duration, ns   i32 sampling priority
 *     u32 length of name   u32 of service   u32 of resource   u32 of type   u32 tags   u32 metrics
 *     name, service, resource, type; a length of 0 means "not given"
 *     for each tag     u32 length of key   u32 length of value   key   value
 *     for each metric  u32 length of key   f64 value   key
 *
 * Records follow each other. One whose lengths do not add up is dropped and counted as invalid; one that reaches beyond
 * the buffer ends it.
 *
 * @param tracer  the tracer that sends them
 * @param bytes   the buffer; NULL if `len` is 0
 * @param len     its length in bytes
 *
 * @return as for spanwire_span_submit()
 *
 * Ownership: copies everything before it returns.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
spanwire_status spanwire_span_submit_packed(spanwire_tracer tracer, const void *bytes, size_t len);

/*
 * =====================================================================================================================
 * Debug mode
 * =====================================================================================================================
 *
 * One switch for the whole process. While it is on the log has a line for each span, chunk and payload: what the tracer
 * saw, what it sent, and what came back. It may be turned on in a process that is serving, for a while:
 *
 *     spanwire_debug_set_for(60);
 */

/**
 * Turns debug mode on or off, for the whole process. In debug mode there is a log line for each span, chunk and
 * payload. Set before the first tracer it stays; `DD_TRACE_DEBUG` does the same from the start.
 *
 * @param enabled  0 for off, anything else for on
 *
 * @return SPANWIRE_OK
 *
 * Threads:   any.
 * Blocks:    never.
 * Fork:      a child has its parent's mode.
 * Since:     0.1
 */
spanwire_status spanwire_debug_set(int32_t enabled);

/**
 * Turns debug mode on for a while; afterwards it is what it was.
 *
 * @param seconds  how long; 0 ends a while that is running
 *
 * @return SPANWIRE_OK
 *
 * Threads:   any.
 * Blocks:    never.
 * Fork:      a child's while ends when its parent's does.
 * Since:     0.1
 */
spanwire_status spanwire_debug_set_for(uint32_t seconds);

/**
 * Whether debug mode is on.
 *
 * @return 1 if it is, else 0
 *
 * Threads:   any.
 * Blocks:    never.
 * Fork:      a child has its parent's mode.
 * Since:     0.1
 */
int32_t spanwire_debug_get(void);

/*
 * =====================================================================================================================
 * Logs
 * =====================================================================================================================
 *
 * What the tracer has to say of itself. The setting SPANWIRE_LOG_SINKS chooses where it goes: standard error, a file,
 * and a ring in memory, from which the host takes records when it likes and on its own thread, as a callback each
 * (spanwire_log_poll()) or as lines of text (spanwire_log_drain()):
 *
 *     char lines[65536];
 *     size_t need = 0;
 *     while (spanwire_log_drain(lines, sizeof lines, &need) == SPANWIRE_OK && need > 1) fputs(lines, stdout);
 *
 * A host in which any thread may run any code can have records pushed to it instead, with
 * spanwire_log_add_sink_any_thread(). PHP, Ruby, Python and Node are no such hosts. The host's own records,
 * spanwire_log_write() and spanwire_log_event(), take the same ways.
 */

/** Nothing is logged. */
#define SPANWIRE_LEVEL_OFF 0

/** Something was lost, or cannot work. */
#define SPANWIRE_LEVEL_ERROR 1

/** Something is wrong and was repaired, or may be lost. */
#define SPANWIRE_LEVEL_WARN 2

/** Rare facts: the start-up line, the agent reachable again. The level where nothing else is said. */
#define SPANWIRE_LEVEL_INFO 3

/** A line for each span, chunk and payload: debug mode. */
#define SPANWIRE_LEVEL_DEBUG 4

/** Everything. */
#define SPANWIRE_LEVEL_TRACE 5

/** Rules for single loggers that can be there at once. */
#define SPANWIRE_LOGGERS_MAX 64

/** A log sink, as a number below 2^53; 0 is none. */
typedef uint64_t spanwire_sink;

/**
 * A log record. In a callback it and its texts are valid while that runs; spanwire_log_take() puts the texts into the
 * caller's buffer.
 */
typedef struct spanwire_log_record {
    /** `sizeof(spanwire_log_record)` of the library. */
    size_t size;
    /** When it happened, nanoseconds since 1970. */
    uint64_t time_ns;
    /** SPANWIRE_LEVEL_ERROR to SPANWIRE_LEVEL_TRACE. */
    int32_t level;
    /** What kind of thing happened, such as "span.finished" or "agent.unreachable"; NUL-terminated. */
    const char *target;
    /**
     * The whole record in the chosen dialect, without a newline at its end; NUL-terminated. In the dialects of some
     * languages a record can have several lines.
     */
    const char *text;
    /** Its length in bytes. */
    size_t text_len;
    /** Records lost before this one because nobody took them in time. */
    uint64_t lost;
    /**
     * Who says it, in the names of the chosen dialect, such as "ddtrace.tracer"; NUL-terminated.
     * spanwire_log_set_logger_level()
     * takes the same names.
     */
    const char *logger;
    /**
     * Where in `text` the message begins: what comes before it, a logger of the host's adds by itself (time, process,
     * level, name).
     */
    const char *message;
    /** Its length in bytes. */
    size_t message_len;
    /** SPANWIRE_LOG_HOST_ONLY or 0. */
    uint32_t flags;
} spanwire_log_record;

/**
 * A record that belongs into the host's own log even where a log file is set, and is not in that file: PHP's "Loaded
 * integration", and that the log file cannot be written.
 */
#define SPANWIRE_LOG_HOST_ONLY 1

/**
 * Called with a record and the `userdata` that came with the callback. It must not throw an exception or leave by
 * longjmp(). Inside, any function may be called but, in a sink, spanwire_tracer_flush() and spanwire_tracer_shutdown().
 * What is logged from inside a sink is counted, not delivered. The process may be forked inside: the child keeps the
 * record until the callback returns, and gets no further record of its parent's.
 */
typedef void (*spanwire_log_callback)(const spanwire_log_record *record, void *userdata);

/**
 * Called once with a sink's `userdata` when no callback will run any more. It must not throw an exception or leave by
 * longjmp(). The process may be forked inside.
 */
typedef void (*spanwire_release)(void *userdata);

/** The most sinks that a process has at a time. */
#define SPANWIRE_SINKS_MAX 64

/**
 * Sets what is logged while debug mode is off, for the whole process. `DD_TRACE_LOG_LEVEL` does the same from the
 * start.
 *
 * @param level  SPANWIRE_LEVEL_OFF to SPANWIRE_LEVEL_TRACE
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT another number
 *
 * Threads:   any.
 * Blocks:    never.
 * Fork:      a child has its parent's level.
 * Since:     0.1
 */
spanwire_status spanwire_log_set_level(int32_t level);

/**
 * Sets the level of one logger and of those below it, for the whole process, or takes it away: "ddtrace.internal",
 * "datadog.trace.agent.core", PHP's target "span", in our own dialects a record's target ("span", "agent.unreachable").
 * The nearest rule wins, over the level and over debug mode.
 *
 * "root" is the host's root logger: its level holds for loggers without a rule where neither DD_TRACE_LOG_LEVEL nor
 * spanwire_log_set_level() chose a level and debug mode is off, as Python's does. A binding calls this when the host
 * sets
 * the level of such a logger.
 *
 * @param logger  the logger's name, not NULL or empty
 * @param level   SPANWIRE_LEVEL_OFF to SPANWIRE_LEVEL_TRACE, or -1 to take the rule away
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `logger` is NULL or empty, or the level is not one
 *         SPANWIRE_E_LIMIT    there are SPANWIRE_LOGGERS_MAX rules
 *
 * Ownership: copies nothing but a digest of the name.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      a child has its parent's rules.
 * Since:     0.1
 */
spanwire_status spanwire_log_set_logger_level(const char *logger, int32_t level);

/**
 * Takes records that wait, oldest first, and calls back with each, here and now, on the calling thread. The way for
 * hosts that cannot be called from foreign threads: PHP, Ruby, Python, Node.
 *
 * The ring holds 4,096 records or 1 MiB; the oldest are lost first, and counted in the next record's `lost`.
 *
 * @param callback  called for each record; no lock is held
 * @param userdata  handed to it
 * @param max       how many records at the most; 0 for all that wait when the call begins
 * @param count     set to how many there were; may be NULL
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `callback` is NULL
 *
 * Ownership: a record lives until its callback returns.
 * Threads:   any; each record goes to one caller.
 * Blocks:    never, but for what the callback does.
 * Fork:      a child's ring is empty at first. In a child that the callback forks, the call ends with that record.
 * Since:     0.1
 */
spanwire_status spanwire_log_poll(spanwire_log_callback callback, void *userdata, size_t max, size_t *count);

/**
 * Takes records that wait as text: whole lines, each with a newline, and a NUL after the last. Takes as many as fit.
 *
 * @param buffer    where the lines go; NULL only asks how much is needed, and takes nothing
 * @param capacity  the buffer's size in bytes
 * @param need      set to the bytes that all records needed which waited when the call began, with the NUL: 1 if none
 *                  did; may be NULL if `buffer` is not. While it is above 1 there may be more: call again.
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_LIMIT    the next record alone is larger than the buffer, which holds the empty text
 *         SPANWIRE_E_ARGUMENT `buffer` and `need` are both NULL
 *
 * Ownership: the buffer is the caller's.
 * Threads:   any; each record goes to one caller.
 * Blocks:    never.
 * Fork:      a child's ring is empty at first.
 * Since:     0.1
 */
spanwire_status spanwire_log_drain(char *buffer, size_t capacity, size_t *need);

/**
 * Takes the oldest record that waits, without a callback: for hosts that want level and logger beside the text and in
 * which a callback is dear.
 *
 * @param record    where it goes; set its `size` to `sizeof(spanwire_log_record)` first. Its texts point into `buffer`.
 * @param buffer    where the texts go, each with a NUL
 * @param capacity  the buffer's size in bytes
 * @param need      set to the bytes that the record needs, 0 if none waits; may be NULL
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_NOT_FOUND no record waits
 *         SPANWIRE_E_LIMIT     the record needs a larger buffer, and waits on
 *         SPANWIRE_E_ARGUMENT  `record` or `buffer` is NULL
 *         SPANWIRE_E_VERSION   `record->size` is no size of it
 *
 * Ownership: buffer and record are the caller's.
 * Threads:   any; each record goes to one caller.
 * Blocks:    never.
 * Fork:      a child's ring is empty at first.
 * Since:     0.1
 */
spanwire_status spanwire_log_take(spanwire_log_record *record, char *buffer, size_t capacity, size_t *need);

/**
 * A descriptor that is readable while records wait for spanwire_log_poll() or spanwire_log_drain(), for poll(2) and
 * event loops. It is a socket. Do not read from it or close it. A host that closes it all the same, as daemons close
 * all
 * that they do not know, asks for another one by the next call.
 *
 * @return the descriptor, the same at each call as long as it is open; -1 if the system gives none
 *
 * Ownership: the library's, until the process ends.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      a child asks anew: its first call of the library closes the inherited descriptor.
 * Since:     0.1
 */
int32_t spanwire_log_fd(void);

/**
 * Adds a record of the host's own, to be read beside ours and sent where they go.
 *
 * @param level   SPANWIRE_LEVEL_ERROR to SPANWIRE_LEVEL_TRACE
 * @param target  which part of the host speaks, such as "php.hook"; NULL for "host"
 * @param text    what it says, UTF-8; NULL is the empty text
 *
 * @return SPANWIRE_OK         also where the level is not logged
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
 * spanwire_log_write() with lengths.
 *
 * @param level       as there
 * @param target      as there
 * @param target_len  its length in bytes, or SPANWIRE_NUL
 * @param text        as there
 * @param text_len    its length in bytes, or SPANWIRE_NUL
 *
 * @return as there, and SPANWIRE_E_ARGUMENT for a length beyond half the address space
 *
 * Ownership: as there.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
spanwire_status spanwire_log_write_n(
    int32_t level, const char *target, size_t target_len, const char *text, size_t text_len);

/**
 * Reports something that only the host can know (a hook installed, a method compiled) as an event with fields, which
 * the chosen dialect turns into a line.
 *
 * Any kind can be reported, and reads as its name and its fields, at level debug, or warn where it ends in ".failed".
 * These kinds are known, and read as the
 * tracer of the language writes them, at its level, where it has such a line:
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
 * A field that is not given is left out of the line. docs/log-lines.md shows how they read.
 *
 * @param kind    what happened, such as "hook.installed"; not NULL
 * @param fields  an array of `count` fields; NULL if `count` is 0
 * @param count   how many
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `kind` is NULL, `fields` is NULL but `count` is not 0, or a field has no key
 *
 * Ownership: copies the texts before it returns.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      no effect.
 * Since:     0.1
 */
spanwire_status spanwire_log_event(const char *kind, const spanwire_tag *fields, size_t count);

/**
 * Adds a callback that is called with each record, on the log's own thread. Not for PHP, Ruby, Python or Node, where a
 * call from a foreign thread ends the process or blocks it: those pull (spanwire_log_poll(), spanwire_log_drain()).
 *
 * A record may reach the callback before this call has returned and `*id` is set.
 *
 * Adding the same callback twice makes two sinks. A slow callback delays other sinks and loses records with a count,
 * never the caller.
 *
 * @param level     the least important level that it wants; it gets no more than the process logs
 * @param callback  called with each record; one call at a time
 * @param userdata  handed to it
 * @param release   called once with `userdata` when the sink is removed and no call runs any more; NULL for none.
 *                  Not called when adding fails.
 * @param id        where the sink's number goes; 0 on failure
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `callback` or `id` is NULL, or the level is not one
 *         SPANWIRE_E_LIMIT    there are SPANWIRE_SINKS_MAX sinks
 *
 * Threads:   any.
 * Blocks:    never; the first record for a sink starts the log's thread, which has all signals blocked.
 * Fork:      a child keeps its parent's sinks; its first record starts a thread of its own.
 * Since:     0.1
 */
spanwire_status spanwire_log_add_sink_any_thread(
    int32_t level, spanwire_log_callback callback, void *userdata, spanwire_release release, spanwire_sink *id);

/**
 * Removes a sink. When it returns SPANWIRE_OK, its callback does not run and never will again, and `release` was
 * called. Called from inside that very callback it returns at once, and `release` is called after the callback.
 *
 * @param id  a sink; 0 does nothing
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_NOT_FOUND there is no such sink, or it is being removed already
 *         SPANWIRE_E_TIMEOUT   its callback has not returned within 10 s; it will not be called again, and `release`
 *                              is called when it returns
 *
 * Threads:   any. Hold no lock that the callback takes.
 * Blocks:    while the callback runs, up to 10 s.
 * Fork:      a child removes its own copy only.
 * Since:     0.1
 */
spanwire_status spanwire_log_remove_sink(spanwire_sink id);

/*
 * =====================================================================================================================
 * Flight recorder
 * =====================================================================================================================
 *
 * The last few thousand events of the process, of spans, payloads and the agent, kept even while nothing is logged, in
 * memory of a fixed size. It tells afterwards what led to a failure: from another process while this one runs or hangs
 * (`spanwire recorder PID`), from a core, or from inside, where a function of the program's, here show(), gets each
 * event and writes its text:
 *
 *     void show(const spanwire_recorder_event *event, void *file);
 *     spanwire_recorder_read(show, stderr, 50, NULL);
 */

/** An event of the flight recorder. In a callback it and its texts are valid while that runs. */
typedef struct spanwire_recorder_event {
    /** `sizeof(spanwire_recorder_event)` of the library. */
    size_t size;
    /** When it happened, nanoseconds since 1970; of a span its start or its end. */
    uint64_t time_ns;
    /**
     * What happened, as a number: 1 span started, 2 finished, 3 discarded, 4 chunk enqueued, 5 payload being sent,
     * 6 sent, 7 agent refused, 8 agent unreachable, 9 reachable again, 10 spans dropped, 11 abandoned, 12 tracer made,
     * 13 stopped, 14 debug mode switched, 15 setting rejected, 16 process forked, 17 defect caught, 18 log records
     * lost, 19 loss of spans ended, 20 began. Numbers keep their meaning for ever; new ones may come.
     */
    uint32_t kind;
    /** 1 if the span that finished carries an error, else 0. */
    uint32_t error;
    /** The same as a name, such as "span.started"; NUL-terminated. */
    const char *name;
    /** The first fact: of a span its id, of a payload its bytes, of a loss its reason, …; `text` says it in words. */
    uint64_t first;
    /**
     * The second one: of a finished span its duration in nanoseconds, with the tracer's number in the upper eight bits.
     */
    uint64_t second;
    /**
     * What happened, in a few English words for people; NUL-terminated, without a newline. Not for programs, since it
     * may change.
     */
    const char *text;
    /** Its length in bytes. */
    size_t text_len;
} spanwire_recorder_event;

/**
 * Called with an event and the `userdata` that came with the callback. It must not throw an exception or leave by
 * longjmp(). Inside, any function may be called, and the process may be forked.
 */
typedef void (*spanwire_recorder_callback)(const spanwire_recorder_event *event, void *userdata);

/**
 * Reads what the flight recorder holds, oldest first, and calls back with each event, here and now, on the calling
 * thread. Nothing is taken away: the next call gives the same and what has come since.
 *
 * Each thread writes to one of eight shards of 512 events, and rare events to a ninth, so that a busy thread does not
 * push out the story of the agent. The counters that other processes see are brought up to date as well.
 *
 * @param callback  called for each event; no lock is held
 * @param userdata  handed to it
 * @param max       how many events at the most, the latest ones; 0 for all
 * @param count     set to how many there were; may be NULL
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT `callback` is NULL
 *         SPANWIRE_E_MEMORY   the system gave no memory for the recorder, so that it holds nothing
 *
 * Ownership: an event lives until its callback returns.
 * Threads:   any, also while others trace; an event that is being written at that moment is left out.
 * Blocks:    never, but for what the callback does; copies the recorder, 170 KB.
 * Fork:      a child has a recorder of its own, which begins empty. In a child that the callback forks, the call ends
 *            with that event.
 * Since:     0.1
 */
spanwire_status spanwire_recorder_read(spanwire_recorder_callback callback, void *userdata, size_t max, size_t *count);

/**
 * The descriptor of the recorder's memory, which holds the events and the counters; docs/debugging.md has its layout.
 * Another process of the same user reaches it as /proc/PID/fd/N, and `spanwire recorder PID` reads it. To be mapped or
 * read with pread(2); do not close it.
 *
 * @return the descriptor; -1 if the system gave no memory file, or the host has closed the number
 *
 * Ownership: the library's, until the process ends. It is closed by exec.
 * Threads:   any.
 * Blocks:    never.
 * Fork:      a child asks anew: its first call of the library closes the inherited descriptor.
 * Since:     0.1
 */
int32_t spanwire_recorder_fd(void);

/*
 * =====================================================================================================================
 * Looking at another process
 * =====================================================================================================================
 *
 * For debuggers: what another process that uses this library is doing, out of its memory, live or from a core. A host
 * needs nothing of this; people use the command `spanwire` of GDB and LLDB (bindings/gdb, bindings/lldb), or
 * `spanwire core FILE`.
 */

/**
 * Reads another process's memory: fills `into` with the `length` bytes from `address` on.
 *
 * @return 0 if all of them were read, anything else if not; then `into` may hold anything
 */
typedef int32_t (*spanwire_memory_callback)(uint64_t address, void *into, size_t length, void *userdata);

/** Takes a text of `length` bytes, UTF-8, not NUL-terminated, that lives until the callback returns. */
typedef void (*spanwire_text_callback)(const char *text, size_t length, void *userdata);

/**
 * Tells what a process that uses this library is doing, or was doing when its core was written, out of its memory.
 * The process may use an older or a newer libspanwire, with or without symbols: what lies where is in a table that
 * the exported datum `spanwire_debug_root` leads to. Nothing of the calling process is looked at or changed. It is
 * meant for debuggers; bindings/gdb and bindings/lldb are made of it, and docs/debugging.md shows what it answers.
 *
 * Commands: status | spans [N] | span ID | trace ID | queue | log [N] | events [N] | settings | counters | help.
 * Another one is answered with the list of these. Secrets are replaced in all of it.
 *
 * @param root      the address of `spanwire_debug_root` in that process
 * @param pid       that process's number; 0 if it is not known
 * @param command   what is asked; NUL-terminated
 * @param read      reads that process's memory; it is called many times, also with addresses that do not exist there
 * @param write     takes the answer, lines with their newlines; called once unless the status is SPANWIRE_E_ARGUMENT or
 *                  SPANWIRE_E_PANIC. With SPANWIRE_E_NOT_FOUND and SPANWIRE_E_VERSION it is one sentence that says why
 * @param userdata  handed to both callbacks
 *
 * @return SPANWIRE_OK
 *         SPANWIRE_E_ARGUMENT   `command`, `read` or `write` is NULL, or `command` is not UTF-8
 *         SPANWIRE_E_NOT_FOUND  there is no table at `root`, or it is damaged or missing
 *         SPANWIRE_E_VERSION    the table is of a version that this library does not know
 *
 * Threads:   any; the callbacks run on the calling thread.
 * Blocks:    as long as `read` does; it reads no more than 1 GiB in all.
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
 * What concerns the process as a whole. A program that forks needs nothing of this.
 */

/**
 * Says that this process is a forked child. Never needed after fork(), _Fork() or a raw clone(): the first call in a
 * child notices those by itself. It is for hosts that copy a process in a way that the kernel does not see as one, and
 * does nothing where the process id is still the same.
 *
 * daemon(3), which Ruby's Process.daemon calls, forks, and the process that called it ends by _exit(): its queue is
 * lost
 * with it, since no handler of its exit runs. Call spanwire_tracer_flush() before it. The tracer then works in the
 * daemon as in any forked child. A span that is open at that moment cannot be finished by the daemon, but can be a
 * parent there; finished spans of its trace leave only when it is finished, or with spanwire_tracer_shutdown(), after
 * which the daemon makes a new tracer with spanwire_tracer_new().
 *
 * Threads:   the child's only thread.
 * Blocks:    never.
 * Fork:      this is its subject.
 * Since:     0.1
 */
void spanwire_process_after_fork_child(void);

#ifdef __cplusplus
}
#endif

#endif /* SPANWIRE_H */
