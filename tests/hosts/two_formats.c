/* Two tracers at one Agent, which ask for the formats v0.5 and v1.0, and one that asks for v0.4. Arguments: how many traces each
 * sends, microseconds between them. The log goes to standard error, in JSON and at level debug. */
#include "check.h"

#define TRACERS 3

int main(int argc, char **argv) {
    static const char *const formats[TRACERS] = {"0.5", "1.0", "0.4"};
    spanwire_tracer tracers[TRACERS];
    for (int i = 0; i < TRACERS; i++) {
        char service[32];
        snprintf(service, sizeof service, "asks for %s", formats[i]);
        spanwire_setting settings[] = {{"DD_SERVICE", service}, {"DD_TRACE_AGENT_PROTOCOL_VERSION", formats[i]}};
        OK(spanwire_tracer_new(settings, 2, &tracers[i], NULL));
        OK(spanwire_tracer_start(tracers[i]));
    }
    long traces = number(argc, argv, 1, 0);
    for (long n = 0; n < traces; n++) {
        for (int i = 0; i < TRACERS; i++) {
            OK(spanwire_span_finish(spanwire_span_start(tracers[i], 0, "work")));
            spanwire_tracer_flush(tracers[i], 10000); /* the agent may be away */
        }
        sleep_us(number(argc, argv, 2, 0));
    }
    uint64_t sent = 0;
    for (int i = 0; i < TRACERS; i++) {
        OK(spanwire_tracer_shutdown(tracers[i], 10000));
        sent += check_closed_books(tracers[i]).spans_sent;
    }
    printf("all {\"sent\":%" PRIu64 "}\n", sent);
    return verdict();
}
