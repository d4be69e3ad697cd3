/* sinks SCENARIO: log sinks under misuse. Each scenario ends by itself; the test has a time limit, so that a deadlock
 * is a failure. Prints `sinks {…}` with what was counted. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static spanwire_tracer tracer;

/* One registration of a sink: how often it was called and released, and whether a call came after its removal. */
typedef struct {
    atomic_long calls, releases, late, running, lost;
    atomic_int removed;
    long sleep_us;
    void (*inside)(void *probe);
    spanwire_sink id;
} probe;

static void sink(const spanwire_log_record *record, void *userdata) {
    probe *p = userdata;
    atomic_fetch_add(&p->running, 1);
    if (atomic_load(&p->removed)) atomic_fetch_add(&p->late, 1);
    CHECK(record->size >= sizeof *record && record->text && record->text[record->text_len] == 0);
    CHECK(record->level >= SPANWIRE_LEVEL_ERROR && record->level <= SPANWIRE_LEVEL_TRACE && record->time_ns > 0);
    atomic_fetch_add(&p->lost, (long)record->lost);
    if (p->inside) p->inside(p);
    if (p->sleep_us) sleep_us(p->sleep_us);
    atomic_fetch_add(&p->calls, 1);
    if (atomic_load(&p->removed)) atomic_fetch_add(&p->late, 1);
    atomic_fetch_sub(&p->running, 1);
}

static void release(void *userdata) {
    probe *p = userdata;
    CHECK(atomic_load(&p->running) == 0);
    atomic_fetch_add(&p->releases, 1);
}

static void add(probe *p) { OK(spanwire_log_add_sink_any_thread(SPANWIRE_LEVEL_DEBUG, sink, p, release, &p->id)); }

/* Removes the sink and checks the promise: none is running, none comes, it is released once. */
static void remove_and_check(probe *p) {
    OK(spanwire_log_remove_sink(p->id));
    atomic_store(&p->removed, 1);
    CHECK(atomic_load(&p->running) == 0);
    CHECK(atomic_load(&p->releases) == 1);
}

static void one_span(void) {
    spanwire_span span = spanwire_span_start(tracer, 0, "logged");
    OK(spanwire_span_set_tag(span, "key", "value"));
    OK(spanwire_span_finish(span));
}

static int wait_for(atomic_long *counter, long least) {
    for (int i = 0; i < 500 && atomic_load(counter) < least; i++) sleep_us(10000);
    return atomic_load(counter) >= least;
}

static atomic_int stop;
static atomic_long spans;
static void *load(void *unused) {
    (void)unused;
    while (!atomic_load(&stop)) {
        one_span();
        atomic_fetch_add(&spans, 1);
        if (atomic_load(&spans) % 64 == 0) sleep_us(500);
    }
    return NULL;
}

/* Sinks are added and removed while three threads make spans in debug mode. */
static void under_load(void) {
    enum { ROUNDS = 300, ALIVE = 4 };
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, load, NULL);
    probe *probes = calloc(ROUNDS, sizeof *probes);
    long calls = 0;
    for (int i = 0; i < ROUNDS; i++) {
        add(&probes[i]);
        if (i % 10 == 0) CHECK(wait_for(&probes[i].calls, 1));
        if (i >= ALIVE) remove_and_check(&probes[i - ALIVE]);
    }
    for (int i = ROUNDS - ALIVE; i < ROUNDS; i++) remove_and_check(&probes[i]);
    sleep_us(300000);
    atomic_store(&stop, 1);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(atomic_load(&probes[i].late) == 0);
        CHECK(atomic_load(&probes[i].releases) == 1);
        calls += atomic_load(&probes[i].calls);
    }
    CHECK(calls > 0);
    printf("sinks {\"calls\":%ld,\"spans\":%ld}\n", calls, atomic_load(&spans));
    free(probes);
}

static atomic_long inside_calls;
static void call_the_api(void *p) {
    (void)p;
    one_span();
    spanwire_stats stats = {.size = sizeof stats};
    OK(spanwire_tracer_stats(tracer, &stats));
    spanwire_log_write(SPANWIRE_LEVEL_WARN, "host", "from inside a sink");
    OK(spanwire_log_set_level(SPANWIRE_LEVEL_INFO));
    CHECK(spanwire_debug_get() == 1);
    char text[256];
    size_t need;
    spanwire_log_drain(text, sizeof text, &need);
    spanwire_tracer_config_json(tracer, text, sizeof text, &need);
    probe *other = calloc(1, sizeof *other); /* a sink that another sink adds and removes */
    add(other);
    OK(spanwire_log_remove_sink(other->id));
    atomic_fetch_add(&inside_calls, 1);
}

/* A callback calls everything else in the API, and logs: its own records are counted and not delivered to it. */
static void reenter(void) {
    probe p = {.inside = call_the_api};
    add(&p);
    one_span();
    CHECK(wait_for(&p.calls, 3));
    remove_and_check(&p);
    sleep_us(100000);
    CHECK(atomic_load(&p.late) == 0);
    printf("sinks {\"calls\":%ld,\"inside\":%ld}\n", atomic_load(&p.calls), atomic_load(&inside_calls));
}

/* A sink that takes 20 ms for a record loses records, with a count, and delays neither spans, nor flush, nor another
 * sink. */
static void slow(void) {
    probe snail = {.sleep_us = 20000}, quick = {0};
    add(&snail);
    add(&quick);
    int64_t from = monotonic_ns();
    for (int i = 0; i < 20000; i++) one_span();
    int64_t looped = monotonic_ns() - from;
    from = monotonic_ns();
    OK(spanwire_tracer_flush(tracer, 10000));
    int64_t flushed = monotonic_ns() - from;
    CHECK(wait_for(&snail.calls, 5));
    from = monotonic_ns();
    remove_and_check(&snail);
    int64_t removed = monotonic_ns() - from;
    CHECK(looped < (int64_t)5 * 1000000000);
    CHECK(removed < (int64_t)2 * 1000000000);
    CHECK(wait_for(&quick.calls, 100));
    /* The count comes with the first record that found space again. */
    for (int i = 0; i < 500 && !atomic_load(&quick.lost); i++, sleep_us(10000)) one_span();
    remove_and_check(&quick);
    CHECK(atomic_load(&snail.late) + atomic_load(&quick.late) == 0);
    printf("sinks {\"loop_ms\":%" PRId64 ",\"flush_ms\":%" PRId64 ",\"remove_ms\":%" PRId64 ",\"slow_calls\":%ld,\"quick_calls\":%ld,\"lost\":%ld}\n",
           looped / 1000000, flushed / 1000000, removed / 1000000, atomic_load(&snail.calls), atomic_load(&quick.calls),
           atomic_load(&snail.lost) + atomic_load(&quick.lost));
}

/* The same function and userdata twice are two sinks. */
static void twice(void) {
    probe p = {0};
    add(&p);
    spanwire_sink first = p.id;
    add(&p);
    CHECK(first != p.id && first != 0 && p.id != 0);
    one_span();
    CHECK(wait_for(&p.calls, 4)); /* two sinks, at least two records */
    OK(spanwire_log_remove_sink(first));
    CHECK(atomic_load(&p.releases) == 1);
    STATUS(SPANWIRE_E_NOT_FOUND, spanwire_log_remove_sink(first));
    long before = atomic_load(&p.calls);
    one_span();
    CHECK(wait_for(&p.calls, before + 1));
    OK(spanwire_log_remove_sink(p.id));
    CHECK(atomic_load(&p.releases) == 2);
    long after = atomic_load(&p.calls);
    one_span();
    sleep_us(200000);
    CHECK(atomic_load(&p.calls) == after);
    printf("sinks {\"calls\":%ld}\n", after);
}

static void remove_itself(void *userdata) {
    probe *p = userdata;
    if (atomic_load(&p->calls) == 2) {
        OK(spanwire_log_remove_sink(p->id));
        CHECK(atomic_load(&p->releases) == 0); /* not while it runs */
    }
}

static void itself(void) {
    probe p = {.inside = remove_itself};
    add(&p);
    for (int i = 0; i < 10; i++) one_span();
    CHECK(wait_for(&p.releases, 1));
    for (int i = 0; i < 10; i++) one_span();
    sleep_us(300000);
    CHECK(atomic_load(&p.calls) == 3);
    CHECK(atomic_load(&p.releases) == 1);
    STATUS(SPANWIRE_E_NOT_FOUND, spanwire_log_remove_sink(p.id));
    printf("sinks {\"calls\":%ld}\n", atomic_load(&p.calls));
}

static spanwire_sink neighbour;
static void remove_the_other(void *userdata) {
    probe *p = userdata;
    if (atomic_load(&p->calls) == 0) OK(spanwire_log_remove_sink(neighbour));
}

/* One sink removes another; both lie on the one log thread. */
static void each_other(void) {
    probe killer = {.inside = remove_the_other}, victim = {0};
    add(&victim);
    neighbour = victim.id;
    add(&killer);
    one_span();
    CHECK(wait_for(&victim.releases, 1));
    long calls = atomic_load(&victim.calls);
    for (int i = 0; i < 10; i++) one_span();
    CHECK(wait_for(&killer.calls, 5));
    CHECK(atomic_load(&victim.calls) == calls);
    remove_and_check(&killer);
    printf("sinks {\"calls\":%ld}\n", atomic_load(&killer.calls));
}

static long polled, reentered;
static void on_poll(const spanwire_log_record *record, void *userdata) {
    CHECK(userdata == &polled && record->text[record->text_len] == 0);
    polled++;
    if (polled > 3) return;
    one_span();
    size_t count = 0;
    OK(spanwire_log_poll(on_poll, &polled, 1, &count)); /* polling inside a poll */
    reentered += (long)count;
}

static int readable(int fd) {
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    return poll(&waiting, 1, 0) == 1;
}

/* Pulling: on the polling thread, after the descriptor has become readable, and from inside a callback. */
static void pulling(void) {
    int fd = spanwire_log_fd();
    CHECK(fd >= 0);
    for (int i = 0; i < 20; i++) one_span();
    CHECK(readable(fd));
    size_t count = 0;
    OK(spanwire_log_poll(on_poll, &polled, 1000, &count));
    CHECK(count > 0 && polled == (long)count + reentered);
    for (int i = 0; i < 5000; i++) one_span(); /* more than the ring holds: the oldest are overwritten */
    char *text = malloc(4 << 20);
    size_t need = 0;
    OK(spanwire_log_drain(text, 4 << 20, &need));
    CHECK(need > 1000 && strlen(text) > 1000 && text[strlen(text) - 1] == '\n');
    OK(spanwire_debug_set(0));
    OK(spanwire_tracer_flush(tracer, 10000)); /* nothing more is logged now */
    for (int i = 0; i < 100 && (i == 0 || text[0]); i++) OK(spanwire_log_drain(text, 4 << 20, &need));
    CHECK(text[0] == 0 && !readable(fd));
    free(text);
    printf("sinks {\"polled\":%ld}\n", polled);
}

/* One record at a time: a record that does not fit the caller's buffer stays in the ring. */
static void taking(void) {
    OK(spanwire_debug_set(0));
    OK(spanwire_tracer_flush(tracer, 10000));
    static char all[4 << 20], text[4096];
    size_t need = 1;
    for (int i = 0; i < 100 && need; i++) {
        OK(spanwire_log_drain(all, sizeof all, NULL));
        STATUS(SPANWIRE_E_NOT_FOUND, spanwire_log_take(&(spanwire_log_record){.size = 8}, text, sizeof text, &need));
    }
    OK(spanwire_log_write(SPANWIRE_LEVEL_WARN, "shop", "the cart is full"));
    spanwire_log_record record = {.size = 0};
    STATUS(SPANWIRE_E_VERSION, spanwire_log_take(&record, text, sizeof text, &need));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_take(NULL, text, sizeof text, &need));
    record.size = sizeof record;
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_take(&record, NULL, 0, &need));
    STATUS(SPANWIRE_E_LIMIT, spanwire_log_take(&record, text, 10, &need));
    CHECK(need > 10 && need < sizeof text);
    OK(spanwire_log_take(&record, text, need, &need));
    CHECK(record.size == sizeof record && record.level == SPANWIRE_LEVEL_WARN && record.lost == 0);
    CHECK(strcmp(record.target, "shop") == 0 && strlen(record.text) == record.text_len);
    CHECK(strstr(record.message, "the cart is full") && strlen(record.message) == record.message_len);
    CHECK(record.message > record.text && record.message + record.message_len == record.text + record.text_len);
    STATUS(SPANWIRE_E_NOT_FOUND, spanwire_log_take(&record, text, sizeof text, &need));
    CHECK(need == 0);
    printf("sinks {\"taken\":1}\n");
}

/* A sink above the limit is refused without effects; removing one makes room. */
static void too_many(void) {
    probe p = {0}, extra = {.id = 7};
    spanwire_sink ids[SPANWIRE_SINKS_MAX];
    for (int i = 0; i < SPANWIRE_SINKS_MAX; i++) add(&p), ids[i] = p.id;
    STATUS(SPANWIRE_E_LIMIT, spanwire_log_add_sink_any_thread(SPANWIRE_LEVEL_DEBUG, sink, &extra, release, &extra.id));
    CHECK(extra.id == 0);
    one_span();
    CHECK(wait_for(&p.calls, 2 * SPANWIRE_SINKS_MAX));
    CHECK(atomic_load(&extra.calls) == 0 && atomic_load(&extra.releases) == 0);
    OK(spanwire_log_remove_sink(ids[0]));
    add(&extra);
    one_span();
    CHECK(wait_for(&extra.calls, 1));
    for (int i = 1; i < SPANWIRE_SINKS_MAX; i++) OK(spanwire_log_remove_sink(ids[i]));
    CHECK(atomic_load(&p.releases) == SPANWIRE_SINKS_MAX);
    remove_and_check(&extra);
    printf("sinks {\"calls\":%ld}\n", atomic_load(&p.calls));
}

/* A forked child keeps the sinks: its records reach the same callback, in the child. */
static void forked(void) {
    probe p = {0};
    add(&p);
    one_span();
    CHECK(wait_for(&p.calls, 1));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        failures = 0;
        atomic_store(&p.calls, 0);
        atomic_store(&p.running, 0);
        CHECK(spanwire_debug_get() == 1);
        one_span();
        CHECK(wait_for(&p.calls, 1));
        OK(spanwire_log_remove_sink(p.id));
        spanwire_tracer_shutdown(tracer, 2000);
        _exit(verdict());
    }
    int status = 0;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    remove_and_check(&p);
    printf("sinks {\"calls\":%ld}\n", atomic_load(&p.calls));
}

static void block(void *userdata) {
    (void)userdata;
    sleep_us(3000000);
}

/* A sink that hangs delays shutdown by no more than its time limit. */
static void stuck(void) {
    probe p = {.inside = block};
    add(&p);
    one_span();
    for (int i = 0; i < 500 && !atomic_load(&p.running); i++) sleep_us(10000);
    CHECK(atomic_load(&p.running) == 1);
    int64_t from = monotonic_ns();
    spanwire_tracer_shutdown(tracer, 500);
    int64_t took = monotonic_ns() - from;
    CHECK(took < (int64_t)2000 * 1000000);
    printf("sinks {\"shutdown_ms\":%" PRId64 "}\n", took / 1000000);
}

int main(int argc, char **argv) {
    static const struct { const char *name; void (*run)(void); } scenarios[] = {
        {"under_load", under_load}, {"reenter", reenter}, {"slow", slow}, {"twice", twice}, {"itself", itself},
        {"each_other", each_other}, {"pulling", pulling}, {"taking", taking}, {"forked", forked}, {"stuck", stuck},
        {"too_many", too_many}};
    tracer = tracer_new();
    OK(spanwire_debug_set(1));
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (argc != 2 || strcmp(argv[1], scenarios[i].name)) continue;
        scenarios[i].run();
        OK(spanwire_debug_set(0));
        spanwire_tracer_shutdown(tracer, 5000);
        check_closed_books(tracer);
        return verdict();
    }
    return 2;
}
