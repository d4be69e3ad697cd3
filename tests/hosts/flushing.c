/* Sends traces of one span each and flushes each, some time apart, and prints the log.
 * Arguments: how many traces, microseconds between them. The log goes to standard error, in JSON and at level debug. */
#include "check.h"

int main(int argc, char **argv) {
    spanwire_tracer tracer = tracer_new();
    OK(spanwire_tracer_start(tracer));
    long traces = number(argc, argv, 1, 0);
    for (long i = 0; i < traces; i++) {
        OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "work")));
        spanwire_tracer_flush(tracer, 10000); /* the agent may be away */
        sleep_us(number(argc, argv, 2, 0));
    }
    spanwire_tracer_shutdown(tracer, 10000);
    check_closed_books(tracer);
    return verdict();
}
