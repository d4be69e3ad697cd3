/* outage SPANS: makes this number of spans, one in a trace, as fast as possible. Prints `outage {…}`: the cost of the
 * loop for the calling thread, the peak of memory above that at the start, and the number of spans that could not be
 * started; and the counters. */
#include "check.h"
#include <sys/resource.h>

/* A span was started, and then the worker took the memory for a payload. */
static int memory_is_short(spanwire_status status) {
    CHECK(status == SPANWIRE_OK || status == SPANWIRE_E_MEMORY);
    return status != SPANWIRE_OK;
}

int main(int argc, char **argv) {
    long spans = number(argc, argv, 1, 1000000), refused = 0;
    uint64_t dropped = 0;
    spanwire_tracer tracer = tracer_new();
    OK(spanwire_tracer_start(tracer));
    OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "first")));
    sleep_us(100000);
    long base = peak_kib();
    struct rusage before, after;
    getrusage(RUSAGE_THREAD, &before);
    int64_t cpu = clock_of(CLOCK_THREAD_CPUTIME_ID), wall = monotonic_ns();
    for (long i = 1; i < spans; i++) {
        spanwire_span span = spanwire_span_start(tracer, 0, "request");
        if (!span) refused++;
        dropped += memory_is_short(spanwire_span_set_tag(span, "http.method", "GET"));
        dropped += memory_is_short(spanwire_span_set_tag(span, "http.route", "/orders/{id}/lines"));
        dropped += memory_is_short(spanwire_span_set_metric(span, "http.status", 200));
        OK(spanwire_span_finish(span));
    }
    wall = monotonic_ns() - wall;
    cpu = clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu;
    getrusage(RUSAGE_THREAD, &after);
    int64_t stopping = monotonic_ns();
    spanwire_tracer_shutdown(tracer, 3000);
    stopping = monotonic_ns() - stopping;
    printf("outage {\"cpu_ns_per_span\":%" PRId64 ",\"wall_ns_per_span\":%" PRId64 ",\"voluntary\":%ld,\"involuntary\":%ld,"
           "\"grown_kib\":%ld,\"refused\":%ld,\"stop_ms\":%" PRId64 "}\n",
           cpu / spans, wall / spans, after.ru_nvcsw - before.ru_nvcsw, after.ru_nivcsw - before.ru_nivcsw,
           peak_kib() - base, refused, stopping / 1000000);
    spanwire_stats s = check_closed_books(tracer);
    CHECK(s.spans_started + (uint64_t)refused == (uint64_t)spans);
    CHECK(s.tags_dropped == dropped);
    return verdict();
}
