/* recorder WHAT: a program whose flight recorder is read. `inside`: by itself, through the C API; `forked`: in a
 * parent and its child; `no_files`, `no_size`, `no_input`: if the system provides no memory file, or only under a
 * standard number; `idle`, `busy`, `child`: from outside, until standard input ends. Prints what the test then looks
 * for. */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static spanwire_tracer tracer;

static uint64_t id_of(spanwire_span span) {
    spanwire_context context = {.size = sizeof context};
    OK(spanwire_span_context(span, &context));
    return context.span_id;
}

/* The result of a reading. */
typedef struct {
    size_t events, starts, finishes, forks, errors;
    uint64_t last_time, last_started;
    char last_name[32];
} Seen;

static void gather(const spanwire_recorder_event *event, void *userdata) {
    Seen *seen = userdata;
    CHECK(event->size == sizeof *event);
    CHECK(event->time_ns >= seen->last_time);
    CHECK(strlen(event->text) == event->text_len && event->text_len > 5);
    seen->events++;
    seen->last_time = event->time_ns;
    snprintf(seen->last_name, sizeof seen->last_name, "%s", event->name);
    if (event->kind == 1) seen->starts++, seen->last_started = event->first;
    if (event->kind == 2) seen->finishes++, seen->errors += event->error;
    if (event->kind == 16) seen->forks++;
}

static Seen read_all(size_t max) {
    Seen seen = {0};
    size_t count = 0;
    OK(spanwire_recorder_read(gather, &seen, max, &count));
    CHECK(count == seen.events);
    return seen;
}

static void trace(int spans) {
    for (int n = 0; n < spans; n++) {
        spanwire_span span = spanwire_span_start(tracer, 0, "work");
        if (n % 5 == 0) OK(spanwire_span_set_error(span, "E", "wrong", ""));
        OK(spanwire_span_finish(span));
    }
}

/* The span shards, as another process would map them. */
static const uint64_t *map(int fd, size_t *words) {
    struct stat status;
    CHECK(fd >= 3 && fstat(fd, &status) == 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
    const uint64_t *all = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(all != MAP_FAILED && !memcmp(all, "SPANWIRE", 8) && all[1] == 1 && all[2] * 8 == (uint64_t)status.st_size);
    *words = all[26] * all[6]; /* all shards except that of rare events */
    return all + all[4];
}

static int inside(void) {
    trace(10);
    spanwire_span open = spanwire_span_start(tracer, 0, "open");
    Seen seen = read_all(0);
    CHECK(seen.starts == 11 && seen.finishes == 10 && seen.errors == 2);
    CHECK(seen.last_started == id_of(open) && !strcmp(seen.last_name, "span.started"));
    Seen last = read_all(3);
    CHECK(last.events == 3 && last.last_started == id_of(open));
    CHECK(read_all(0).events >= seen.events); /* reading removes nothing */
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_recorder_read(NULL, NULL, 0, NULL));
    OK(spanwire_recorder_read(gather, &last, 1, NULL));
    trace(100000);
    CHECK(read_all(0).starts + read_all(0).finishes > 300); /* the latest have overwritten the oldest */
    OK(spanwire_span_discard(open));
    CHECK(!strcmp((seen = read_all(1)).last_name, "span.discarded"));
    size_t words;
    map(spanwire_recorder_fd(), &words);
    CHECK(spanwire_recorder_fd() == spanwire_recorder_fd());
    /* A daemon that closes unknown descriptors, and opens another file under that number. */
    int fd = spanwire_recorder_fd();
    close(fd);
    CHECK(spanwire_recorder_fd() == -1);
    CHECK(dup2(0, fd) == fd && spanwire_recorder_fd() == -1);
    trace(10);
    CHECK(read_all(0).events > 300);
    return 0;
}

static int forked(void) {
    trace(50);
    spanwire_span open = spanwire_span_start(tracer, 0, "open");
    int fd = spanwire_recorder_fd();
    size_t words;
    const uint64_t *shards = map(fd, &words);
    uint64_t *before = malloc(words * 8);
    memcpy(before, shards, words * 8);
    pid_t pid = fork();
    if (pid == 0) {
        Seen seen = read_all(0);
        CHECK(seen.starts == 0 && seen.finishes == 0 && seen.forks == 1);
        spanwire_span span = spanwire_span_start(tracer, open, "in the child");
        CHECK((seen = read_all(0)).starts == 1 && seen.last_started == id_of(span));
        CHECK(spanwire_recorder_fd() != fd && spanwire_recorder_fd() >= 3);
        trace(5000);
        size_t own_words;
        CHECK(memcmp(map(spanwire_recorder_fd(), &own_words), shards, words * 8) != 0 && own_words == words);
        CHECK(memcmp(before, shards, words * 8) == 0); /* the child has not written to the parent's recorder */
        _exit(verdict());
    }
    int status = 0;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(memcmp(before, shards, words * 8) == 0);
    CHECK(spanwire_recorder_fd() == fd && read_all(0).forks == 0);
    OK(spanwire_span_finish(open));
    CHECK(memcmp(before, shards, words * 8) != 0); /* the parent has: the comparison works */
    free(before);
    return 0;
}

/* Without a memory file the recorder is still there for this process, and for a core. */
static int no_memory_file(void) {
    CHECK(spanwire_recorder_fd() == -1);
    trace(10);
    CHECK(read_all(0).finishes == 10);
    return 0;
}

/* A daemon without standard descriptors opens its log next, and must get the number that it expects. */
static int no_input(void) {
    CHECK(spanwire_recorder_fd() >= 3);
    CHECK(open("/dev/null", O_RDONLY) == 0);
    return 0;
}

static volatile int stop;

static void *work(void *unused) {
    while (!stop) trace(100);
    return unused;
}

static void wait_for_the_end(void) {
    char byte;
    while (read(0, &byte, 1) > 0) {}
}

static int watched(const char *what) {
    trace(20);
    spanwire_span open = spanwire_span_start(tracer, 0, "open");
    pid_t child = 0;
    if (!strcmp(what, "child") && (child = fork()) == 0) { /* does not call the library */
        wait_for_the_end();
        _exit(0);
    }
    pthread_t threads[3];
    int busy = !strcmp(what, "busy");
    for (int n = 0; busy && n < 3; n++) CHECK(!pthread_create(&threads[n], NULL, work, NULL));
    read_all(1); /* updates the counters */
    printf("ready {\"open\":%" PRIu64 ",\"child\":%d}\n", id_of(open), (int)child);
    fflush(stdout);
    wait_for_the_end();
    stop = 1;
    for (int n = 0; busy && n < 3; n++) pthread_join(threads[n], NULL);
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "inside";
    struct rlimit none = {3, 3};
    if (!strcmp(what, "no_files")) CHECK(!setrlimit(RLIMIT_NOFILE, &none));
    if (!strcmp(what, "no_size")) CHECK(!setrlimit(RLIMIT_FSIZE, &none)); /* growing a file raises a signal */
    if (!strcmp(what, "no_input")) close(0);
    tracer = tracer_new();
    if (!strcmp(what, "no_files") || !strcmp(what, "no_size")) no_memory_file();
    else if (!strcmp(what, "no_input")) no_input();
    else if (!strcmp(what, "inside")) inside();
    else if (!strcmp(what, "forked")) forked();
    else watched(what);
    spanwire_tracer_shutdown(tracer, 1000);
    return verdict();
}
