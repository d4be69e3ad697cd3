/* fates ACTION…: does what each argument says, in this order, and then asks what became of each trace:
 *
 *   trace      a trace of two spans      open       a trace whose root stays open, with a finished child
 *   discard    a trace that is discarded    both    a trace with a finished and a discarded span
 *   keep       a trace that the program keeps, and `drop` one that it drops
 *   alone      a trace whose only span stays open
 *   big        a trace of one span of 40 KB     many=N   N traces, of which only the last one is asked about
 *   flare      a flare, at the path in FATES_FLARE; prints `flare {…}` with the memory that it took
 *   hoard=N    N spans with tags that stay open
 *   flush      flush=MS a flush                     shutdown=MS a shutdown
 *   ask        prints `fate {…}` for each trace
 *   wait       prints `ready`, and does what the lines of standard input say until it ends
 *   fork       continues in a child, and ends with it
 *   until=N    waits until the state of the last trace is N
 *   become     takes on the effective user as the real one
 *   forbid     makes a tracer that allows no control socket
 *
 * Each trace is printed as `trace {"what":…,"id":…}` when it is made. */
#include "check.h"
#include <sys/wait.h>
#include <unistd.h>

#define TRACES 64
typedef struct {
    const char *what;
    uint64_t high, low;
} Trace;

static spanwire_tracer tracer;
static Trace traces[TRACES];
static int count;

static void remember(const char *what, spanwire_span span) {
    spanwire_context context = {.size = sizeof context};
    OK(spanwire_span_context(span, &context));
    CHECK(count < TRACES);
    traces[count++] = (Trace){what, context.trace_id_high, context.trace_id_low};
    printf("trace {\"what\":\"%s\",\"high\":%" PRIu64 ",\"low\":%" PRIu64 ",\"span\":%" PRIu64 "}\n", what,
           context.trace_id_high, context.trace_id_low, context.span_id);
}

static void ask(void) {
    for (int n = 0; n < count; n++) {
        spanwire_fate fate = {.size = sizeof fate};
        OK(spanwire_trace_fate(traces[n].high, traces[n].low, &fate));
        printf("fate {\"what\":\"%s\",\"state\":%u,\"dropped\":%u,\"open\":%" PRIu64 ",\"waiting\":%" PRIu64
               ",\"pending\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"lost\":%" PRIu64
               ",\"attempts\":%u,\"status\":%u,\"errno\":%d,\"priority\":%d,\"mechanism\":%d,\"rule\":%u,\"rate\":%g,"
               "\"limited\":%u,\"text\":\"%s\"}\n",
               traces[n].what, fate.state, fate.dropped, fate.spans_open, fate.spans_waiting, fate.spans_pending,
               fate.spans_sent, fate.spans_dropped, fate.attempts_failed, fate.http_status, fate.error_number,
               fate.priority, fate.mechanism, fate.rule, fate.rate, fate.limited, fate.text);
        CHECK(fate.state == SPANWIRE_FATE_UNKNOWN ||
              (fate.trace_id_high == traces[n].high && fate.trace_id_low == traces[n].low));
        spanwire_fate by_half = {.size = sizeof by_half};
        OK(spanwire_trace_fate(0, traces[n].low, &by_half));
        CHECK(by_half.trace_id_high == fate.trace_id_high && by_half.trace_id_low == fate.trace_id_low);
    }
    fflush(stdout);
}

static void act(const char *what, long value) {
    if (!strcmp(what, "flare")) {
        /* Resets the peak to what is used now. */
        FILE *file = fopen("/proc/self/clear_refs", "w");
        CHECK(file && fputs("5", file) >= 0 && fclose(file) == 0);
        long before = peak_kib();
        OK(spanwire_flare_write(tracer, getenv("FATES_FLARE"), NULL));
        printf("flare {\"kib\":%ld}\n", peak_kib() - before);
        return;
    }
    if (!strcmp(what, "until")) {
        spanwire_fate fate = {.size = sizeof fate};
        for (int n = 0; n < 5000 && fate.state != (uint32_t)value; n++) {
            sleep_us(10000);
            OK(spanwire_trace_fate(traces[count - 1].high, traces[count - 1].low, &fate));
        }
        CHECK(fate.state == (uint32_t)value);
        return;
    }
    if (!strcmp(what, "become")) {
        CHECK(setresuid(geteuid(), geteuid(), geteuid()) == 0);
        return;
    }
    if (!strcmp(what, "forbid")) {
        spanwire_setting settings[] = {{"DD_SERVICE", "quiet"}, {"SPANWIRE_CONTROL", "false"}};
        spanwire_tracer other = 0;
        OK(spanwire_tracer_new(settings, 2, &other, NULL));
        return;
    }
    if (!strcmp(what, "flush")) {
        spanwire_tracer_flush(tracer, (uint32_t)value);
        return;
    }
    if (!strcmp(what, "shutdown")) {
        spanwire_tracer_shutdown(tracer, (uint32_t)value);
        return;
    }
    if (!strcmp(what, "hoard")) {
        for (long n = 0; n < value; n++) {
            spanwire_span span = spanwire_span_start(tracer, 0, "hoarded");
            for (int tag = 0; span && tag < 20; tag++) {
                char key[16];
                snprintf(key, sizeof key, "k%d", tag);
                spanwire_span_set_tag(span, key, "a value that takes some memory in this span and is never sent");
            }
        }
        return;
    }
    if (!strcmp(what, "many")) {
        for (long n = 1; n < value; n++) OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "work")));
    }
    spanwire_span root = spanwire_span_start(tracer, 0, "web.request");
    if (!root) return;
    OK(spanwire_span_set_resource(root, what));
    if (!strcmp(what, "big")) {
        char key[16], text[1000];
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = 0;
        for (int n = 0; n < 40; n++) {
            snprintf(key, sizeof key, "k%d", n);
            OK(spanwire_span_set_tag(root, key, text));
        }
    }
    if (!strcmp(what, "keep")) OK(spanwire_span_set_priority(root, 2));
    if (!strcmp(what, "drop")) OK(spanwire_span_set_priority(root, -1));
    remember(what, root);
    if (!strcmp(what, "discard")) {
        OK(spanwire_span_discard(root));
        return;
    }
    if (strcmp(what, "big") && strcmp(what, "many") && strcmp(what, "alone")) {
        spanwire_span child = spanwire_span_start(tracer, root, "step");
        OK(!strcmp(what, "both") ? spanwire_span_discard(child) : spanwire_span_finish(child));
    }
    if (strcmp(what, "open") && strcmp(what, "alone")) OK(spanwire_span_finish(root));
}

int main(int argc, char **argv) {
    tracer = tracer_new();
    for (int n = 1; n < argc; n++) {
        char *value = strchr(argv[n], '=');
        if (value) *value++ = 0;
        if (!strcmp(argv[n], "ask")) {
            ask();
        } else if (!strcmp(argv[n], "wait")) {
            printf("ready {\"pid\":%d}\n", (int)getpid());
            fflush(stdout);
            char line[64];
            while (fgets(line, sizeof line, stdin)) {
                line[strcspn(line, "\n")] = 0;
                act(strdup(line), 0);
                count = count < TRACES ? count : 0;
            }
        } else if (!strcmp(argv[n], "fork")) {
            fflush(stdout);
            pid_t child = fork();
            if (child > 0) {
                int status = 0;
                CHECK(waitpid(child, &status, 0) == child && status == 0);
                return verdict();
            }
        } else {
            act(argv[n], value ? strtol(value, NULL, 10) : 0);
        }
    }
    spanwire_stats stats = {.size = sizeof stats};
    if (spanwire_tracer_stats(tracer, &stats) == SPANWIRE_OK) check_books(tracer);
    return verdict();
}
