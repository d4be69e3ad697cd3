/* A host that cancels its threads inside of our calls: cancelled [NAME]... (all calls without a name).
 * A cancellation that is pending takes effect at the first cancellation point, so each call is made by a thread that is
 * to be cancelled already: it has to return, and the thread ends behind it. Then threads are cancelled from outside
 * while they wait. Whatever happens, the process goes on and every span is accounted for. */
#include "check.h"
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static spanwire_tracer tracer;
static spanwire_span held;

static void on_record(const spanwire_log_record *record, void *userdata) {
    (void)record;
    (*(int *)userdata)++;
    sleep_us(1000); /* a cancellation point of the host in the callback */
}

static void on_event(const spanwire_recorder_event *event, void *userdata) {
    (void)event;
    (*(int *)userdata)++;
}

static void ignore(const spanwire_log_record *record, void *userdata) { (void)record, (void)userdata; }

static int32_t read_own(uint64_t address, void *into, size_t length, void *userdata) {
    (void)address, (void)into, (void)length, (void)userdata;
    sleep_us(1000);
    return 1;
}

static void keep(const char *text, size_t length, void *userdata) { (void)text, (void)length, (void)userdata; }

/* A log record, for the calls that read one. */
static void say(void) { spanwire_log_write(SPANWIRE_LEVEL_ERROR, "host", "a record"); }

static spanwire_tracer another(const char *service) {
    spanwire_setting settings[] = {{"DD_SERVICE", service}, {"DD_TRACE_LOG_FILE", "cancelled.log"}};
    spanwire_tracer made = 0;
    OK(spanwire_tracer_new(settings, 2, &made, NULL));
    return made;
}

static void tracer_new_once(void) { another("new"); }
static void tracer_start(void) { OK(spanwire_tracer_start(another("started"))); }
static void first_span(void) { OK(spanwire_span_finish(spanwire_span_start(another("first span"), 0, "first"))); }
static void many_spans(void) {
    static spanwire_span many[5000];
    for (int i = 0; i < 5000; i++) CHECK(many[i] = spanwire_span_start(tracer, held, "many"));
    for (int i = 0; i < 5000; i++) {
        char key[32], value[256];
        for (int k = 0; k < (i % 100 ? 1 : 100); k++) {
            snprintf(key, sizeof key, "key-%d", k);
            memset(value, 'v', sizeof value);
            value[sizeof value - 1] = '\0';
            OK(spanwire_span_set_tag(many[i], key, value));
        }
        OK(spanwire_span_set_error(many[i], "Declined", "no card", "here"));
        OK(spanwire_span_finish(many[i]));
    }
}
/* Each start and finish makes a record, and makes a descriptor readable. */
static void spans_in_debug_mode(void) {
    OK(spanwire_debug_set(1));
    CHECK(spanwire_log_fd() >= 0);
    for (int i = 0; i < 20; i++) {
        spanwire_log_drain(NULL, 0, &(size_t){0});
        char lines[4096];
        spanwire_log_drain(lines, sizeof lines, NULL);
        spanwire_span span = spanwire_span_start(tracer, 0, "debug");
        spanwire_log_drain(lines, sizeof lines, NULL);
        OK(spanwire_span_finish(span));
    }
    spanwire_span late = spanwire_span_start(tracer, (spanwire_span)1 << 51 | 12345, "of an unknown parent");
    OK(spanwire_span_discard(late));
    OK(spanwire_debug_set(0));
}
static void span_queries(void) {
    spanwire_context context = {.size = sizeof context};
    char text[64];
    OK(spanwire_span_set_tag(held, "a", "b"));
    OK(spanwire_span_get_tag(held, "a", text, sizeof text, NULL));
    OK(spanwire_span_context(held, &context));
    OK(spanwire_span_id_text(held, SPANWIRE_ID_TRACE, text, sizeof text, NULL));
    OK(spanwire_span_set_priority(held, 2));
}
static void submit(void) {
    spanwire_record record = {.size = sizeof record, .name = "submitted", .name_len = SPANWIRE_NUL, .span_id = 7,
                              .trace_id_low = 8, .start_ns = wall_ns(), .duration_ns = 9};
    OK(spanwire_span_submit(tracer, &record, 1));
}
static void flush(void) { spanwire_tracer_flush(tracer, 100); }
static void shutdown_once(void) { spanwire_tracer_shutdown(another("shut down"), 100); }
static void free_once(void) { OK(spanwire_tracer_free(another("freed"))); }
static void stats(void) { stats_of(tracer); }
static void config_json(void) {
    char json[65536];
    OK(spanwire_tracer_config_json(tracer, json, sizeof json, NULL));
}
static void integration(void) { OK(spanwire_tracer_report_integration(tracer, "redis", "5", "loaded")); }
static void log_poll(void) {
    int seen = 0;
    say();
    OK(spanwire_log_poll(on_record, &seen, 100, NULL));
    CHECK(seen > 0);
}
static void log_drain(void) {
    char lines[65536];
    say();
    OK(spanwire_log_drain(lines, sizeof lines, NULL));
}
static void log_take(void) {
    spanwire_log_record record = {.size = sizeof record};
    char text[4096];
    say();
    OK(spanwire_log_take(&record, text, sizeof text, NULL));
}
static void log_write(void) { say(); }
static void log_event(void) { OK(spanwire_log_event("host.event", NULL, 0)); }
static void log_fd(void) { CHECK(spanwire_log_fd() >= 0); }
static void log_levels(void) {
    OK(spanwire_log_set_level(SPANWIRE_LEVEL_INFO));
    OK(spanwire_log_set_logger_level("span", SPANWIRE_LEVEL_WARN));
    OK(spanwire_log_set_logger_level("span", -1));
}
static void sinks(void) {
    spanwire_sink sink = 0;
    OK(spanwire_log_add_sink_any_thread(SPANWIRE_LEVEL_INFO, ignore, NULL, NULL, &sink));
    say();
    OK(spanwire_log_remove_sink(sink));
}
static void debug_for(void) {
    OK(spanwire_debug_set_for(1));
    spanwire_debug_get();
    OK(spanwire_debug_set(0));
}
static void recorder(void) {
    int seen = 0;
    OK(spanwire_recorder_read(on_event, &seen, 100, NULL));
    spanwire_recorder_fd();
    CHECK(seen > 0);
}
static void inspect(void) {
    CHECK(spanwire_process_inspect(4096, 0, "status", read_own, keep, NULL) == SPANWIRE_E_NOT_FOUND);
}
/* The first call in a forked child makes fresh state. */
static void forked_child(void) {
    pid_t child = fork();
    if (child == 0) {
        spanwire_span span = spanwire_span_start(tracer, 0, "child");
        spanwire_status finished = spanwire_span_finish(span), flushed = spanwire_tracer_flush(tracer, 5000);
        _exit(!span || finished || flushed);
    }
    int status = -1, state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    waitpid(child, &status, 0);
    pthread_setcancelstate(state, NULL);
    CHECK(status == 0);
}

static const struct call {
    const char *name;
    void (*make)(void);
} calls[] = {
    {"tracer_new", tracer_new_once}, {"start", tracer_start}, {"first_span", first_span}, {"many_spans", many_spans},
    {"debug_mode", spans_in_debug_mode}, {"queries", span_queries}, {"submit", submit}, {"flush", flush},
    {"shutdown", shutdown_once}, {"free", free_once}, {"stats", stats}, {"config_json", config_json},
    {"integration", integration}, {"poll", log_poll}, {"drain", log_drain}, {"take", log_take}, {"write", log_write},
    {"event", log_event}, {"fd", log_fd}, {"levels", log_levels}, {"sinks", sinks}, {"debug_for", debug_for},
    {"recorder", recorder}, {"inspect", inspect}, {"forked_child", forked_child},
};

struct attempt {
    const struct call *call;
    int returned, old_state;
};

static void *make_it(void *userdata) {
    struct attempt *attempt = userdata;
    pthread_cancel(pthread_self());
    attempt->call->make();
    attempt->returned = 1;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &attempt->old_state);
    pthread_testcancel();
    return NULL;
}

static void cancelled_inside(const struct call *call) {
    struct attempt attempt = {call, 0, -1};
    pthread_t thread;
    void *result = NULL;
    fprintf(stderr, "%s\n", call->name); /* the last line names the call that failed */
    CHECK(pthread_create(&thread, NULL, make_it, &attempt) == 0);
    pthread_join(thread, &result);
    CHECK(attempt.returned);
    CHECK(attempt.old_state == PTHREAD_CANCEL_ENABLE); /* unchanged */
    CHECK(result == PTHREAD_CANCELED);
}

static void *wait_inside(void *userdata) {
    int poll = *(int *)userdata, seen = 0;
    for (;;) {
        spanwire_span span = spanwire_span_start(tracer, 0, "waiting");
        spanwire_span_finish(span);
        if (poll)
            spanwire_log_poll(on_record, &seen, 10, NULL);
        else
            spanwire_tracer_flush(tracer, 20);
        pthread_testcancel();
    }
    return NULL;
}

static void cancelled_from_outside(void) {
    for (int round = 0; round < 40; round++) {
        pthread_t thread;
        void *result = NULL;
        int poll = round % 2;
        CHECK(pthread_create(&thread, NULL, wait_inside, &poll) == 0);
        sleep_us(round * 100);
        say();
        pthread_cancel(thread);
        pthread_join(thread, &result);
        CHECK(result == PTHREAD_CANCELED);
    }
}

int main(int argc, char **argv) {
    const size_t count = sizeof calls / sizeof *calls;
    /* The first call of the process makes its state. */
    const struct call first = {"first_call", tracer_new_once};
    if (argc < 2 || strcmp(argv[1], first.name) == 0) cancelled_inside(&first);
    tracer = tracer_new();
    held = spanwire_span_start(tracer, 0, "held");
    if (argc < 2) CHECK(spanwire_log_fd() >= 0); /* from now on each record makes it readable */
    for (size_t n = 0; n < count; n++) {
        int wanted = argc < 2;
        for (int i = 1; i < argc; i++) wanted |= strcmp(argv[i], calls[n].name) == 0;
        if (wanted) cancelled_inside(&calls[n]);
    }
    if (argc < 2) cancelled_from_outside();
    OK(spanwire_span_finish(held));
    OK(spanwire_tracer_shutdown(tracer, 5000));
    check_closed_books(tracer);
    return verdict();
}
