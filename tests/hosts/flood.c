/* flood: finishes traces faster than they are written for some seconds, through a small queue, and counts the lines that
 * say that a loss began or ended. Prints `flood {…}`. */
#include "check.h"

typedef struct {
    long began, ended;
} lines;

static void count(const spanwire_log_record *record, void *userdata) {
    lines *seen = userdata;
    CHECK(record->lost == 0);
    if (strcmp(record->target, "loss.began") == 0) seen->began++;
    if (strcmp(record->target, "loss.ended") == 0) seen->ended++;
}

int main(void) {
    lines seen = {0, 0};
    spanwire_tracer tracer = tracer_new();
    int64_t start = monotonic_ns();
    uint64_t sent_while_full = 0;
    while (monotonic_ns() - start < 2500000000) {
        for (int n = 0; n < 2000; n++) OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "flood")));
        OK(spanwire_log_poll(count, &seen, 1000, NULL));
        if (!sent_while_full && stats_of(tracer).dropped_queue_full) sent_while_full = stats_of(tracer).spans_sent;
    }
    spanwire_stats stats = stats_of(tracer);
    CHECK(stats.dropped_queue_full > 1000 && stats.spans_sent > sent_while_full);
    OK(spanwire_tracer_shutdown(tracer, 20000));
    OK(spanwire_log_poll(count, &seen, 1000, NULL));
    /* A loss ends after a second without one, so no more of them can begin than seconds went by. */
    long seconds = (long)((monotonic_ns() - start) / 1000000000);
    CHECK(seen.began >= 1 && seen.began <= 1 + seconds);
    CHECK(seen.ended == seen.began);
    printf("flood {\"began\":%ld,\"ended\":%ld,\"dropped\":%" PRIu64 "}\n", seen.began, seen.ended, stats.dropped_queue_full);
    return verdict();
}
