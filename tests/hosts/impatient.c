/* impatient MS: one span, and then for MS milliseconds every call with which a host may try to send it sooner. */
#include "check.h"

static spanwire_tracer tracer_of(const char *service) {
    spanwire_setting settings[] = {{"DD_SERVICE", service}};
    spanwire_tracer tracer = 0;
    OK(spanwire_tracer_new(settings, 1, &tracer, NULL));
    return tracer;
}

int main(int argc, char **argv) {
    int64_t end = monotonic_ns() + number(argc, argv, 1, 1000) * 1000000;
    spanwire_tracer tracer = tracer_of("impatient"), other = tracer_of("other");
    OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "work")));
    spanwire_tracer_flush(tracer, 100);
    while (monotonic_ns() < end) {
        OK(spanwire_span_finish(spanwire_span_start(other, 0, "work")));
        OK(spanwire_tracer_start(other));
        spanwire_tracer_flush(tracer, 0);
        spanwire_tracer_flush(other, 0);
        spanwire_tracer brief = tracer_of("brief");
        OK(spanwire_tracer_free(brief));
        sleep_us(10000);
    }
    OK(spanwire_tracer_shutdown(tracer, 10000));
    OK(spanwire_tracer_shutdown(other, 10000));
    check_closed_books(other);
    check_closed_books(tracer);
    return verdict();
}
