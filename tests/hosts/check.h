/* Shared by all host programs of the tests: checks that count failures, a check of a tracer's counters, and clocks.
 * Settings come from the environment, so that one program serves many tests. */
#ifndef SPANWIRE_TESTS_CHECK_H
#define SPANWIRE_TESTS_CHECK_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <inttypes.h>
#include <spanwire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int failures;

/* Counts a failure and continues, so that one run shows all failures. */
#define CHECK(condition) check_that((condition) != 0, __FILE__, __LINE__, #condition, 0, 0)
/* The same for a status, and prints both. */
#define STATUS(wanted, call) \
    do { \
        spanwire_status got_ = (call); \
        check_that(got_ == (wanted), __FILE__, __LINE__, #call, got_, (wanted)); \
    } while (0)
#define OK(call) STATUS(SPANWIRE_OK, call)

static inline void check_that(int good, const char *file, int line, const char *what, int got, int wanted) {
    if (good) return;
    if (failures++ >= 20) return; /* the first ones are enough */
    if (got != wanted)
        fprintf(stderr, "%s:%d: %s is %d, not %d\n", file, line, what, got, wanted);
    else
        fprintf(stderr, "%s:%d: %s\n", file, line, what);
}

static inline int64_t clock_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
static inline int64_t wall_ns(void) { return clock_of(CLOCK_REALTIME); }
static inline int64_t monotonic_ns(void) { return clock_of(CLOCK_MONOTONIC); }

static inline void sleep_us(long us) {
    struct timespec time = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&time, NULL);
}

/* Returns the highest memory use of the process so far, in KiB. */
static inline long peak_kib(void) {
    char line[128];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) sscanf(line, "VmHWM: %ld", &kib);
    if (status) fclose(status);
    return kib;
}

/* Waits until the log, of which the ring is a sink at level debug in JSON, says what the agent can do. */
static inline void wait_for_info(void) {
    static char lines[1 << 18];
    for (int i = 0; i < 2000; i++) {
        size_t need = 0;
        lines[0] = 0;
        OK(spanwire_log_drain(lines, sizeof lines, &need));
        if (strstr(lines, "\"agent.info\"")) return;
        sleep_us(5000);
    }
    CHECK(!"the agent has described itself");
}

/* Returns the n-th argument as a number. */
static inline long number(int argc, char **argv, int n, long otherwise) {
    return argc > n ? strtol(argv[n], NULL, 10) : otherwise;
}

static inline spanwire_tracer tracer_new(void) {
    spanwire_tracer tracer = 0;
    spanwire_error error = {.size = sizeof error};
    spanwire_status status = spanwire_tracer_new(NULL, 0, &tracer, &error);
    if (status != SPANWIRE_OK) {
        fprintf(stderr, "spanwire_tracer_new: %d %s\n", (int)status, error.message);
        exit(1);
    }
    return tracer;
}

/* Every reason for which a finished span is dropped. The sum must be `spans_dropped`; otherwise a reason is missing
 * here. */
#define DROPS(X) \
    X(dropped_queue_full) X(dropped_memory) X(dropped_unreachable) X(dropped_refused) X(dropped_too_large) \
    X(dropped_shutdown) X(dropped_invalid) X(dropped_unknown_fate)
#define LIFE(X) \
    X(spans_started) X(spans_finished) X(spans_open) X(spans_abandoned) X(spans_discarded) X(spans_waiting) \
    X(spans_queued) X(spans_in_flight) X(spans_sent)

#define ATTEMPTS(X) X(payloads_sent) X(payloads_unknown) X(attempts_failed)

static inline spanwire_stats stats_of(spanwire_tracer tracer) {
    spanwire_stats stats = {.size = sizeof stats};
    OK(spanwire_tracer_stats(tracer, &stats));
    return stats;
}

static inline uint64_t dropped(const spanwire_stats *stats) {
    uint64_t sum = 0;
#define ADD(name) sum += stats->name;
    DROPS(ADD)
#undef ADD
    return sum;
}

static inline void print_stats(FILE *to, const spanwire_stats *stats) {
    fprintf(to, "stats {\"size\":%zu", stats->size);
#define SHOW(name) fprintf(to, ",\"%s\":%" PRIu64, #name, stats->name);
    LIFE(SHOW) DROPS(SHOW) ATTEMPTS(SHOW)
#undef SHOW
    fprintf(to, "}\n");
}

/* Checks that every span is counted. Only while no span call runs. */
static inline spanwire_stats check_books(spanwire_tracer tracer) {
    spanwire_stats s = stats_of(tracer);
    int before = failures;
    CHECK(s.spans_started == s.spans_finished + s.spans_open + s.spans_abandoned + s.spans_discarded);
    CHECK(s.spans_dropped == dropped(&s));
    CHECK(s.spans_finished == s.spans_waiting + s.spans_queued + s.spans_in_flight + s.spans_sent + dropped(&s));
    if (failures != before) print_stats(stderr, &s);
    return s;
}

/* After shutdown nothing is in flight, except a request that had no time to end; that one may take as long as a
 * request may. Prints the counters for the test that reads them. */
static inline spanwire_stats check_closed_books(spanwire_tracer tracer) {
    for (int i = 0; i < 300 && stats_of(tracer).spans_in_flight; i++) sleep_us(10000);
    spanwire_stats s = check_books(tracer);
    int before = failures;
    CHECK(s.spans_open == 0);
    CHECK(s.spans_waiting == 0);
    CHECK(s.spans_queued == 0);
    CHECK(s.spans_in_flight == 0);
    print_stats(failures == before ? stdout : stderr, &s);
    fflush(stdout);
    return s;
}

/* Returns the exit code of a host. */
static inline int verdict(void) {
    if (failures) fprintf(stderr, "%d checks failed\n", failures);
    return failures ? 1 : 0;
}
#endif
