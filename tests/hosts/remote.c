/* remote FILE [fork]: makes a trace every 10 ms until FILE exists, and prints `config {…}` whenever the configuration has
 * changed, and `debug {…}` whenever debug mode has. Then prints `peak {…}`, its memory, and shuts down. With `fork` a child without spans waits meanwhile. */
#include "check.h"
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    static char before[1 << 16], now[1 << 16];
    int debug_before = -1;
    CHECK(argc > 1);
    spanwire_tracer tracer = tracer_new();
    OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "first")));
    pid_t child = argc > 2 ? fork() : 0;
    if (argc > 2 && child == 0) {
        CHECK(spanwire_debug_get() == 0); /* a call, so that the library notices the fork */
        while (access(argv[1], F_OK) != 0) sleep_us(10000);
        _exit(verdict());
    }
    while (access(argv[1], F_OK) != 0) {
        spanwire_span span = spanwire_span_start(tracer, 0, "work");
        if (span) OK(spanwire_span_finish(span)); /* none while tracing is off */
        size_t need = 0;
        OK(spanwire_tracer_config_json(tracer, now, sizeof now, &need));
        if (strcmp(before, now) != 0) {
            printf("config %s\n", now);
            strcpy(before, now);
        }
        if (spanwire_debug_get() != debug_before) {
            debug_before = spanwire_debug_get();
            printf("debug {\"on\":%d}\n", debug_before);
        }
        fflush(stdout);
        sleep_us(10000);
    }
    if (child > 0) {
        int status = -1;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    printf("peak {\"kib\":%ld}\n", peak_kib());
    OK(spanwire_tracer_shutdown(tracer, 10000));
    check_closed_books(tracer);
    return verdict();
}
