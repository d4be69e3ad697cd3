/* prefork fork|_Fork|clone CHILDREN TRACES: a server in which a thread of the parent traces while children are
 * forked. Each child makes its own traces of two spans. Prints what the parent made, and the parent's counters; a
 * child reports by its exit code. With _Fork and raw clone malloc's locks are not taken for the child, so the thread
 * pauses during each clone, as every program that calls clone itself must arrange. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static spanwire_tracer tracer;
static atomic_int stop, pause_asked, paused;
static atomic_long made;

static void one_trace(void) {
    spanwire_span root = spanwire_span_start(tracer, 0, "request");
    spanwire_span step = spanwire_span_start(tracer, root, "step");
    OK(spanwire_span_set_tag(step, "who", "me"));
    OK(spanwire_span_finish(step));
    OK(spanwire_span_finish(root));
}

static void *parent_thread(void *unused) {
    (void)unused;
    while (!atomic_load(&stop)) {
        while (atomic_load(&pause_asked)) {
            atomic_store(&paused, 1);
            sleep_us(50);
        }
        atomic_store(&paused, 0);
        one_trace();
        atomic_fetch_add(&made, 1);
        sleep_us(20);
    }
    return NULL;
}

static int child(long traces, int number) {
    failures = 0;
    for (long i = 0; i < traces; i++) one_trace();
    if (number % 2) OK(spanwire_tracer_flush(tracer, 20000)); /* every other one with a flush before */
    OK(spanwire_tracer_shutdown(tracer, 20000));
    spanwire_stats s = check_books(tracer);
    /* Only the child's own spans: those of the parent are sent and counted by the parent. */
    CHECK(s.spans_started == (uint64_t)traces * 2);
    CHECK(s.spans_sent == (uint64_t)traces * 2);
    if (failures) print_stats(stderr, &s);
    return verdict();
}

static pid_t split(const char *way) {
    if (!strcmp(way, "fork")) return fork();
    OK(spanwire_tracer_flush(tracer, 20000));
    atomic_store(&pause_asked, 1);
    while (!atomic_load(&paused)) sleep_us(50);
    OK(spanwire_tracer_flush(tracer, 20000));
    sleep_us(2000); /* the worker has gone back to sleep */
    pid_t pid = !strcmp(way, "_Fork") ? _Fork() : (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid) atomic_store(&pause_asked, 0);
    return pid;
}

int main(int argc, char **argv) {
    const char *way = argc > 1 ? argv[1] : "fork";
    long children = number(argc, argv, 2, 8), traces = number(argc, argv, 3, 1000);
    tracer = tracer_new();
    pthread_t thread;
    pthread_create(&thread, NULL, parent_thread, NULL);
    sleep_us(100000); /* the parent's worker has something in flight */
    pid_t pids[64];
    for (int i = 0; i < children && i < 64; i++) {
        fflush(NULL);
        pids[i] = split(way);
        if (pids[i] == 0) _exit(child(traces, i));
        CHECK(pids[i] > 0);
        sleep_us(10000);
    }
    for (int i = 0; i < children && i < 64; i++) {
        int status = 0;
        CHECK(waitpid(pids[i], &status, 0) == pids[i]);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    atomic_store(&stop, 1);
    pthread_join(thread, NULL);
    OK(spanwire_tracer_shutdown(tracer, 20000));
    printf("parent {\"traces\":%ld}\n", atomic_load(&made));
    spanwire_stats s = check_closed_books(tracer);
    CHECK(s.spans_sent == (uint64_t)atomic_load(&made) * 2);
    return verdict();
}
