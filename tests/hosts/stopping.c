/* stopping WAY MS: 100 spans, then a shutdown with a limit of MS milliseconds. WAY: `now`; `late`, after some
 * attempts have failed; `flight`, while a request with all of them is in flight. Prints `stopping {…}` with the
 * status and the time. */
#include "check.h"

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    spanwire_tracer tracer = tracer_new();
    for (int i = 0; i < 100; i++) OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "work")));
    if (!strcmp(argv[1], "late"))
        for (int i = 0; i < 1000 && stats_of(tracer).attempts_failed < 4; i++) sleep_us(10000);
    if (!strcmp(argv[1], "flight"))
        for (int i = 0; i < 1000 && stats_of(tracer).spans_in_flight < 100; i++) sleep_us(10000);
    for (int i = 0; i < 100; i++) /* these wait in the queue */
        if (!strcmp(argv[1], "late")) OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "work")));
    int64_t from = monotonic_ns();
    spanwire_status status = spanwire_tracer_shutdown(tracer, (uint32_t)number(argc, argv, 2, 1000));
    printf("stopping {\"status\":%d,\"ms\":%" PRId64 "}\n", (int)status, (monotonic_ns() - from) / 1000000);
    check_books(tracer);
    check_closed_books(tracer);
    return verdict();
}
