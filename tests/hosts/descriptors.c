/* descriptors SCENARIO: a host that closes and opens descriptors.
 *
 *   listed             makes the library open all its descriptors, and checks each new one
 *   listed-closed      the same without standard input, output and error
 *   exchanged          repeatedly closes all descriptors and opens its own under the same numbers
 *   stream N           closes descriptor N, opens a data file, which gets that number, and then logs
 *   before N           the same before its first call
 *
 * Works in the current folder: `data` is the host's, `lib.log` the log. Prints `descriptors {"new":…,"kinds":"…"}` and
 * the books. */
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOSTS = 60, HIGHEST = 64 };
static spanwire_tracer tracer;

static void spans(int count) {
    for (int i = 0; i < count; i++) {
        spanwire_span span = spanwire_span_start(tracer, 0, "work");
        spanwire_span_set_tag(span, "key", "value");
        OK(spanwire_span_finish(span));
    }
    OK(spanwire_tracer_flush(tracer, 10000));
    OK(spanwire_log_write(SPANWIRE_LEVEL_WARN, "host", "a line"));
}

static void ignore(const spanwire_log_record *record, void *userdata) {
    (void)record;
    (void)userdata;
}

/* Reads the waiting records, as an event loop does when the descriptor is readable. */
static void pull(void) {
    size_t count;
    OK(spanwire_log_poll(ignore, NULL, 100000, &count));
    spans(1);
    struct pollfd waiting = {.fd = spanwire_log_fd(), .events = POLLIN};
    CHECK(waiting.fd >= 3);
    CHECK(poll(&waiting, 1, 10000) == 1 && waiting.revents == POLLIN);
}

/* Each new descriptor is above 2 and is closed by exec. */
static void look(FILE *out, const char *before) {
    char kinds[4096] = "";
    int found = 0;
    for (int fd = 0; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags < 0 || before[fd]) continue;
        char name[64], target[256] = "";
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        CHECK(readlink(name, target, sizeof target - 1) > 0);
        found++;
        CHECK(fd > 2);
        CHECK(flags & FD_CLOEXEC);
        strncat(kinds, strncmp(target, "socket:", 7) ? target : "socket", sizeof kinds - strlen(kinds) - 2);
        strcat(kinds, " ");
    }
    fprintf(out, "descriptors {\"new\":%d,\"kinds\":\"%s\"}\n", found, kinds);
}

/* The log thread makes its file with the first line. */
static void wait_for_log(void) {
    for (int ms = 0; ms < 10000 && access("lib.log", F_OK) != 0; ms++) usleep(1000);
}

static void listed(int closed) {
    int copy = dup(1);
    FILE *out = fdopen(fcntl(copy, F_DUPFD, 200), "w");
    close(copy);
    for (int fd = 0; closed && fd < 3; fd++) close(fd);
    static char before[1024];
    for (int fd = 0; fd < 1024; fd++) before[fd] = fcntl(fd, F_GETFD) >= 0;
    tracer = tracer_new();
    for (int i = 0; i < 5; i++) spans(3);
    pull();
    CHECK(spanwire_recorder_fd() >= 3);
    wait_for_log();
    look(out, before);
    for (int fd = 0; closed && fd < 3; fd++) CHECK(open("/dev/null", O_RDWR) == fd); /* these numbers belong to the host */
    OK(spanwire_tracer_shutdown(tracer, 10000));
    spanwire_stats s = check_books(tracer);
    print_stats(out, &s);
    fflush(out);
}

/* Files that a host may open under the numbers that it has closed. */
enum Kind { FILES, LOGS, SOCKETS, CONNECTIONS, EVENTS, PIPES, EPOLLS, KINDS };

static void open_all(enum Kind kind, int *fds) {
    for (int i = 0; i < HOSTS; i += 2) {
        int *two = &fds[i];
        switch (kind) {
        case FILES: two[0] = open("data", O_CREAT | O_RDWR, 0600), two[1] = open("data", O_RDWR | O_CLOEXEC); break;
        case LOGS: two[0] = open("lib.log", O_WRONLY | O_APPEND), two[1] = open("lib.log", O_RDWR | O_CLOEXEC); break;
        case SOCKETS: CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, two) == 0); break;
        case CONNECTIONS: CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, two) == 0); break;
        case EVENTS:
            for (int n = 0; n < 2; n++) two[n] = eventfd(0, EFD_NONBLOCK | (n ? EFD_CLOEXEC : 0));
            break;
        case PIPES: CHECK(pipe2(two, O_NONBLOCK | O_CLOEXEC) == 0); break;
        default:
            for (int n = 0; n < 2; n++) two[n] = epoll_create1(n ? EPOLL_CLOEXEC : 0);
        }
        CHECK(two[0] >= 3 && two[1] >= 3);
    }
}

static void check_all(enum Kind kind, const int *fds, const struct stat *were) {
    for (int i = 0; i < HOSTS; i++) {
        struct stat now;
        CHECK(fstat(fds[i], &now) == 0);
        CHECK(now.st_ino == were[i].st_ino && now.st_dev == were[i].st_dev);
        if (kind == FILES) CHECK(now.st_size == 0);
        char bytes[8];
        ssize_t got = -1;
        errno = EAGAIN;
        if (kind == SOCKETS || kind == CONNECTIONS) got = recv(fds[i], bytes, sizeof bytes, MSG_DONTWAIT);
        if (kind == EVENTS || (kind == PIPES && i % 2 == 0)) got = read(fds[i], bytes, sizeof bytes);
        CHECK(got == -1 && errno == EAGAIN);
    }
}

static void exchanged(void) {
    tracer = tracer_new();
    OK(spanwire_debug_set(1));
    spans(1);
    wait_for_log(); /* the host opens it, too */
    for (int round = 0; round < 2 * KINDS; round++) {
        pull();
        enum Kind kind = (enum Kind)(round % KINDS);
        int fds[HOSTS];
        struct stat were[HOSTS];
        for (int fd = 3; fd < HIGHEST; fd++) close(fd);
        open_all(kind, fds);
        for (int i = 0; i < HOSTS; i++) CHECK(fstat(fds[i], &were[i]) == 0);
        if (round % 3 == 0) spans(0); /* only the worker and the log */
        pull();
        spans(10);
        check_all(kind, fds, were);
        for (int i = 0; i < HOSTS; i++) close(fds[i]);
    }
    OK(spanwire_tracer_shutdown(tracer, 10000));
    check_closed_books(tracer);
}

/* If a program closes a standard stream, the next file that it opens gets that number. */
static void stream(int fd, int before) {
    if (!before) {
        tracer = tracer_new();
        spans(1);
    }
    FILE *out = fdopen(fcntl(1, F_DUPFD, 200), "w");
    close(fd);
    if (before) tracer = tracer_new();
    CHECK(open("data", O_CREAT | O_TRUNC | O_RDWR, 0600) == fd);
    spanwire_span span = spanwire_span_start(tracer, 0, "work");
    OK(spanwire_span_finish(span));
    spanwire_tracer_flush(tracer, 10000);
    for (int i = 0; i < 10; i++) OK(spanwire_log_write(SPANWIRE_LEVEL_ERROR, "host", "a line"));
    spanwire_tracer_shutdown(tracer, 10000);
    struct stat now;
    CHECK(fstat(fd, &now) == 0);
    CHECK(now.st_size == 0);
    spanwire_stats s = check_books(tracer);
    print_stats(out, &s);
    fprintf(out, "failures %d\n", failures);
    fflush(out);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    if (!strcmp(argv[1], "listed")) listed(0);
    if (!strcmp(argv[1], "listed-closed")) listed(1);
    if (!strcmp(argv[1], "exchanged")) exchanged();
    if (!strcmp(argv[1], "stream")) stream((int)number(argc, argv, 2, 2), 0);
    if (!strcmp(argv[1], "before")) stream((int)number(argc, argv, 2, 2), 1);
    return verdict();
}
