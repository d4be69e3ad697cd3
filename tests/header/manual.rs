//! The prose of the header: what its doc comments, each about one function, cannot say. Overview, sections in their
//! order, and which files of src/abi/ each holds. Lines that begin with four spaces are code, and are compiled by the test.

/// A section of the header.
pub struct Section {
    pub title: &'static str,
    /// What the noun is and how its calls work together.
    pub about: &'static str,
    /// The files of src/abi/ that it shows, in this order.
    pub files: &'static [&'static str],
}

/// What PHP cannot use: its interpreter does not survive a call from a thread that is not its own.
pub const WITHOUT_PHP: &[&str] =
    &["spanwire_log_add_sink_any_thread", "spanwire_log_remove_sink", "spanwire_sink", "spanwire_release"];

pub const PHP_OVERVIEW: &str = "
The C API for PHP's FFI::cdef(), which has no preprocessor: the types, functions and constants of include/spanwire.h,
which documents them. Written from src/abi/ by `cargo test --test header -- --bless`.

Left out on purpose are spanwire_log_add_sink_any_thread(), spanwire_log_remove_sink() and their types: a sink is
called from a thread that is not PHP's, and that crashes PHP. Fetch the log with spanwire_log_drain() or
spanwire_log_poll(), which stay on the calling thread. SPANWIRE_NUL is no number that an enum holds; pass -1.
";

pub const OVERVIEW: &str = r#"
@file spanwire.h

Spanwire is a tracer core. A host (a server, a PHP extension, a Ruby gem, …) says what it is doing as spans:
operations with a start, a duration, a parent and tags. Spanwire gathers those of one trace, keeps them in a bounded
queue, and sends them to a Datadog Agent from a thread of its own. It never harms the host, never makes a request
wait, never grows without bound, and counts whatever it had to drop.

This file is the manual. It is written from src/abi/ by `cargo test --test header -- --bless`.

The first program
-----------------

    #include <spanwire.h>

    int main(void) {
        spanwire_tracer tracer;
        spanwire_setting settings[] = {{"DD_SERVICE", "shop"}, {"DD_TRACE_AGENT_URL", "file:///dev/stdout"}};
        if (spanwire_tracer_new(settings, 2, &tracer, NULL) != SPANWIRE_OK) return 1;

        spanwire_span checkout = spanwire_span_start(tracer, 0, "checkout");
        spanwire_span payment = spanwire_span_start(tracer, checkout, "payment");
        spanwire_span_set_tag(payment, "card", "visa");
        spanwire_span_finish(payment);
        spanwire_span_finish(checkout);

        return spanwire_tracer_shutdown(tracer, 2000) == SPANWIRE_OK ? 0 : 1;
    }

It prints the trace; with the URL of an agent, or without that setting, it sends it. Build it with -lspanwire.

Names
-----
Functions are spanwire_<noun>_<verb>, types spanwire_<noun>, constants SPANWIRE_<NOUN>_<NAME>. A function that ends
in _n is its namesake with the lengths of texts beside them; one that ends in _with takes a structure of options.
There is no macro and no inline function that a program needs, so that any language can call what is here.

Statuses
--------
Most functions answer with a spanwire_status: SPANWIRE_OK, which is 0, or a negative SPANWIRE_E_ code, whose numbers
never change. Span calls need no check: a start that fails gives span 0, and every call that sets or finishes takes
span 0, does nothing and answers SPANWIRE_OK. Worth a check are spanwire_tracer_new() and spanwire_tracer_shutdown().

Handles
-------
Tracers, spans and sinks are numbers below 2^53, so that a double holds them, and 0 is none. A number that is stale
or was never given out is recognised: it is answered with a status and does no harm.

Text in
-------
Text is UTF-8; bytes that are not are replaced by U+FFFD and counted, and what is too long is cut at a character and
counted. It is NUL-terminated where no length goes with it. A length is in bytes, and SPANWIRE_NUL in its place means
"measure it". All text is copied before the call returns.

Text out
--------
Text goes into the caller's buffer, with a NUL. `need`, if it is not NULL, is set to the bytes that the text and its
NUL take, whether they fit or not. If they are more than `capacity` the buffer gets the empty text and the call
answers SPANWIRE_E_LIMIT. A buffer that is NULL only asks how much is needed: SPANWIRE_OK, but SPANWIRE_E_ARGUMENT if
`need` is NULL as well. spanwire_log_drain() alone takes as many lines as fit.

Structures
----------
Most structures begin with their `size` and may grow at the end. Set every field to zero, then `size` to the sizeof
of the structure: zero means "not given" everywhere. That way a program goes on working with a newer library, which
fills or reads the fields that the program knows. With an older library the fields that it does not know must be
zero, or SPANWIRE_E_VERSION is the answer. spanwire_setting, spanwire_tag and spanwire_metric have no size and never
change.

Threads
-------
Every function may be called from any thread at any time, but spanwire_tracer_flush() and spanwire_tracer_shutdown()
not from inside a log's callback. Calls on one span are serialised. A call that finishes or discards a span does not
wait for another one that is under way: the span then ends when that one returns. The library has at most a few
threads of its own: one that sends for each address of an agent (normally one), started with the first span; one that
writes the log where it is pushed somewhere; one that looks up host names. All signals are blocked in them. No
function may be called from a signal handler: it may have interrupted malloc.

No function is a cancellation point: a thread that pthread_cancel() is called for ends after the call, and callbacks
inside of a call are not cancelled either. A call that waits is not cut short by it. A thread whose cancellation type
is PTHREAD_CANCEL_ASYNCHRONOUS must not call the library.

Blocking
--------
"Blocks: never" means that the call never waits for the network, for a file, or for a lock that is held during
either. The functions that wait on purpose take a timeout or say how long: spanwire_tracer_flush(),
spanwire_tracer_shutdown(), spanwire_log_remove_sink(). The others say what they do that takes time.

Fork
----
A forked child needs no call of its own. It keeps tracers under their numbers, settings and sinks, and begins with an
empty queue, counters at 0 and no threads; what waits in the parent, the parent sends. A span that the parent had
open can be the parent of spans in the child, but only the parent can change and finish it: SPANWIRE_E_FORKED. The
child's first call closes the descriptors that the library had open in the parent, and gives back what is left of
older processes: neither memory nor descriptors grow however deep a host forks.

Descriptors
-----------
All descriptors of the library are above 2 and closed by exec. A host may close any of them and open its own under
the same number: the library notices, leaves the number alone, and opens another one where it needs it. It writes to
standard error only while descriptor 2 leads where it led at the first call, or to what looks like another output: a
terminal, pipe or device, a file opened for appending, or the one that is also standard output.

Exit
----
Nothing happens at exit by itself. A process that wants its last second of spans delivered calls
spanwire_tracer_shutdown() before, with the time that it can spare. The library stays loaded once it is: dlclose()
does not unmap it.

Memory
------
All that spans occupy, open, waiting or queued, is under one bound, the setting SPANWIRE_MEMORY_MAX. Open spans may
take three quarters of it, so that a span that was started finds room when it is finished. Where a bound is reached
spans and tags are refused or dropped, and counted in spanwire_stats by reason. `memory_used` there is what is
counted against the bound: the table of spans, about 400 bytes for each that was ever open at a time, which stays;
the texts and tags of open spans; finished spans that wait, are queued or are being sent; and buffers kept for the
next spans, which are freed when they were not used for a minute, and at shutdown. It counts what the allocator adds
to each block, but not what lies idle in the allocator itself, which grows with the number of threads. No function
hands out memory that must be freed; static texts stay for ever.

Stack
-----
Span, context and submit calls need at most 8 KiB of stack, all others at most 32 KiB: so much that a coroutine or a
thread with a small stack can make them, also as the first call of a process or of a forked child. Debug mode needs
more, and so do callbacks of the host, which run on top.

Failure
-------
No call throws, unwinds or jumps out, and errno stays what it was. A defect of the library that is caught is answered
with SPANWIRE_E_PANIC and logged; after a few of them the library turns itself off and says so.

Each function says which threads may call it, whether it blocks, what a fork means for it, and since which version it
is there; and who owns what, where that is a question.
"#;

pub const SECTIONS: &[Section] = &[
    Section {
        title: "Version",
        about: r#"
Which library is loaded. A program that is linked needs none of this. A binding that loads the library at run time
asks first whether it speaks the interface that the binding was made for:

    if (spanwire_abi_version() != SPANWIRE_ABI_VERSION) return;
"#,
        files: &["version.rs"],
    },
    Section {
        title: "Status",
        about: r#"
What calls answer. Compare with SPANWIRE_OK; other numbers are negative, and new ones may come. The calls say which
of them they give and why.
"#,
        files: &["status.rs"],
    },
    Section {
        title: "Tracers",
        about: r#"
A tracer is one set of settings with the agent that they name and counters of its own. A process makes one when it
begins and shuts it down before it ends. Making one from an equal list gives the same again, so a host that has no
place to keep it, as a PHP script, makes it in every request.

Settings are texts with documented names, so that a new one changes nothing here. The host's list wins over the
environment, but for names with `default:` before them, which the environment overrides.

    const spanwire_setting settings[] = {{"DD_SERVICE", "shop"}, {"default:DD_AGENT_HOST", "agent.local"}};
    spanwire_error error = {0};
    error.size = sizeof error;
    if (spanwire_tracer_new(settings, 2, &tracer, &error) != SPANWIRE_OK) fprintf(stderr, "%s\n", error.message);
"#,
        files: &["tracer.rs"],
    },
    Section {
        title: "Contexts",
        about: r#"
A context is what a span's children need of it: ids and the decision whether the trace is kept. It is a value, which
may be stored, copied and sent, and it stays good when the span has finished. spanwire_span_context() fills one; a
span continues one when it stands in its options:

    spanwire_context context = {0};
    context.size = sizeof context;
    spanwire_span_context(span, &context);

    spanwire_span_options options = {0};
    options.size = sizeof options;
    options.parent_context = &context;
    options.name = "send.receipt";
    options.name_len = SPANWIRE_NUL;
    spanwire_span_start_with(tracer, &options, &other);
"#,
        files: &["context.rs"],
    },
    Section {
        title: "Spans",
        about: r#"
A span is one operation: started, described, finished. A trace is a span without a parent and all that descend from
it; it is sent when the last of them has finished. Every span must be finished or discarded, on whichever thread.

    spanwire_span query = spanwire_span_start(tracer, span, "mysql.query");
    spanwire_span_set_type(query, "sql");
    spanwire_span_set_resource(query, "SELECT name FROM goods WHERE id = ?");
    spanwire_span_set_metric(query, "db.row_count", 12);
    spanwire_span_finish(query);

Where each call is dear, as through an FFI, spanwire_span_start_with() says all at once.
"#,
        files: &[
            "span/mod.rs",
            "span/start.rs",
            "span/tags.rs",
            "span/describe.rs",
            "span/finish.rs",
            "span/identity.rs",
        ],
    },
    Section {
        title: "Submitting finished spans",
        about: r#"
For a host that keeps its spans itself and only wants them sent: it hands over whole finished spans with ids of its
own, a trace's together. They share queue, limits and counters with spans that were started here.

    spanwire_record record = {0};
    record.size = sizeof record;
    record.trace_id_low = 7;
    record.span_id = 8;
    record.start_ns = INT64_C(1700000000000000000);
    record.duration_ns = 1500000;
    record.name = "cache.get";
    record.name_len = SPANWIRE_NUL;
    record.sampling_priority = SPANWIRE_PRIORITY_NONE;
    spanwire_span_submit(tracer, &record, 1);
"#,
        files: &["submit.rs"],
    },
    Section {
        title: "Debug mode",
        about: r#"
One switch for the whole process. While it is on the log has a line for each span, chunk and payload: what the tracer
saw, what it sent, and what came back. It may be turned on in a process that is serving, for a while:

    spanwire_debug_set_for(60);
"#,
        files: &["debug.rs"],
    },
    Section {
        title: "Logs",
        about: r#"
What the tracer has to say of itself. The setting SPANWIRE_LOG_SINKS chooses where it goes: standard error, a file,
and a ring in memory, from which the host takes records when it likes and on its own thread, as a callback each
(spanwire_log_poll()) or as lines of text (spanwire_log_drain()):

    char lines[65536];
    size_t need = 0;
    while (spanwire_log_drain(lines, sizeof lines, &need) == SPANWIRE_OK && need > 1) fputs(lines, stdout);

A host in which any thread may run any code can have records pushed to it instead, with
spanwire_log_add_sink_any_thread(). PHP, Ruby, Python and Node are no such hosts. The host's own records,
spanwire_log_write() and spanwire_log_event(), take the same ways.
"#,
        files: &["log/mod.rs", "log/pull.rs", "log/write.rs", "log/sink.rs"],
    },
    Section {
        title: "Flight recorder",
        about: r#"
The last few thousand events of the process, of spans, payloads and the agent, kept even while nothing is logged, in
memory of a fixed size. It tells afterwards what led to a failure: from another process while this one runs or hangs
(`spanwire recorder PID`), from a core, or from inside, where a function of the program's, here show(), gets each
event and writes its text:

    void show(const spanwire_recorder_event *event, void *file);
    spanwire_recorder_read(show, stderr, 50, NULL);
"#,
        files: &["recorder.rs"],
    },
    Section {
        title: "Looking at another process",
        about: r#"
For debuggers: what another process that uses this library is doing, out of its memory, live or from a core. A host
needs nothing of this; people use the command `spanwire` of GDB and LLDB (bindings/gdb, bindings/lldb), or
`spanwire core FILE`.
"#,
        files: &["inspect.rs"],
    },
    Section {
        title: "Process",
        about: r#"
What concerns the process as a whole. A program that forks needs nothing of this.
"#,
        files: &["process.rs"],
    },
];
