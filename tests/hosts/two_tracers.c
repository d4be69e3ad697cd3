/* two_tracers SILENT_URL GOOD_URL: one tracer's agent never answers; prints how long the flush of the other takes. */
#include "check.h"

static spanwire_tracer tracer_to(const char *service, const char *url) {
    spanwire_setting settings[] = {{"DD_SERVICE", service}, {"DD_TRACE_AGENT_URL", url},
                                   {"SPANWIRE_REQUEST_TIMEOUT_MS", "20000"}};
    spanwire_tracer tracer = 0;
    OK(spanwire_tracer_new(settings, 3, &tracer, NULL));
    return tracer;
}

static void some_traces(spanwire_tracer tracer) {
    for (int i = 0; i < 100; i++) OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "work")));
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    spanwire_tracer silent = tracer_to("silent", argv[1]), good = tracer_to("good", argv[2]);
    CHECK(silent != good);
    some_traces(silent);
    STATUS(SPANWIRE_E_TIMEOUT, spanwire_tracer_flush(silent, 300)); /* now its worker waits for an answer */
    some_traces(good);
    int64_t from = monotonic_ns();
    OK(spanwire_tracer_flush(good, 10000));
    int64_t took = monotonic_ns() - from;
    from = monotonic_ns();
    spanwire_tracer_shutdown(silent, 500);
    int64_t stop = monotonic_ns() - from;
    printf("two {\"flush_ms\":%" PRId64 ",\"silent_stop_ms\":%" PRId64 "}\n", took / 1000000, stop / 1000000);
    spanwire_stats s = check_books(silent); /* the request stays in flight until it times out after 20 s */
    CHECK(s.spans_in_flight + s.dropped_shutdown == 100 && s.spans_queued + s.spans_waiting == 0);
    OK(spanwire_tracer_shutdown(good, 2000));
    check_closed_books(good);
    return verdict();
}
