/* coming_and_going TRACERS: so many tracers one after another, each made the moment after the last one was given back.
 * The span of each leaves by itself: nobody flushes, and shutdown comes after. */
#include "check.h"

int main(int argc, char **argv) {
    long tracers = number(argc, argv, 1, 100);
    for (long n = 0; n < tracers; n++) {
        const spanwire_setting settings[] = {{"SPANWIRE_FLUSH_INTERVAL_MS", "1"}};
        spanwire_tracer tracer = 0;
        OK(spanwire_tracer_new(settings, 1, &tracer, NULL));
        OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "request")));
        for (int i = 0; i < 20000 && stats_of(tracer).spans_sent == 0; i++) sleep_us(100);
        CHECK(check_books(tracer).spans_sent == 1);
        OK(spanwire_tracer_shutdown(tracer, 5000));
        OK(spanwire_tracer_free(tracer));
        STATUS(SPANWIRE_E_HANDLE, spanwire_tracer_shutdown(tracer, 10));
        if (failures) break;
    }
    return verdict();
}
