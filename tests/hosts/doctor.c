/* doctor WHAT [N]: a program with one fault, which its log must show. `spans N`: N correct traces of two spans; `open
 * N`: N spans that are never finished; `wide N`: one trace of N spans; `loud N`: N traces at once, then the file
 * `$MADE`, and one trace a second later; `none`: no span; `two`: two tracers of one service with different settings.
 * Settings come from the environment. Nothing is checked, because the faults are intended. */
#include "check.h"
#include <unistd.h>

static void make(spanwire_tracer tracer, long traces) {
    for (long n = 0; n < traces; n++) {
        spanwire_span root = spanwire_span_start(tracer, 0, "checkout");
        spanwire_span step = spanwire_span_start(tracer, root, "payment");
        spanwire_span_set_tag(step, "card.password", "hunter2");
        spanwire_span_finish(step);
        spanwire_span_finish(root);
    }
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "spans";
    long count = number(argc, argv, 2, 3);
    if (!strcmp(what, "two")) {
        spanwire_setting one[] = {{"DD_ENV", "staging"}}, other[] = {{"DD_ENV", "production"}};
        spanwire_tracer tracers[2] = {0, 0};
        OK(spanwire_tracer_new(one, 1, &tracers[0], NULL));
        OK(spanwire_tracer_new(other, 1, &tracers[1], NULL));
        for (int n = 0; n < 2; n++) make(tracers[n], count);
        for (int n = 0; n < 2; n++) spanwire_tracer_shutdown(tracers[n], 1000);
        return verdict();
    }
    spanwire_tracer tracer = tracer_new();
    if (!strcmp(what, "spans")) make(tracer, count);
    if (!strcmp(what, "wide")) {
        spanwire_span root = spanwire_span_start(tracer, 0, "checkout");
        for (long n = 1; n < count; n++) spanwire_span_finish(spanwire_span_start(tracer, root, "payment"));
        spanwire_span_finish(root);
    }
    if (!strcmp(what, "loud")) {
        make(tracer, count);
        const char *made = getenv("MADE");
        FILE *file = made ? fopen(made, "w") : NULL;
        if (file) fclose(file);
        usleep(1000 * 1000); /* until the reader of its log has caught up */
        make(tracer, 1);
    }
    if (!strcmp(what, "none")) {
        OK(spanwire_tracer_start(tracer));
        usleep(300 * 1000); /* like a program that waits for its first request */
    }
    if (!strcmp(what, "open"))
        for (long n = 0; n < count; n++) spanwire_span_start(tracer, 0, "forgotten");
    if (strcmp(what, "open")) spanwire_tracer_flush(tracer, (uint32_t)number(argc, argv, 3, 2000));
    spanwire_tracer_shutdown(tracer, 1000);
    return verdict();
}
