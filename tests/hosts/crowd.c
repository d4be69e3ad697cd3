/* crowd SPANS: very many open spans at the end, then shutdown(0) and tracer_free, whose times are promised. */
#include "check.h"

int main(int argc, char **argv) {
    long count = number(argc, argv, 1, 1000000), started = 0;
    for (int freed = 0; freed < 2; freed++) {
        spanwire_tracer tracer = tracer_new();
        while (started < count && spanwire_span_start(tracer, 0, "crowd")) started++;
        CHECK(started == count);
        started = 0;
        int64_t began = monotonic_ns();
        if (freed) {
            OK(spanwire_tracer_free(tracer));
            /* The promise is 10 ms. */
            CHECK(monotonic_ns() - began < 100000000);
            break;
        }
        spanwire_status status = spanwire_tracer_shutdown(tracer, 0); /* either, depending on the machine's speed */
        CHECK(status == SPANWIRE_OK || status == SPANWIRE_E_TIMEOUT);
        int64_t took = monotonic_ns() - began;
        /* The promise is the time limit, which is 0, plus 100 ms. */
        CHECK(took < 1000000000);
        printf("shutdown(0) took %.1f ms\n", (double)took / 1e6);
        /* The worker does the rest. */
        for (int i = 0; i < 1000 && stats_of(tracer).spans_open; i++) sleep_us(10000);
        spanwire_stats s = check_books(tracer);
        CHECK(s.spans_open == 0);
        CHECK(s.spans_abandoned == (uint64_t)count);
        CHECK(spanwire_span_start(tracer, 0, "late") == 0);
        OK(spanwire_tracer_free(tracer));
    }
    return verdict();
}
