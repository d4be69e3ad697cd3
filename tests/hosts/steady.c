/* steady TRACES SPANS TAG_BYTES PAUSE_US FLUSH_MS SHUTDOWN_MS: makes this number of traces with this number of spans,
 * all children of the first, then flushes (0: not at all) and shuts down. Prints `steady {…}` with the times, and the
 * counters. */
#include "check.h"

int main(int argc, char **argv) {
    long traces = number(argc, argv, 1, 100), spans = number(argc, argv, 2, 2), bytes = number(argc, argv, 3, 0);
    long pause = number(argc, argv, 4, 0), flush_ms = number(argc, argv, 5, 0), shutdown_ms = number(argc, argv, 6, 10000);
    char *tag = calloc(1, (size_t)bytes + 1);
    memset(tag, 'x', (size_t)bytes);
    spanwire_tracer tracer = tracer_new();
    int64_t worst = 0, begun = monotonic_ns(), cpu = clock_of(CLOCK_THREAD_CPUTIME_ID);
    for (long t = 0; t < traces; t++) {
        int64_t from = clock_of(CLOCK_THREAD_CPUTIME_ID), wall = monotonic_ns();
        spanwire_span root = spanwire_span_start(tracer, 0, "steady");
        for (long s = 1; s < spans; s++) {
            spanwire_span child = spanwire_span_start(tracer, root, "step");
            if (bytes) OK(spanwire_span_set_tag(child, "filling", tag));
            OK(spanwire_span_finish(child));
        }
        if (bytes) OK(spanwire_span_set_tag(root, "filling", tag));
        OK(spanwire_span_finish(root));
        /* Time without the processor: waiting, or suspended by the scheduler, which no test can prevent. */
        int64_t asleep = (monotonic_ns() - wall) - (clock_of(CLOCK_THREAD_CPUTIME_ID) - from);
        if (asleep > worst) worst = asleep;
        if (pause) sleep_us(pause);
    }
    int64_t looped = monotonic_ns() - begun;
    cpu = clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu;
    int64_t flushing = monotonic_ns();
    spanwire_status flushed = flush_ms ? spanwire_tracer_flush(tracer, (uint32_t)flush_ms) : SPANWIRE_OK;
    flushing = monotonic_ns() - flushing;
    if (flushed == SPANWIRE_OK && flush_ms) {
        spanwire_stats s = check_books(tracer);
        CHECK(s.spans_queued == 0 && s.spans_in_flight == 0 && s.spans_waiting == 0);
    }
    int64_t stopping = monotonic_ns();
    spanwire_status stopped = spanwire_tracer_shutdown(tracer, (uint32_t)shutdown_ms);
    stopping = monotonic_ns() - stopping;
    printf("steady {\"loop_ms\":%" PRId64 ",\"cpu_ms\":%" PRId64 ",\"worst_wait_us\":%" PRId64 ",\"flushed\":%d,"
           "\"flush_ms\":%" PRId64 ",\"stopped\":%d,\"stop_ms\":%" PRId64 "}\n",
           looped / 1000000, cpu / 1000000, worst / 1000, (int)flushed, flushing / 1000000, (int)stopped, stopping / 1000000);
    spanwire_stats s = check_closed_books(tracer);
    CHECK(s.spans_started == (uint64_t)(traces * spans));
    CHECK(s.spans_finished == (uint64_t)(traces * spans));
    STATUS(SPANWIRE_E_CLOSED, spanwire_tracer_flush(tracer, 10));
    free(tag);
    return verdict();
}
