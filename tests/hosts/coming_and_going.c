/* coming_and_going TRACERS BUSY: makes this number of tracers one after another, each as soon as the last one was
 * freed. The span of each must be sent without a flush; shutdown comes later. If BUSY, another tracer of the same
 * agent makes spans all the time. Prints `went {…}` with the number of spans sent, and the counters of the busy
 * tracer. */
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>

static atomic_int stop;
static atomic_long made;

static void *traces(void *tracer) {
    while (!atomic_load(&stop)) {
        OK(spanwire_span_finish(spanwire_span_start(*(spanwire_tracer *)tracer, 0, "busy")));
        atomic_fetch_add(&made, 1);
        sleep_us(50);
    }
    return NULL;
}

static spanwire_tracer tracer_of(const char *service) {
    const spanwire_setting settings[] = {{"DD_SERVICE", service}, {"SPANWIRE_FLUSH_INTERVAL_MS", "1"}};
    spanwire_tracer tracer = 0;
    OK(spanwire_tracer_new(settings, 2, &tracer, NULL));
    return tracer;
}

int main(int argc, char **argv) {
    long tracers = number(argc, argv, 1, 100), busy = number(argc, argv, 2, 0);
    spanwire_tracer neighbour = 0;
    pthread_t thread;
    if (busy) {
        neighbour = tracer_of("busy");
        pthread_create(&thread, NULL, traces, &neighbour);
    }
    for (long n = 0; n < tracers && !failures; n++) {
        spanwire_tracer tracer = tracer_of("brief");
        OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "brief")));
        for (int i = 0; i < 20000 && stats_of(tracer).spans_sent == 0; i++) sleep_us(100);
        CHECK(check_books(tracer).spans_sent == 1);
        OK(spanwire_tracer_shutdown(tracer, 5000));
        OK(spanwire_tracer_free(tracer));
        STATUS(SPANWIRE_E_HANDLE, spanwire_tracer_shutdown(tracer, 10));
    }
    if (busy) {
        atomic_store(&stop, 1);
        pthread_join(thread, NULL);
        OK(spanwire_tracer_shutdown(neighbour, 5000));
        check_closed_books(neighbour);
    }
    printf("went {\"busy\":%ld}\n", atomic_load(&made));
    return verdict();
}
