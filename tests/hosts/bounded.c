/* bounded SHAPE: as many spans of a kind as the library accepts, then none. Prints `bounded {…}`: the growth of the
 * process in KiB, the limit, and the memory of the library and the process when everything has ended. Shapes:
 *   nested   each span is the child of the one before
 *   wide     many children of one root, finished while the root is open
 *   tags     spans with many long tags
 *   threads  sixteen threads that nest spans */
#include "check.h"
#include <malloc.h>
#include <pthread.h>

enum { THREADS = 16, MOST = 1 << 21 };
static spanwire_tracer tracer;
static spanwire_span *spans;

static long resident_kib(void) {
    char line[128];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) sscanf(line, "VmRSS: %ld", &kib);
    if (status) fclose(status);
    return kib;
}

/* Nests spans until one is refused, then finishes them, the innermost first. */
static void nest(spanwire_span *own, long most) {
    long count = 0;
    while (count < most && (own[count] = spanwire_span_start(tracer, count ? own[count - 1] : 0, "nested"))) {
        spanwire_span_set_resource(own[count], "GET /a/resource/of/some/length");
        spanwire_span_set_tag(own[count], "http.url", "http://shop.example.org/cart/items?page=3");
        spanwire_span_set_tag(own[count], "component", "net/http");
        spanwire_span_set_metric(own[count], "rows", 42.5);
        count++;
    }
    CHECK(count > 100 || most < MOST); /* one of many threads may start late */
    while (count > 0) OK(spanwire_span_finish(own[--count]));
}

static void *nest_on_thread(void *number) {
    size_t n = (size_t)number;
    nest(spans + n * (MOST / THREADS), MOST / THREADS);
    return NULL;
}

static void wide(void) {
    spanwire_span root = spanwire_span_start(tracer, 0, "root");
    for (int i = 0; i < 400000; i++) {
        spanwire_span child = spanwire_span_start(tracer, root, "child");
        spanwire_span_set_tag(child, "http.url", "http://shop.example.org/cart/items?page=3");
        spanwire_span_finish(child);
    }
    OK(spanwire_span_finish(root));
}

static void long_tags(void) {
    static char text[25000];
    char key[32];
    long count = 0;
    memset(text, 'x', sizeof text);
    while (count < MOST && (spans[count] = spanwire_span_start(tracer, 0, "tags"))) {
        for (int i = 0; i < 40; i++) {
            int len = snprintf(key, sizeof key, "key %d", i);
            spanwire_span_set_tag_n(spans[count], key, (size_t)len, text, sizeof text);
        }
        count++;
    }
    while (count > 0) OK(spanwire_span_finish(spans[--count]));
}

int main(int argc, char **argv) {
    const char *shape = argc > 1 ? argv[1] : "nested";
    spans = malloc(MOST * sizeof *spans);
    tracer = tracer_new();
    CHECK(spans != NULL);
    memset(spans, 1, MOST * sizeof *spans); /* allocate our pages before measuring */
    OK(spanwire_span_discard(spanwire_span_start(tracer, 0, "first")));
    long base = peak_kib(), before = resident_kib();
    for (int round = 0; round < 2; round++) {
        if (!strcmp(shape, "nested")) nest(spans, MOST);
        if (!strcmp(shape, "wide")) wide();
        if (!strcmp(shape, "tags")) long_tags();
        if (!strcmp(shape, "threads")) {
            pthread_t threads[THREADS];
            for (size_t i = 0; i < THREADS; i++) CHECK(!pthread_create(&threads[i], NULL, nest_on_thread, (void *)i));
            for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
        }
        spanwire_tracer_flush(tracer, 20000);
    }
    long grown = peak_kib() - base;
    spanwire_tracer_shutdown(tracer, 20000);
    malloc_trim(0);
    spanwire_stats s = check_closed_books(tracer);
    /* The worker frees what shutdown had no time for when it ends. */
    for (int i = 0; i < 500 && s.memory_used > s.memory_max / 8 * 5; i++) sleep_us(10000), s = stats_of(tracer);
    printf("bounded {\"grown_kib\":%ld,\"max_kib\":%" PRIu64 ",\"used_after_kib\":%" PRIu64 ",\"resident_after_kib\":%ld,\"started\":%" PRIu64 "}\n",
           grown, s.memory_max / 1024, s.memory_used / 1024, resident_kib() - before, s.spans_started);
    return verdict();
}
