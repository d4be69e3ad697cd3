/* sharing WAY URL [FILE]: several tracers that send to one agent. WAY names what they must not share:
 *   timeouts   the agent stalls; the first tracer allows a request 20 s, the second one 200 ms
 *   intervals  the first tracer's flush interval is an hour, that of the second 50 ms
 *   queues     the first tracer fills its queue; that of the second has space
 *   turns      the agent refuses the first tracer's many waiting payloads; a flush of the second is served
 *   slots      three hundred tracers are made and freed with a span each, then the program says `ready` and waits until FILE
 *              is there */
#include "check.h"
#include <unistd.h>

static const char *url;

static spanwire_tracer tracer_of(const char *service, const char *name, const char *value) {
    spanwire_setting settings[] = {{"DD_SERVICE", service}, {"DD_TRACE_AGENT_URL", url},
                                   {"SPANWIRE_LOG_SINKS", "ring"}, {name, value}};
    spanwire_tracer tracer = 0;
    OK(spanwire_tracer_new(settings, name ? 4 : 3, &tracer, NULL));
    return tracer;
}

static void spans(spanwire_tracer tracer, int count) {
    for (int i = 0; i < count; i++) OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "work")));
}

/* Whether this number of spans was sent within 30 s, without a flush. */
static int sent(spanwire_tracer tracer, uint64_t count) {
    for (int i = 0; i < 3000 && stats_of(tracer).spans_sent < count; i++) sleep_us(10000);
    return stats_of(tracer).spans_sent == count;
}

static void timeouts(void) {
    spanwire_tracer first = tracer_of("first", "SPANWIRE_REQUEST_TIMEOUT_MS", "20000");
    OK(spanwire_tracer_start(first));
    spanwire_tracer second = tracer_of("second", "SPANWIRE_REQUEST_TIMEOUT_MS", "200");
    spans(second, 1);
    STATUS(SPANWIRE_E_TIMEOUT, spanwire_tracer_flush(second, 5000));
    CHECK(stats_of(second).attempts_failed >= 2);
    OK(spanwire_tracer_free(first));
    spanwire_tracer third = tracer_of("third", "SPANWIRE_REQUEST_TIMEOUT_MS", "100");
    spans(third, 1);
    STATUS(SPANWIRE_E_TIMEOUT, spanwire_tracer_flush(third, 8000));
    CHECK(stats_of(third).attempts_failed >= 1);
    spanwire_tracer_shutdown(second, 0);
    spanwire_tracer_shutdown(third, 0);
    check_closed_books(second);
    check_closed_books(third);
}

static void intervals(void) {
    spanwire_tracer first = tracer_of("first", "SPANWIRE_FLUSH_INTERVAL_MS", "3600000");
    spans(first, 1);
    OK(spanwire_tracer_flush(first, 10000));
    spanwire_tracer second = tracer_of("second", "SPANWIRE_FLUSH_INTERVAL_MS", "50");
    sleep_us(100000); /* the first spans are sent before the interval is over */
    spans(first, 1);
    spans(second, 1);
    CHECK(sent(second, 1));
    CHECK(stats_of(first).spans_queued == 1); /* its hour is not over */
    OK(spanwire_tracer_shutdown(first, 10000));
    OK(spanwire_tracer_free(first));
    spanwire_tracer third = tracer_of("third", "SPANWIRE_FLUSH_INTERVAL_MS", "50");
    spans(third, 1);
    CHECK(sent(third, 1));
    OK(spanwire_tracer_shutdown(second, 10000));
    OK(spanwire_tracer_shutdown(third, 10000));
    check_closed_books(third);
}

static void queues(void) {
    spanwire_tracer first = tracer_of("first", "SPANWIRE_QUEUE_MAX", "4194304");
    spanwire_tracer second = tracer_of("second", "SPANWIRE_QUEUE_MAX", "65536");
    spans(first, 20000);
    CHECK(stats_of(first).dropped_queue_full > 0);
    spans(second, 10);
    spanwire_stats s = check_books(second);
    CHECK(s.dropped_queue_full == 0 && s.dropped_memory == 0);
    spans(second, 1000); /* its own limit applies */
    CHECK(check_books(second).dropped_queue_full > 0);
    CHECK(stats_of(second).memory_used <= stats_of(second).memory_max);
    spanwire_tracer_shutdown(first, 0);
    spanwire_tracer_shutdown(second, 0);
    check_closed_books(first);
    check_closed_books(second);
}

static void turns(void) {
    spanwire_tracer first = tracer_of("refused-service", NULL, NULL);
    spanwire_tracer second = tracer_of("second", NULL, NULL);
    spans(first, 20000);
    STATUS(SPANWIRE_E_TIMEOUT, spanwire_tracer_flush(first, 300));
    spans(second, 10);
    OK(spanwire_tracer_flush(second, 20000));
    CHECK(check_books(second).spans_sent == 10);
    CHECK(stats_of(first).spans_sent == 0);
    OK(spanwire_tracer_shutdown(second, 1000));
    spanwire_tracer_shutdown(first, 100);
    check_closed_books(first);
    check_closed_books(second);
}

static void slots(const char *file) {
    for (int i = 0; i < 300; i++) {
        char service[20];
        snprintf(service, sizeof service, "service-%d", i);
        spanwire_tracer tracer = tracer_of(service, NULL, NULL);
        spans(tracer, 1);
        OK(spanwire_tracer_free(tracer));
    }
    puts("ready");
    fflush(stdout);
    for (int i = 0; i < 6000 && access(file, F_OK); i++) sleep_us(10000);
    /* Live tracers still have a limit. */
    spanwire_tracer last = 0;
    int live = 0;
    while (live < 100) {
        char service[20];
        snprintf(service, sizeof service, "live-%d", live);
        spanwire_setting settings[] = {{"DD_SERVICE", service}, {"DD_TRACE_AGENT_URL", url}};
        if (spanwire_tracer_new(settings, 2, &last, NULL) != SPANWIRE_OK) break;
        live++;
    }
    CHECK(live == SPANWIRE_TRACERS_MAX);
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    url = argv[2];
    if (!strcmp(argv[1], "timeouts")) timeouts();
    else if (!strcmp(argv[1], "intervals")) intervals();
    else if (!strcmp(argv[1], "queues")) queues();
    else if (!strcmp(argv[1], "turns")) turns();
    else if (!strcmp(argv[1], "slots") && argc > 3) slots(argv[3]);
    else return 2;
    return verdict();
}
