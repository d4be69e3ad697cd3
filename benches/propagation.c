/* What propagation costs: instructions for each round, or time.
 *
 *   propagation MODE ROUNDS [baggage]
 *
 *   both      reads a context out of the headers of the default styles, frees it, and writes the headers of an open span
 *   extract   reads and frees
 *   inject    writes
 *   continue  starts a span with a context, and finishes it
 *   span      starts and finishes a span without one
 *
 * The headers are the six that most requests have; with `baggage` that one as well, with two items.
 *
 * Prints nanoseconds for each round. For instructions, run it under callgrind with two numbers of rounds: benches/propagation
 * does that. */
#include <spanwire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static size_t bytes;

static void take(const spanwire_header *header, void *unused) {
    (void)unused;
    bytes += header->value_len;
}

#define HEADER(name, value) {name, sizeof name - 1, value, sizeof value - 1}

int main(int argc, char **argv) {
    const spanwire_header headers[] = {
        HEADER("x-datadog-trace-id", "11803532876627986230"),
        HEADER("x-datadog-parent-id", "67667974448284343"),
        HEADER("x-datadog-sampling-priority", "1"),
        HEADER("x-datadog-tags", "_dd.p.dm=-1,_dd.p.tid=4bf92f3577b34da6"),
        HEADER("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        HEADER("tracestate", "dd=p:00f067aa0ba902b7;s:1;t.dm:-1;t.tid:4bf92f3577b34da6,foo=1"),
        HEADER("baggage", "user.id=17,session.id=abc"),
    };
    const char *mode = argc > 1 ? argv[1] : "both";
    long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 100000;
    const size_t all = sizeof headers / sizeof *headers, count = argc > 3 && !strcmp(argv[3], "baggage") ? all : all - 1;
    const spanwire_setting settings[] = {{"DD_TRACE_AGENT_URL", "file:///dev/null"}, {"SPANWIRE_LOG_SINKS", "none"}};
    spanwire_tracer tracer = 0;
    spanwire_context_handle context = 0, first = 0;
    if (spanwire_tracer_new(settings, 2, &tracer, NULL) != SPANWIRE_OK) return 1;
    spanwire_span_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.name = "request";
    options.name_len = 7;
    spanwire_span span = 0;
    spanwire_context_extract(tracer, headers, count, &first);
    options.context_handle = first;
    if (spanwire_span_start_with(tracer, &options, &span) != SPANWIRE_OK || !span) return 1;
    int reads = !strcmp(mode, "both") || !strcmp(mode, "extract"), writes = !strcmp(mode, "both") || !strcmp(mode, "inject");
    int spans = !strcmp(mode, "continue") || !strcmp(mode, "span");
    if (!strcmp(mode, "span")) options.context_handle = 0;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (long i = 0; i < rounds; i++) {
        if (reads) {
            spanwire_context_extract(tracer, headers, count, &context);
            spanwire_context_free(context);
        }
        if (writes) spanwire_span_inject(span, take, NULL);
        if (spans) {
            spanwire_span begun;
            spanwire_span_start_with(tracer, &options, &begun);
            spanwire_span_finish(begun);
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    printf("{\"mode\":\"%s\",\"rounds\":%ld,\"ns\":%.1f}\n", mode, rounds, ns / (double)(rounds ? rounds : 1));
    spanwire_span_finish(span);
    return spanwire_tracer_shutdown(tracer, 10000) == SPANWIRE_OK ? 0 : 1;
}
