/* busy CASE: calls on a span that another call holds. A tag's value is in a page that cannot be read, so the call
 * that copies it stops inside the library, with the span held, in a signal handler of this program. */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>

static spanwire_tracer tracer;
static char *page;
static sem_t held, go_on;
static void (*meanwhile)(void);
static spanwire_span span, child;

static void let_go(void) { mprotect(page, 4096, PROT_READ | PROT_WRITE); }
static void hold(void) { mprotect(page, 4096, PROT_NONE); }

static void stopped(int signal) {
    (void)signal;
    meanwhile();
    let_go();
}

/* Holds the span until `meanwhile` has returned. */
static void *set_slow_tag(void *of) {
    OK(spanwire_span_set_tag_n(*(spanwire_span *)of, "slow", 4, page, 8));
    return NULL;
}

static void finish_it(void) { OK(spanwire_span_finish(span)); }
static void finish_it_twice(void) {
    OK(spanwire_span_finish_at(span, wall_ns() + 1000000000));
    STATUS(SPANWIRE_E_HANDLE, spanwire_span_finish(span));
    STATUS(SPANWIRE_E_HANDLE, spanwire_span_discard(span));
}
static void discard_it(void) { OK(spanwire_span_discard(span)); }
static void start_a_child(void) { CHECK(child = spanwire_span_start(tracer, span, "child")); }
static void name_it(void) {
    spanwire_context context = {.size = sizeof context};
    char id[64];
    size_t need;
    OK(spanwire_span_context(span, &context));
    OK(spanwire_span_id_text(span, SPANWIRE_ID_SPAN, id, sizeof id, &need));
    CHECK(strtoull(id, NULL, 10) == context.span_id && context.flags == 0);
}
static void tag_it(void) { STATUS(SPANWIRE_E_BUSY, spanwire_span_set_tag(span, "never", "set")); }

/* The same thread. Calls from a signal handler are not allowed, but must neither hang nor lose the span. */
static void interrupted(void (*call)(void)) {
    span = spanwire_span_start(tracer, 0, "interrupted");
    meanwhile = call;
    hold();
    set_slow_tag(&span);
}

static void wait_inside(void) {
    sem_post(&held);
    while (sem_wait(&go_on)) {}
}

/* Another thread, which is suspended for a while. */
static void descheduled(void (*call)(void)) {
    pthread_t holder;
    span = spanwire_span_start(tracer, 0, "descheduled");
    meanwhile = wait_inside;
    hold();
    CHECK(!pthread_create(&holder, NULL, set_slow_tag, &span));
    while (sem_wait(&held)) {}
    int64_t began = monotonic_ns();
    call();
    /* Calls that end a span must not wait. The limit is ten times that of a call that may wait. */
    CHECK(monotonic_ns() - began < 1000000000);
    sem_post(&go_on);
    pthread_join(holder, NULL);
}

static void expect(uint64_t finished, uint64_t discarded, uint64_t open, uint64_t abandoned) {
    spanwire_stats s = check_books(tracer);
    check_that(s.spans_finished == finished, __FILE__, __LINE__, "finished", (int)s.spans_finished, (int)finished);
    check_that(s.spans_discarded == discarded, __FILE__, __LINE__, "discarded", (int)s.spans_discarded, (int)discarded);
    check_that(s.spans_open == open, __FILE__, __LINE__, "open", (int)s.spans_open, (int)open);
    check_that(s.spans_abandoned == abandoned, __FILE__, __LINE__, "abandoned", (int)s.spans_abandoned, (int)abandoned);
}

static void shut_down(void) { spanwire_tracer_shutdown(tracer, 5000); }

int main(void) {
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(page, "a value");
    struct sigaction action = {.sa_handler = stopped, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sem_init(&held, 0, 0), sem_init(&go_on, 0, 0);
    tracer = tracer_new();

    interrupted(finish_it);
    STATUS(SPANWIRE_E_HANDLE, spanwire_span_set_tag(span, "late", "tag"));
    expect(1, 0, 0, 0);
    interrupted(finish_it_twice);
    STATUS(SPANWIRE_E_HANDLE, spanwire_span_set_tag(span, "late", "tag"));
    expect(2, 0, 0, 0);
    interrupted(discard_it);
    STATUS(SPANWIRE_E_HANDLE, spanwire_span_set_tag(span, "late", "tag"));
    expect(2, 1, 0, 0);
    interrupted(start_a_child);
    OK(spanwire_span_finish(child));
    OK(spanwire_span_finish(span));
    expect(4, 1, 0, 0);
    uint64_t tags_dropped = stats_of(tracer).tags_dropped;
    interrupted(tag_it);
    CHECK(stats_of(tracer).tags_dropped == tags_dropped + 1);
    OK(spanwire_span_finish(span));
    interrupted(name_it);
    OK(spanwire_span_finish(span));

    descheduled(finish_it);
    STATUS(SPANWIRE_E_HANDLE, spanwire_span_set_tag(span, "late", "tag"));
    descheduled(discard_it);
    STATUS(SPANWIRE_E_HANDLE, spanwire_span_set_tag(span, "late", "tag"));
    descheduled(start_a_child);
    OK(spanwire_span_finish(child));
    OK(spanwire_span_finish(span));
    expect(9, 2, 0, 0);
    OK(spanwire_tracer_flush(tracer, 10000));

    descheduled(shut_down);
    expect(9, 2, 0, 1);
    check_closed_books(tracer);
    return verdict();
}
