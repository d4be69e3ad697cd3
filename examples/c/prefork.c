/*
 * A prefork server in miniature: the tracer is started once, before the workers are forked. A worker needs no call of
 * its own after the fork; it has its own queue and counters, and shuts down before it exits.
 *
 * Run:   tools/stage
 *        cc -I target/stage/include examples/c/prefork.c -o target/prefork \
 *           -L target/stage/lib -lspanwire -Wl,-rpath,$PWD/target/stage/lib
 *        target/prefork | grep -v '^{'     # without the traces themselves
 *
 * Prints, after a line of JSON for each of the 13 traces:
 *   worker 1: 6 spans finished, 6 sent
 *   worker 2: 6 spans finished, 6 sent
 *   worker 3: 6 spans finished, 6 sent
 *   worker 4: 6 spans finished, 6 sent
 *   parent: 1 spans finished, 1 sent
 *   all: 25 spans finished, 25 sent
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <spanwire.h>

enum { WORKERS = 4, REQUESTS = 3 };

/* Shuts down, so that every span is sent or counted as dropped, and returns the counters of this process. */
static spanwire_stats close_tracer(spanwire_tracer tracer) {
    spanwire_stats stats = {.size = sizeof stats};
    spanwire_tracer_shutdown(tracer, 2000);
    spanwire_tracer_stats(tracer, &stats);
    return stats;
}

static int serve(spanwire_tracer tracer, int report) {
    for (int i = 0; i < REQUESTS; i++) {
        spanwire_span request = spanwire_span_start(tracer, 0, "request");
        spanwire_span query = spanwire_span_start(tracer, request, "query");
        spanwire_span_finish(query);
        spanwire_span_finish(request);
    }
    spanwire_stats stats = close_tracer(tracer);
    return write(report, &stats, sizeof stats) == (ssize_t)sizeof stats ? 0 : 1;
}

int main(void) {
    const spanwire_setting settings[] = {{"DD_SERVICE", "shop"}, {"default:DD_TRACE_AGENT_URL", "file:///dev/stdout"}};
    spanwire_tracer tracer;
    if (spanwire_tracer_new(settings, 2, &tracer, NULL) != SPANWIRE_OK) return 1;
    spanwire_span_finish(spanwire_span_start(tracer, 0, "boot"));

    int reports[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        int ends[2];
        if (pipe(ends) != 0) return 1;
        pid_t pid = fork();
        if (pid < 0) return 1;
        if (pid == 0) _exit(serve(tracer, ends[1]));
        close(ends[1]);
        reports[i] = ends[0];
    }
    while (wait(NULL) > 0) {}

    spanwire_stats own = close_tracer(tracer);
    uint64_t finished = own.spans_finished, sent = own.spans_sent;
    for (int i = 0; i < WORKERS; i++) {
        spanwire_stats stats;
        if (read(reports[i], &stats, sizeof stats) != (ssize_t)sizeof stats) return 1;
        printf("worker %d: %" PRIu64 " spans finished, ", i + 1, stats.spans_finished);
        printf("%" PRIu64 " sent\n", stats.spans_sent);
        finished += stats.spans_finished;
        sent += stats.spans_sent;
    }
    printf("parent: %" PRIu64 " spans finished, %" PRIu64 " sent\n", own.spans_finished, own.spans_sent);
    printf("all: %" PRIu64 " spans finished, %" PRIu64 " sent\n", finished, sent);
    spanwire_tracer_free(tracer);
    return 0;
}
