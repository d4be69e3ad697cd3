/* callbacks SCENARIO [fork|_Fork|clone]: callbacks that fork, and callbacks that call the whole API. A child must not
 * hang on a lock that its parent held, and must see no record or event of its parent. Prints `callbacks {…}`. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static spanwire_tracer tracer;
static const char *way = "fork";
static pid_t parent, child;
static long rounds, hung, wrong;
static atomic_int stop, log_pause;
/* Number of callback calls in children after the one that forked; shared with the children. */
static atomic_long *after_fork;

static pid_t fork_now(void) {
    if (strcmp(way, "_Fork") == 0) return _Fork();
    if (strcmp(way, "clone") == 0) return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    return fork();
}

/* Threads that log all the time, so that at most forks one of them holds a lock. */
static void *logger(void *unused) {
    (void)unused;
    while (!atomic_load(&stop)) {
        spanwire_log_write(SPANWIRE_LEVEL_WARN, "parent", "a record of the parent's, of some length, to be waited for");
        if (atomic_load(&log_pause)) sleep_us(100);
    }
    return NULL;
}

/* Waits for a child. A child that hangs is killed and counted. */
static void collect(void) {
    int status = 0, waited = 0;
    if (child <= 0) return;
    while (waitpid(child, &status, WNOHANG) == 0 && ++waited < 5000) sleep_us(1000);
    if (waited >= 5000) {
        hung++;
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        wrong++;
    }
    child = 0;
}

static void no_record_of_the_parent(const spanwire_log_record *record, void *userdata) {
    if (strstr(record->text, "of the parent's")) ++*(long *)userdata;
}

/* What a child does after the call returns in whose callback it was forked. */
static void as_a_child(void) {
    long of_the_parent = 0;
    size_t count = 0;
    spanwire_span span = spanwire_span_start(tracer, 0, "in the child");
    spanwire_span_finish(span);
    spanwire_log_write(SPANWIRE_LEVEL_WARN, "child", "a record of its own");
    spanwire_status polled = spanwire_log_poll(no_record_of_the_parent, &of_the_parent, 0, &count);
    _exit(span && polled == SPANWIRE_OK && count && !of_the_parent && !atomic_load(after_fork) ? 0 : 3);
}

static int calls;
static void fork_in_the_second(const spanwire_log_record *record, void *unused) {
    (void)record, (void)unused;
    if (getpid() != parent && calls > 2) atomic_fetch_add(after_fork, 1);
    if (++calls == 2) child = fork_now();
    if (getpid() != parent) calls = 3;
}

static void in_poll(void) {
    pthread_t threads[3];
    /* The other ways to fork leave malloc()'s locks as they are; a thread that allocates during such a fork is the
     * host's fault. */
    int others = strcmp(way, "fork") == 0 ? 3 : 0;
    for (int i = 0; i < others; i++) pthread_create(&threads[i], NULL, logger, NULL);
    for (rounds = 0; rounds < (others ? 300 : 20); rounds++) {
        size_t count;
        calls = 0;
        for (int i = 0; i < 10; i++) spanwire_log_write(SPANWIRE_LEVEL_WARN, "parent", "a record of the parent's");
        OK(spanwire_log_poll(fork_in_the_second, NULL, 50, &count));
        if (getpid() != parent) as_a_child();
        CHECK(child > 0);
        collect();
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < others; i++) pthread_join(threads[i], NULL);
}

static void fork_in_the_second_event(const spanwire_recorder_event *event, void *unused) {
    (void)event;
    fork_in_the_second(NULL, unused);
}

static void in_recorder(void) {
    for (rounds = 0; rounds < 20; rounds++) {
        size_t count;
        calls = 0;
        for (int i = 0; i < 10; i++) spanwire_span_finish(spanwire_span_start(tracer, 0, "recorded"));
        OK(spanwire_recorder_read(fork_in_the_second_event, NULL, 0, &count));
        if (getpid() != parent) as_a_child();
        CHECK(child > 0);
        collect();
    }
}

/* On the log thread. In the child it is the only thread, and it ends when the callback has returned. */
static atomic_int forked;
static void fork_once(const spanwire_log_record *record, void *unused) {
    (void)record, (void)unused;
    if (getpid() != parent) atomic_fetch_add(after_fork, 1);
    if (atomic_exchange(&forked, 1) == 0) child = fork_now();
}

static void in_sink(void) {
    pthread_t thread;
    if (strcmp(way, "fork") == 0) pthread_create(&thread, NULL, logger, NULL);
    atomic_store(&log_pause, 1);
    for (rounds = 0; rounds < 20; rounds++) {
        spanwire_sink sink;
        child = 0;
        atomic_store(&forked, 0);
        OK(spanwire_log_add_sink_any_thread(SPANWIRE_LEVEL_WARN, fork_once, NULL, NULL, &sink));
        for (int i = 0; i < 1000 && !atomic_load(&forked); i++, sleep_us(1000))
            spanwire_log_write(SPANWIRE_LEVEL_WARN, "parent", "a record of the parent's");
        OK(spanwire_log_remove_sink(sink));
        CHECK(child > 0);
        collect();
    }
    atomic_store(&stop, 1);
    if (strcmp(way, "fork") == 0) pthread_join(thread, NULL);
    CHECK(atomic_load(after_fork) == 0);
}

static void do_nothing(const spanwire_log_record *record, void *unused) { (void)record, (void)unused; }

static void fork_at_the_end(void *unused) {
    (void)unused;
    child = fork_now();
}

/* A release function on the thread that removes the sink. */
static void in_release(void) {
    for (rounds = 0; rounds < 20; rounds++) {
        spanwire_sink sink;
        OK(spanwire_log_add_sink_any_thread(SPANWIRE_LEVEL_WARN, do_nothing, NULL, fork_at_the_end, &sink));
        OK(spanwire_log_remove_sink(sink));
        if (getpid() != parent) as_a_child();
        CHECK(child > 0);
        collect();
    }
}

/* A release function on the log thread, after a callback that removed its own sink. */
static spanwire_sink own;
static atomic_int released;
static void fork_at_its_own_end(void *unused) {
    fork_at_the_end(unused);
    if (getpid() == parent) atomic_store(&released, 1);
}
static void remove_itself(const spanwire_log_record *record, void *unused) {
    (void)record, (void)unused;
    OK(spanwire_log_remove_sink(own));
}
static void in_own_release(void) {
    for (rounds = 0; rounds < 20; rounds++) {
        atomic_store(&released, 0);
        OK(spanwire_log_add_sink_any_thread(SPANWIRE_LEVEL_WARN, remove_itself, NULL, fork_at_its_own_end, &own));
        spanwire_log_write(SPANWIRE_LEVEL_WARN, "parent", "a record of the parent's");
        for (int i = 0; i < 5000 && !atomic_load(&released); i++) sleep_us(1000);
        CHECK(atomic_load(&released));
        collect();
    }
}

/* Everything else in the API, called from each kind of callback. */
static int depth;
static long nested;
static void call_everything(const spanwire_log_record *record, void *userdata) {
    (void)record;
    char text[512];
    size_t need = 0;
    int in_poll = userdata != NULL;
    spanwire_sink sink = 0;
    spanwire_setting setting = {"DD_SERVICE", in_poll ? "made in a poll" : "made in a sink"};
    spanwire_tracer other = 0;
    if (depth > 2) return;
    depth++;
    OK(spanwire_tracer_new(&setting, 1, &other, NULL));
    spanwire_span_finish(spanwire_span_start(other, 0, "inside"));
    if (in_poll) {
        spanwire_log_poll(call_everything, userdata, 1, &need);
        spanwire_tracer_flush(other, 1);
        spanwire_tracer_shutdown(other, 1);
    }
    OK(spanwire_tracer_free(other));
    spanwire_log_drain(text, sizeof text, &need);
    spanwire_log_record taken = {.size = sizeof taken};
    spanwire_log_take(&taken, text, sizeof text, &need);
    OK(spanwire_log_add_sink_any_thread(SPANWIRE_LEVEL_WARN, do_nothing, NULL, NULL, &sink));
    OK(spanwire_log_remove_sink(sink));
    OK(spanwire_log_set_level(SPANWIRE_LEVEL_INFO));
    spanwire_tracer_config_json(tracer, text, sizeof text, &need);
    spanwire_log_write(SPANWIRE_LEVEL_WARN, "host", "from inside");
    depth--;
    nested++;
}

static atomic_int done_in_sink;
static void call_everything_once(const spanwire_log_record *record, void *unused) {
    (void)unused;
    if (atomic_exchange(&done_in_sink, 1) == 0) call_everything(record, NULL), atomic_store(&done_in_sink, 2);
}

static void nesting(void) {
    size_t count;
    spanwire_sink sink;
    for (int i = 0; i < 20; i++) spanwire_log_write(SPANWIRE_LEVEL_WARN, "parent", "a record of the parent's");
    OK(spanwire_log_poll(call_everything, &nested, 0, &count));
    CHECK(count > 0 && nested > 3);
    OK(spanwire_log_add_sink_any_thread(SPANWIRE_LEVEL_WARN, call_everything_once, NULL, NULL, &sink));
    spanwire_log_write(SPANWIRE_LEVEL_WARN, "parent", "a record of the parent's");
    for (int i = 0; i < 5000 && atomic_load(&done_in_sink) != 2; i++) sleep_us(1000);
    CHECK(atomic_load(&done_in_sink) == 2);
    OK(spanwire_log_remove_sink(sink));
    rounds = 1;
}

int main(int argc, char **argv) {
    static const struct { const char *name; void (*run)(void); } scenarios[] = {
        {"poll", in_poll}, {"recorder", in_recorder}, {"sink", in_sink}, {"release", in_release},
        {"own_release", in_own_release}, {"nesting", nesting}};
    parent = getpid();
    after_fork = mmap(NULL, sizeof *after_fork, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (argc > 2) way = argv[2];
    tracer = tracer_new();
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (argc < 2 || strcmp(argv[1], scenarios[i].name) != 0) continue;
        scenarios[i].run();
        CHECK(hung == 0 && wrong == 0);
        printf("callbacks {\"rounds\":%ld,\"hung\":%ld,\"wrong\":%ld}\n", rounds, hung, wrong);
        spanwire_tracer_shutdown(tracer, 5000);
        check_closed_books(tracer);
        return verdict();
    }
    return 2;
}
