/* no_threads: the system starts no thread (limit of processes), and later does again. The error must come at once and
 * only once, on standard error and in the ring; flush and shutdown must not wait. Prints `no_threads {…}`. */
#include "check.h"
#include <grp.h>
#include <sys/resource.h>
#include <unistd.h>

static long errors, recoveries;
static void count(const spanwire_log_record *record, void *unused) {
    (void)unused;
    if (strcmp(record->target, "limits.threads") != 0) return;
    errors += record->level == SPANWIRE_LEVEL_ERROR && strstr(record->text, "spanwire-worker") && strstr(record->text, "errno 11");
    recoveries += record->level == SPANWIRE_LEVEL_INFO;
}

static void look(void) {
    size_t records;
    OK(spanwire_log_poll(count, NULL, 0, &records));
}

static void some_spans(spanwire_tracer tracer, int spans) {
    for (int i = 0; i < spans; i++) OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "waiting")));
}

static void threads_allowed(rlim_t soft) {
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NPROC, &limit) == 0);
    limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
    CHECK(setrlimit(RLIMIT_NPROC, &limit) == 0);
}

int main(int argc, char **argv) {
    int recovers = argc > 1 && strcmp(argv[1], "recovers") == 0;
    /* The limit does not apply to root. */
    if (geteuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534))) return 2;
    threads_allowed(1);
    spanwire_tracer tracer = tracer_new();
    some_spans(tracer, 500);
    look();
    CHECK(errors == 1 && recoveries == 0);
    int64_t from = monotonic_ns();
    STATUS(SPANWIRE_E_LIMIT, spanwire_tracer_start(tracer));
    STATUS(SPANWIRE_E_LIMIT, spanwire_tracer_flush(tracer, 60000));
    if (recovers) {
        threads_allowed(RLIM_INFINITY);
        /* Waiting spans are sent as soon as a thread can be started, which is tried once a second. */
        for (int i = 0; i < 2000 && stats_of(tracer).spans_sent < 500; i++, sleep_us(10000)) some_spans(tracer, 1);
        CHECK(stats_of(tracer).spans_sent >= 500);
        OK(spanwire_tracer_flush(tracer, 10000));
        OK(spanwire_tracer_shutdown(tracer, 10000));
        look();
        CHECK(errors == 1 && recoveries == 1);
    } else {
        STATUS(SPANWIRE_E_LIMIT, spanwire_tracer_shutdown(tracer, 60000));
        look();
        CHECK(errors == 1 && recoveries == 0);
        CHECK(stats_of(tracer).dropped_shutdown == 500);
    }
    CHECK(monotonic_ns() - from < (int64_t)30 * 1000000000);
    printf("no_threads {\"errors\":%ld,\"recoveries\":%ld}\n", errors, recoveries);
    check_closed_books(tracer);
    return verdict();
}
