/* neighbours: two tracers with the same agent, which accepts payloads and never answers. One is shut down before its
 * spans are sent; this must not affect the other. Prints `neighbours {…}` with the times of the other. */
#include "check.h"

static spanwire_tracer tracer_of(const char *service) {
    spanwire_setting settings[] = {{"DD_SERVICE", service}, {"SPANWIRE_REQUEST_TIMEOUT_MS", "500"}};
    spanwire_tracer tracer = 0;
    OK(spanwire_tracer_new(settings, 2, &tracer, NULL));
    return tracer;
}

static void some_traces(spanwire_tracer tracer) {
    for (int i = 0; i < 100; i++) OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "work")));
}

int main(void) {
    spanwire_tracer gone = tracer_of("gone"), stays = tracer_of("stays");
    CHECK(gone != stays);
    some_traces(gone);
    STATUS(SPANWIRE_E_TIMEOUT, spanwire_tracer_flush(gone, 200)); /* now these are in flight */
    some_traces(gone);                                            /* and these are queued */
    STATUS(SPANWIRE_E_TIMEOUT, spanwire_tracer_shutdown(gone, 50));
    spanwire_stats s = check_closed_books(gone);
    CHECK(s.dropped_shutdown + s.dropped_unknown_fate == 200 && s.dropped_shutdown >= 100);

    int64_t wall = monotonic_ns();
    OK(spanwire_tracer_flush(stays, 5000)); /* it has nothing to send */
    wall = monotonic_ns() - wall;
    int64_t cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    sleep_us(1000000);
    cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("neighbours {\"flush_ms\":%" PRId64 ",\"idle_cpu_ms_per_s\":%" PRId64 "}\n", wall / 1000000, cpu / 1000000);
    CHECK(wall < (int64_t)1000 * 1000000);
    CHECK(cpu < (int64_t)100 * 1000000);

    wall = monotonic_ns();
    OK(spanwire_tracer_shutdown(gone, 5000)); /* idempotent */
    OK(spanwire_tracer_shutdown(stays, 5000));
    CHECK(monotonic_ns() - wall < (int64_t)1000 * 1000000);
    check_closed_books(stays);
    return verdict();
}
