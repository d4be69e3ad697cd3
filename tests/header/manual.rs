//! The prose of the header beside its doc comments: the overview, and the sections in their order with the files of
//! src/abi/ that each shows. Lines that begin with four spaces are code; the test compiles them.

/// A section of the header.
pub struct Section {
    pub title: &'static str,
    /// What the noun is, and how its functions work together.
    pub about: &'static str,
    /// The files of src/abi/ that it shows, in this order.
    pub files: &'static [&'static str],
}

/// What PHP cannot use: a call from a foreign thread crashes its interpreter.
pub const WITHOUT_PHP: &[&str] =
    &["spanwire_log_add_sink_any_thread", "spanwire_log_remove_sink", "spanwire_sink", "spanwire_release"];

pub const PHP_OVERVIEW: &str = "
The C API for PHP's FFI::cdef(), which has no preprocessor: the types, functions and constants of include/spanwire.h,
which documents them. Written from src/abi/ by `cargo test --test header -- --bless`.

spanwire_log_add_sink_any_thread(), spanwire_log_remove_sink() and their types are left out: a sink is called from a
foreign thread, which crashes PHP. Use spanwire_log_drain() or spanwire_log_poll(), which stay on the calling thread.
SPANWIRE_NUL does not fit an enum; pass -1.
";

pub const OVERVIEW: &str = r#"
@file spanwire.h

Spanwire is a tracer core. A host (a server, a PHP extension, a Ruby gem, …) describes its work as spans: operations
with a start, a duration, a parent and tags. Spanwire collects the spans of a trace, keeps them in a bounded queue,
and sends them to a Datadog Agent from a thread of its own. It does not harm the host, delay a request or grow
without bound, and it counts everything that it drops.

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

It prints the trace. With the URL of an agent, or without that setting, it sends the trace. Build it with
-lspanwire.

Names
-----
Functions are spanwire_<noun>_<verb>, types spanwire_<noun>, constants SPANWIRE_<NOUN>_<NAME>. A function that ends
in _n does the same as the one without _n and takes the lengths of its texts. A function that ends in _with takes a
structure of options. No macro or inline function is needed, so that any language can use this interface.

Statuses
--------
Most functions return a spanwire_status: SPANWIRE_OK, which is 0, or a negative SPANWIRE_E_ code, whose number never
changes. Span calls need no check: a start that fails returns span 0, and every call that changes or finishes a span
accepts 0, does nothing and returns SPANWIRE_OK. Check spanwire_tracer_new() and spanwire_tracer_shutdown(). Every
function may also return SPANWIRE_E_PANIC; see "Failure".

Handles
-------
Tracers, spans, contexts that came in and sinks are numbers below 2^53, so that a double holds them; 0 is none. A
handle that is no longer valid, or never was, is recognised: the call returns a status and does no harm.

Text in
-------
Text is UTF-8. Invalid bytes are replaced by U+FFFD and counted; a text that is too long is cut at a character and
counted. A text without a length parameter is NUL-terminated. Lengths are in bytes; the length SPANWIRE_NUL means
that the text is NUL-terminated. All text is copied before the call returns.

Text out
--------
Text goes into the caller's buffer, with a NUL. `need`, if not NULL, receives the bytes of the text and its NUL,
whether they fit or not. If they are more than `capacity`, the buffer gets the empty text and the call returns
SPANWIRE_E_LIMIT. A NULL buffer only asks for the size and returns SPANWIRE_OK; with `need` NULL as well it is
SPANWIRE_E_ARGUMENT. spanwire_log_drain() differs: it writes as many lines as fit.

Structures
----------
Most structures begin with their `size` and may grow at the end. Set every field to zero, then `size` to the sizeof
of the structure: zero means "not given" everywhere. The program then works with a newer library too, which reads or
fills the fields that the program knows. With an older library, fields that it does not know must be zero, else the
call returns SPANWIRE_E_VERSION. spanwire_setting, spanwire_tag and spanwire_metric have no size and never change.

Threads
-------
Every function may be called from any thread at any time, with one exception: not spanwire_tracer_flush() and
spanwire_tracer_shutdown() from a log sink's callback. Calls on one span are serialised. A call that finishes or
discards a span does not wait for another call on it: the span then ends when that call returns. The library has a
few threads: one that sends, for each agent address (normally one), started with the first span; one that writes the
log, if the log goes to a file, to standard error or to sinks; one that looks up host names. All signals are blocked
in them. No function may be called from a signal handler: the handler may have interrupted malloc.

No function is a cancellation point: a thread that is cancelled by pthread_cancel() during a call ends after the
call; waits and callbacks inside the call are not cut short. A thread whose cancellation type is
PTHREAD_CANCEL_ASYNCHRONOUS must not call the library.

Blocking
--------
"Blocks: never" means that the call does not wait for the network, for a file, or for a lock that is held during
either. Functions that wait take a timeout or document how long: spanwire_tracer_flush(),
spanwire_tracer_shutdown(), spanwire_flare_send(), spanwire_log_remove_sink(). The others document what takes time
in them.

Fork
----
A forked child needs no call. It keeps tracers under their handles, settings and sinks, and starts with an empty
queue, counters at 0 and no threads. The parent sends what waits in the parent. A span that the parent had open can
be the parent of spans in the child, but only the parent process can change and finish it: SPANWIRE_E_FORKED. The
child's first call closes the descriptors that the library had open in the parent, and frees what is left of older
generations, so that memory and descriptors do not grow with the depth of forks.

Descriptors
-----------
All descriptors of the library are above 2 and closed by exec. A host may close any of them and open its own under
the same number: the library notices, does not touch it, and opens another one when needed. The library writes to
standard error only if descriptor 2 leads where it led at the first call, or to something that looks like another
output: a terminal, pipe or device, a file opened for appending, or the file that is also standard output.

Exit
----
The library does nothing at exit. A process that wants its last spans delivered calls spanwire_tracer_shutdown()
before, with the time that it can spare. Once loaded, the library stays: dlclose() does not unmap it.

Memory
------
All memory of spans (open, waiting or queued) has one limit, the setting SPANWIRE_MEMORY_MAX. Open spans may use
three quarters of it, so that a started span finds room when it is finished. At a limit, spans and tags are refused
or dropped, and counted in spanwire_stats by reason. `memory_used` there is what counts against the limit: the table
of spans, about 400 bytes for each span of the highest number open at once, which stays; texts and tags of open
spans; finished spans that wait, are queued or are being sent; and buffers kept for later spans, which are freed
after a minute without use and at shutdown. It includes what the allocator adds to each block, but not the
allocator's own free memory, which grows with the number of threads. No function returns memory that must be freed;
static texts stay valid.

Stack
-----
Span, context and submit calls need at most 8 KiB of stack, spanwire_flare_write() 96 KiB, all others at most 32 KiB.
A coroutine or a thread with a small stack can make them, also as the first call of a process or of a forked child.
Debug mode needs more, and so do callbacks of the host, which run on top.

Failure
-------
No call throws, unwinds or leaves by longjmp, and errno is unchanged. A caught internal error is returned as
SPANWIRE_E_PANIC and logged; after a few of them the library turns itself off and logs that.

Each function documents which threads may call it, whether it blocks, what a fork means for it, since which version
it exists, and, where it matters, ownership.
"#;

pub const SECTIONS: &[Section] = &[
    Section {
        title: "Version",
        about: r#"
Which library is loaded. A linked program does not need this. A binding that loads the library at run time first
checks that it has the interface that the binding was built for:

    if (spanwire_abi_version() != SPANWIRE_ABI_VERSION) return;
"#,
        files: &["version.rs"],
    },
    Section {
        title: "Status",
        about: r#"
Results of calls. Compare with SPANWIRE_OK; all other numbers are negative, and new ones may be added. Each function
documents which of them it returns and why.
"#,
        files: &["status.rs"],
    },
    Section {
        title: "Tracers",
        about: r#"
A tracer is a set of settings, with the agent that they name and counters of its own. A process makes one when it
starts and shuts it down before it ends. Making one from an equal list returns the same tracer, so a host without a
place to keep it, such as a PHP script, makes it in every request.

Settings are texts with documented names, so that a new setting does not change this interface. The host's list
overrides the environment, except for names that begin with `default:`, which the environment overrides.

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
A context is what children need of a span: its ids and the sampling decision of its trace. It is a value that may be
stored, copied and sent, and it stays valid after the span has finished. spanwire_span_context() fills one; the
options of a new span take one as its parent:

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
        files: &["context/mod.rs", "context/extract.rs"],
    },
    Section {
        title: "Spans",
        about: r#"
A span is one operation: started, described, finished. A trace is a span without a parent and all its descendants;
it is sent when the last of them has finished. Every span must be finished or discarded, on any thread.

    spanwire_span query = spanwire_span_start(tracer, span, "mysql.query");
    spanwire_span_set_type(query, "sql");
    spanwire_span_set_resource(query, "SELECT name FROM goods WHERE id = ?");
    spanwire_span_set_metric(query, "db.row_count", 12);
    spanwire_span_finish(query);

If each call is expensive, as through an FFI, spanwire_span_start_with() takes everything at once.
"#,
        files: &[
            "span/mod.rs",
            "span/start.rs",
            "span/tags.rs",
            "span/attributes.rs",
            "span/describe.rs",
            "span/finish.rs",
            "span/identity.rs",
        ],
    },
    Section {
        title: "Propagation",
        about: r#"
A request from another service carries a context in its headers. spanwire_context_extract() reads it and gives a
handle, which also holds what the value does not: origin, tags of the trace, tracestate, baggage.
spanwire_span_inject() writes the headers of a request to another service; here print_header() of the program gets
each:

    void print_header(const spanwire_header *header, void *file);
    const char *parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    spanwire_header came = {"traceparent", SPANWIRE_NUL, parent, SPANWIRE_NUL};
    spanwire_context_handle from = 0;
    spanwire_context_extract(tracer, &came, 1, &from);
    spanwire_span_options options = {0};
    options.size = sizeof options;
    options.context_handle = from;
    spanwire_span_start_with(tracer, &options, &span);
    spanwire_context_free(from);
    spanwire_span_inject(span, print_header, stderr);
"#,
        files: &["context/inject.rs", "context/origin.rs", "context/baggage.rs"],
    },
    Section {
        title: "Submitting finished spans",
        about: r#"
For a host that records its spans itself and only wants them sent: it submits finished spans with its own ids, those
of a trace together. They share queue, limits and counters with spans that were started here.

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

A host that has a tracer of its own can submit what that encodes: see spanwire_trace_submit_v04().
"#,
        files: &["submit.rs"],
    },
    Section {
        title: "Debug mode",
        about: r#"
One switch for the whole process. While it is on, the log has a line for each span, chunk and payload: what the
tracer recorded, what it sent, and what the agent answered. It may be turned on for a while in a process that is
serving:

    spanwire_debug_set_for(60);
"#,
        files: &["debug.rs"],
    },
    Section {
        title: "Logs",
        about: r#"
What the tracer reports about itself. The setting SPANWIRE_LOG_SINKS chooses where it goes: standard error, a file,
or a ring in memory. The host takes records from the ring on its own thread, by a callback (spanwire_log_poll()) or
as lines of text (spanwire_log_drain()):

    char lines[65536];
    size_t need = 0;
    while (spanwire_log_drain(lines, sizeof lines, &need) == SPANWIRE_OK && need > 1) fputs(lines, stdout);

A host in which any thread may run any code can have records pushed to a callback, with
spanwire_log_add_sink_any_thread(). PHP, Ruby, Python and Node cannot. The host adds records of its own with
spanwire_log_write() and spanwire_log_event().
"#,
        files: &["log/mod.rs", "log/pull.rs", "log/write.rs", "log/sink.rs"],
    },
    Section {
        title: "The application's own log",
        about: r#"
Lines of the application's log can name the trace that they belong to. The host, or an integration for its logger,
adds the fields that spanwire_log_correlation() writes. docs/log-correlation.md says how to find the ids in debug
lines.
"#,
        files: &["log/correlation.rs"],
    },
    Section {
        title: "Flight recorder",
        about: r#"
The last few thousand events of the process (spans, payloads, the agent), in memory of a fixed size, kept even while
nothing is logged. It shows afterwards what led to a failure: from another process while this one runs or hangs
(`spanwire recorder PID`), from a core, or from inside, where a function of the program, here show(), gets each
event and writes its text:

    void show(const spanwire_recorder_event *event, void *file);
    spanwire_recorder_read(show, stderr, 50, NULL);
"#,
        files: &["recorder.rs"],
    },
    Section {
        title: "Flares",
        about: r#"
A flare is a zip archive that explains what a tracer does: settings with their origins, log, flight recorder,
counters, open spans, facts about the process. Secrets are replaced. A host writes one to a file, or has the Agent
pass it on to Datadog's support:

    spanwire_error problem = {0};
    problem.size = sizeof problem;
    spanwire_status written = spanwire_flare_write(tracer, "/tmp/shop-flare.zip", &problem);
    if (written != SPANWIRE_OK) fprintf(stderr, "%s\n", problem.message);
    spanwire_flare_send(tracer, "12345", "user@example.com", NULL, 10000, &problem);
"#,
        files: &["flare.rs"],
    },
    Section {
        title: "Fates of traces",
        about: r#"
What became of one of the last traces: a person has the id of a trace that is missing, and asks why. `spanwire why`
answers that from outside; a host may show the sentence beside an error's trace id:

    spanwire_fate fate = {0};
    fate.size = sizeof fate;
    spanwire_context context = {0};
    context.size = sizeof context;
    spanwire_span_context(span, &context);
    if (spanwire_trace_fate(context.trace_id_high, context.trace_id_low, &fate) == SPANWIRE_OK) puts(fate.text);
"#,
        files: &["fate.rs"],
    },
    Section {
        title: "Looking at another process",
        about: r#"
For debuggers: describes another process that uses this library from its memory, live or from a core. A host does
not need this. People use the command `spanwire` of GDB and LLDB (bindings/gdb, bindings/lldb), or `spanwire core
FILE`.
"#,
        files: &["inspect.rs"],
    },
    Section {
        title: "Process",
        about: r#"
What concerns the process as a whole. A program that forks does not need this.
"#,
        files: &["process.rs"],
    },
];
