/* Traces that grow without an end. Prints `huge {…}`: the growth of the process and the limit of memory, in KiB.
 *
 *   huge MODE SPANS
 *     wide     children of one root, which finishes last
 *     never    children of a root that never finishes
 *     late     children that start after their root has finished, by its context
 *     outlive  children that start before their root finishes, and finish after it
 *     leaked   traces of 900 spans each, whose roots never finish
 *
 * Flushes now and then, as a host that makes spans faster than they can be sent has to, so that every span is sent. */
#include "check.h"

enum { FLUSH_EVERY = 5000, IN_LEAKED = 900, OPEN_AT_ONCE = 20000 };

static spanwire_tracer tracer;
static long made;
static int patient;

static void flush_sometimes(void) {
    if (++made % FLUSH_EVERY == 0) OK(spanwire_tracer_flush(tracer, 60000));
}

static void describe(spanwire_span span) {
    OK(spanwire_span_set_tag(span, "http.url", "http://shop.example.org/cart/items?page=3"));
    OK(spanwire_span_set_metric(span, "rows", 42.5));
}

/* Starts a span. While memory is short, waits: the worker makes room soon. */
static spanwire_span start(spanwire_span parent, const char *name) {
    spanwire_span span = spanwire_span_start(tracer, parent, name);
    for (int i = 0; span == 0 && patient && i < 10000; i++) {
        sleep_us(1000);
        span = spanwire_span_start(tracer, parent, name);
    }
    CHECK(span != 0);
    return span;
}

static spanwire_span child_of(spanwire_span parent) {
    spanwire_span child = start(parent, "child");
    describe(child);
    return child;
}

static void wide(spanwire_span root, long spans) {
    for (long i = 1; i < spans; i++) {
        OK(spanwire_span_finish(child_of(root)));
        flush_sometimes();
    }
}

static void late(long spans) {
    spanwire_span root = spanwire_span_start(tracer, 0, "root");
    spanwire_context context = {.size = sizeof context};
    OK(spanwire_span_set_priority(root, 2));
    OK(spanwire_span_context(root, &context));
    OK(spanwire_span_finish(root));
    /* Its handle is no parent any more. */
    spanwire_span apart = spanwire_span_start(tracer, root, "apart");
    OK(spanwire_span_finish(apart));
    CHECK(stats_of(tracer).parents_unknown == 1);
    for (long i = 2; i < spans; i++) {
        spanwire_span_options options = {.size = sizeof options};
        options.parent_context = &context;
        options.name = "late";
        options.name_len = SPANWIRE_NUL;
        spanwire_span span = 0;
        OK(spanwire_span_start_with(tracer, &options, &span));
        OK(spanwire_span_finish(span));
        flush_sometimes();
    }
}

static void outlive(long spans) {
    static spanwire_span open[OPEN_AT_ONCE];
    for (long left = spans; left > 0;) {
        spanwire_span root = spanwire_span_start(tracer, 0, "root");
        long count = left - 1 < OPEN_AT_ONCE ? left - 1 : OPEN_AT_ONCE;
        for (long i = 0; i < count; i++) open[i] = child_of(root);
        OK(spanwire_span_finish(root));
        for (long i = 0; i < count; i++) {
            OK(spanwire_span_finish(open[i]));
            flush_sometimes();
        }
        left -= count + 1;
    }
}

static long leaked(long spans) {
    long roots = 0;
    patient = 1;
    for (long i = 0; i < spans; i++) {
        static spanwire_span root;
        if (i % IN_LEAKED == 0) {
            root = start(0, "leaked");
            roots++;
            continue;
        }
        OK(spanwire_span_finish(child_of(root)));
        flush_sometimes();
        if (failures > 10) break;
    }
    return roots;
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    long spans = number(argc, argv, 2, 1000), abandoned = 0;
    tracer = tracer_new();
    OK(spanwire_span_discard(spanwire_span_start(tracer, 0, "first")));
    long base = peak_kib();
    spanwire_span root = 0;
    if (!strcmp(mode, "wide") || !strcmp(mode, "never")) {
        root = spanwire_span_start(tracer, 0, "root");
        wide(root, spans);
        if (!strcmp(mode, "wide")) OK(spanwire_span_finish(root));
        else abandoned = 1;
    } else if (!strcmp(mode, "late")) late(spans);
    else if (!strcmp(mode, "outlive")) outlive(spans);
    else if (!strcmp(mode, "leaked")) abandoned = leaked(spans);
    else return 2;
    long grown = peak_kib() - base;
    spanwire_stats stats = check_books(tracer);
    CHECK(stats.spans_open == (uint64_t)abandoned);
    OK(spanwire_tracer_shutdown(tracer, 60000));
    stats = check_closed_books(tracer);
    CHECK(stats.spans_started == (uint64_t)spans + 1 && stats.spans_discarded == 1);
    CHECK(stats.spans_abandoned == (uint64_t)abandoned);
    CHECK(stats.spans_finished == (uint64_t)(spans - abandoned) && stats.spans_sent == stats.spans_finished);
    CHECK(stats.starts_refused == 0 || patient);
    printf("huge {\"grown_kib\":%ld,\"max_kib\":%" PRIu64 ",\"abandoned\":%ld}\n", grown, stats.memory_max / 1024, abandoned);
    return verdict();
}
