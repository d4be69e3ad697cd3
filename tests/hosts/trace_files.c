/* trace_files SCENARIO: `file://` to places that stop taking lines. Works in the current folder.
 *
 *   unread   standard output is a pipe that is read only at the end: a shutdown keeps its time limit
 *   fifo     `fifo`: without a reader, then with a reader that closes it and opens it again
 *   full     the file may grow to no more than 3,000 bytes, and later may
 *
 * Prints the books on standard error. */
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static spanwire_tracer tracer;
static char filling[1000];

static void span(void) {
    spanwire_span span = spanwire_span_start(tracer, 0, "work");
    OK(spanwire_span_set_tag(span, "filling", filling));
    OK(spanwire_span_finish(span));
}

static spanwire_stats flushed(void) {
    OK(spanwire_tracer_flush(tracer, 20000));
    return check_books(tracer);
}

/* Copies to a file what can be read now. */
static size_t read_to(int fd, const char *name) {
    static char bytes[1 << 20];
    int out = open(name, O_CREAT | O_WRONLY | O_APPEND, 0600);
    size_t sum = 0;
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0; sum += (size_t)got) CHECK(write(out, bytes, (size_t)got) == got);
    close(out);
    return sum;
}

static void unread(void) {
    int ends[2];
    CHECK(pipe(ends) == 0 && dup2(ends[1], 1) == 1);
    close(ends[1]);
    tracer = tracer_new();
    for (int i = 0; i < 200; i++) span();
    int64_t began = monotonic_ns();
    spanwire_status status = spanwire_tracer_shutdown(tracer, 300);
    CHECK(monotonic_ns() - began < 3000000000);
    CHECK(status == SPANWIRE_OK || status == SPANWIRE_E_TIMEOUT);
    for (int i = 0; i < 3000 && stats_of(tracer).spans_in_flight; i++) sleep_us(10000);
    spanwire_stats s = check_books(tracer);
    CHECK(s.spans_in_flight == 0 && s.spans_queued == 0);
    CHECK(s.spans_sent > 0 && dropped(&s) > 0);
    CHECK((fcntl(1, F_GETFL) & O_NONBLOCK) == 0); /* the host's own descriptor still blocks */
    CHECK(read_to(ends[0], "read") > 10000);
}

static void fifo(void) {
    CHECK(mkfifo("fifo", 0600) == 0);
    tracer = tracer_new();
    span();
    spanwire_stats s = flushed();
    CHECK(s.spans_sent == 0 && dropped(&s) == 1);
    int reader = open("fifo", O_RDONLY | O_NONBLOCK);
    span();
    s = flushed();
    CHECK(s.spans_sent == 1);
    for (int i = 0; i < 200; i++) span(); /* more than the pipe holds */
    s = flushed();
    uint64_t lost = dropped(&s);
    CHECK(lost > 1 && s.spans_sent > 10);
    read_to(reader, "read");
    span();
    s = flushed();
    CHECK(dropped(&s) == lost); /* there is space again */
    read_to(reader, "read");
    close(reader);
    span();
    s = flushed();
    CHECK(dropped(&s) == lost + 1);
    reader = open("fifo", O_RDONLY | O_NONBLOCK);
    span();
    s = flushed();
    CHECK(dropped(&s) == lost + 1);
    read_to(reader, "read");
    OK(spanwire_tracer_shutdown(tracer, 10000));
}

static void full(void) {
    struct rlimit limit = {3000, RLIM_INFINITY};
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK(signal(SIGXFSZ, SIG_DFL) != SIG_ERR); /* it would end the process */
    tracer = tracer_new();
    for (int i = 0; i < 6; i++) {
        span();
        flushed();
    }
    spanwire_stats s = flushed();
    CHECK(s.spans_sent >= 1 && dropped(&s) >= 1);
    limit.rlim_cur = RLIM_INFINITY;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    for (int i = 0; i < 3; i++) {
        span();
        flushed();
    }
    spanwire_stats now = flushed();
    CHECK(now.spans_sent == s.spans_sent + 3);
    OK(spanwire_tracer_shutdown(tracer, 10000));
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    int out = dup(1);
    memset(filling, 'x', sizeof filling - 1);
    if (!strcmp(argv[1], "unread")) unread();
    if (!strcmp(argv[1], "fifo")) fifo();
    if (!strcmp(argv[1], "full")) full();
    CHECK(dup2(out, 1) == 1);
    check_closed_books(tracer);
    return verdict();
}
