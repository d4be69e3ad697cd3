/* examined SPANS [NAME=value …]: makes a tracer with these settings in code, finishes that many spans and leaves one
 * open, tries to send, prints `ready`, and runs until standard input ends. Without spans it starts none. */
#include "check.h"
#include <unistd.h>

int main(int argc, char **argv) {
    spanwire_setting settings[16] = {{0}};
    size_t count = 0;
    for (int n = 2; n < argc && count < 16; n++) {
        char *value = strchr(argv[n], '=');
        CHECK(value != NULL);
        if (!value) return verdict();
        *value = '\0';
        settings[count].name = argv[n];
        settings[count++].value = value + 1;
    }
    spanwire_tracer tracer = 0;
    OK(spanwire_tracer_new(settings, count, &tracer, NULL));
    int spans = argc > 1 ? atoi(argv[1]) : 0;
    for (int n = 0; n < spans; n++) OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "work")));
    spanwire_span open = spans > 0 ? spanwire_span_start(tracer, 0, "open") : 0;
    spanwire_tracer_flush(tracer, 500); /* fails where there is no Agent */
    puts("ready");
    fflush(stdout);
    char byte;
    while (read(0, &byte, 1) > 0) {}
    if (open) OK(spanwire_span_finish(open));
    OK(spanwire_tracer_free(tracer));
    return verdict();
}
