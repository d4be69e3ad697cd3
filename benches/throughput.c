/* Spans for some seconds, sent to an Agent: what they cost, how many arrive, and why others do not. benches/throughput
 * compiles and runs this.
 *
 *   throughput [KEY=VALUE]...
 *
 *   shape=trace10   traces of 10 spans with 4 texts, 3 tags and a number each (spans.h); `single`: one span without
 *                   attributes; `wide`: a root with `spans` - 1 children, each span with `tags` tags of `length` bytes
 *   calls=one       all attributes in the call that starts a span; `each`: a call for each
 *   spans=10 tags=3 length=16    for `wide`
 *   threads=1       threads that make spans
 *   rate=0          spans for each second, by all threads together, in bursts every 10 ms; 0: as many as they can
 *   seconds=10      how long; or traces=N, how many traces of each thread
 *   flush=0         after so many traces a thread sends all; 0: only at the end
 *   mode=normal     `disabled`: tracing is off; `debug`: debug mode, to the file DD_TRACE_LOG_FILE
 *   agent=          HOST:PORT, or a URL such as otlp+http://HOST:PORT; otherwise a process that this program starts, which
 *                   reads payloads and answers 200
 *
 * Other settings come from the environment. Prints one line of JSON. CPU is that of this process, without the Agent's.
 * Ends with 1 if the counters of the tracer contradict one another or the Agent's. */
#include "agent.h"
#include "spans.h"

#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

enum { TAGS_MAX = 1000, LENGTH_MAX = 25000, WARM = 200 };
static const char *shape = "trace10", *calls = "one", *mode = "normal", *agent_at = "";
static long spans_each = 10, tags_each = 3, length = 16, threads = 1, rate, traces, flush;
static double seconds = 10;

static spanwire_tag tags[TAGS_MAX];
static char keys[TAGS_MAX][16], text[LENGTH_MAX + 1];

static int64_t now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* ---- Making spans ---- */

static spanwire_span wide_one(spanwire_span parent) {
    spanwire_span_options options = {.size = sizeof options, .parent = parent, .name = "web.request", .name_len = 11};
    options.tags = tags, options.tags_count = (size_t)tags_each;
    spanwire_span span = 0;
    spanwire_span_start_with(tracer, &options, &span);
    return span;
}

static spanwire_span wide_each(spanwire_span parent) {
    spanwire_span span = spanwire_span_start(tracer, parent, "web.request");
    for (long i = 0; i < tags_each; i++) spanwire_span_set_tag(span, tags[i].key, tags[i].value);
    return span;
}

static void wide(spanwire_span (*start)(spanwire_span)) {
    spanwire_span root = start(0);
    for (long i = 1; i < spans_each; i++) spanwire_span_finish(start(root));
    spanwire_span_finish(root);
}

static void make_trace(void) {
    int one = !strcmp(calls, "one");
    if (!strcmp(shape, "trace10")) trace10(one ? in_one : by_calls);
    else if (!strcmp(shape, "single")) spanwire_span_finish(spanwire_span_start(tracer, 0, NAMES[0]));
    else wide(one ? wide_one : wide_each);
}

/* ---- Driving ---- */

struct thread {
    pthread_t id;
    int64_t cpu, wall, made;
};
static pthread_barrier_t barrier;

static void burst(struct thread *self, int64_t count) {
    int64_t cpu = now(CLOCK_THREAD_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
    for (int64_t i = 0; i < count; i++) {
        make_trace();
        if (flush && (self->made + i) % flush == 0) spanwire_tracer_flush(tracer, 60000);
    }
    self->wall += now(CLOCK_MONOTONIC) - wall;
    self->cpu += now(CLOCK_THREAD_CPUTIME_ID) - cpu;
    self->made += count;
}

static void *drive(void *argument) {
    struct thread *self = argument;
    pthread_barrier_wait(&barrier);
    const int64_t begin = now(CLOCK_MONOTONIC), end = traces ? INT64_MAX : begin + (int64_t)(seconds * 1e9);
    const int64_t most = traces ? traces : INT64_MAX;
    /* Flat out, the clocks are read after about a thousand spans. */
    const int64_t chunk = spans_each < 1000 ? 1000 / spans_each : 1;
    for (int64_t tick = 1; self->made < most && now(CLOCK_MONOTONIC) < end; tick++) {
        int64_t count = chunk;
        if (rate) count = (int64_t)((double)rate / (double)threads / (double)spans_each * (double)tick / 100) - self->made;
        if (count > most - self->made) count = most - self->made;
        if (count > 0) burst(self, count);
        if (!rate) continue;
        int64_t due = begin + tick * 10000000;
        struct timespec time = {due / 1000000000, due % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    }
    return NULL;
}

/* ---- The Agent, a process of its own ---- */

static int agent_process(void) {
    printf("%u\n", agent_start());
    fflush(stdout);
    while (getchar() != EOF) {
    }
    printf("%lu %lu\n", atomic_load(&agent_payloads), atomic_load(&agent_bytes));
    return 0;
}

struct agent {
    FILE *to, *from;
    pid_t pid;
};

/* Starts it and returns its port; 0 if that fails. */
static unsigned start_agent(struct agent *agent, char *program) {
    int to[2], from[2];
    unsigned port = 0;
    if (pipe(to) || pipe(from)) return 0;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], 0);
    posix_spawn_file_actions_adddup2(&actions, from[1], 1);
    int others[] = {to[0], to[1], from[0], from[1]};
    for (int i = 0; i < 4; i++) posix_spawn_file_actions_addclose(&actions, others[i]);
    char *arguments[] = {program, "agent", NULL};
    if (posix_spawn(&agent->pid, program, &actions, NULL, arguments, environ)) return 0;
    close(to[0]), close(from[1]);
    agent->to = fdopen(to[1], "w"), agent->from = fdopen(from[0], "r");
    return fscanf(agent->from, "%u", &port) == 1 ? port : 0;
}

/* ---- The whole run ---- */

static long peak_kib(void) {
    char line[128];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) sscanf(line, "VmHWM: %ld", &kib);
    if (status) fclose(status);
    return kib;
}

static int read_arguments(int argc, char **argv) {
    const struct {
        const char *key;
        const char **text;
        long *number;
    } known[] = {{"shape", &shape, NULL}, {"calls", &calls, NULL}, {"mode", &mode, NULL}, {"agent", &agent_at, NULL},
                 {"spans", NULL, &spans_each}, {"tags", NULL, &tags_each}, {"length", NULL, &length},
                 {"threads", NULL, &threads}, {"rate", NULL, &rate}, {"traces", NULL, &traces},
                 {"flush", NULL, &flush}};
    for (int i = 1; i < argc; i++) {
        const char *value = strchr(argv[i], '=');
        size_t found = 0, count = sizeof known / sizeof *known;
        if (!value) return 0;
        size_t key = (size_t)(value++ - argv[i]);
        if (key == 7 && !strncmp(argv[i], "seconds", 7)) {
            seconds = atof(value);
            continue;
        }
        while (found < count && (strlen(known[found].key) != key || strncmp(argv[i], known[found].key, key))) found++;
        if (found == count) return 0;
        if (known[found].text) *known[found].text = value;
        else *known[found].number = atol(value);
    }
    if (!strcmp(shape, "single")) spans_each = 1;
    else if (!strcmp(shape, "trace10")) spans_each = 10;
    else if (strcmp(shape, "wide")) return 0;
    return spans_each > 0 && tags_each >= 0 && tags_each <= TAGS_MAX && length >= 0 && length <= LENGTH_MAX && threads > 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "agent")) return agent_process();
    if (!read_arguments(argc, argv)) {
        fputs("throughput: wrong arguments; the first lines of throughput.c list them\n", stderr);
        return 2;
    }
    memset(text, 'v', (size_t)length);
    for (long i = 0; i < tags_each; i++) {
        snprintf(keys[i], sizeof keys[i], "tag.k%ld", i);
        tags[i] = (spanwire_tag){keys[i], strlen(keys[i]), text, (size_t)length};
    }
    struct agent agent = {NULL, NULL, 0};
    char url[128], own[32];
    if (!*agent_at) {
        snprintf(own, sizeof own, "127.0.0.1:%u", start_agent(&agent, argv[0]));
        agent_at = own;
    }
    snprintf(url, sizeof url, "%s%s", strstr(agent_at, "://") ? "" : "http://", agent_at);
    int disabled = !strcmp(mode, "disabled"), debug = !strcmp(mode, "debug");
    const spanwire_setting settings[] = {
        {"DD_SERVICE", "bench-service"},
        {"DD_TRACE_AGENT_URL", url},
        {"DD_TRACE_ENABLED", disabled ? "false" : "true"},
        {"DD_TRACE_DEBUG", debug ? "true" : "false"},
        {"SPANWIRE_LOG_SINKS", debug ? "file" : "ring"},
    };
    if (spanwire_tracer_new(settings, sizeof settings / sizeof *settings, &tracer, NULL) != SPANWIRE_OK) return 1;
    const long warm = spans_each < 1000 ? WARM : 1;
    for (long i = 0; i < warm; i++) make_trace();
    if (spanwire_tracer_flush(tracer, 60000) != SPANWIRE_OK) return 1;
    spanwire_stats before = {.size = sizeof before}, after = {.size = sizeof after};
    spanwire_tracer_stats(tracer, &before);

    struct thread *all = calloc((size_t)threads, sizeof *all);
    /* This thread is one of them. */
    pthread_barrier_init(&barrier, NULL, (unsigned)threads);
    for (long i = 1; i < threads; i++) pthread_create(&all[i].id, NULL, drive, &all[i]);
    int64_t cpu = now(CLOCK_PROCESS_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
    drive(&all[0]);
    int64_t made = 0, caller_cpu = 0, caller_wall = 0;
    for (long i = 0; i < threads; i++) {
        if (i) pthread_join(all[i].id, NULL);
        made += all[i].made, caller_cpu += all[i].cpu, caller_wall += all[i].wall;
    }
    int64_t made_at = now(CLOCK_MONOTONIC);
    spanwire_status flushed = spanwire_tracer_flush(tracer, 120000);
    int64_t sent_at = now(CLOCK_MONOTONIC);
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    spanwire_tracer_stats(tracer, &after);

#define GREW(field) (after.field - before.field)
    const uint64_t spans = (uint64_t)made * (uint64_t)spans_each, sent = GREW(spans_sent);
    const double each = (double)(spans ? spans : 1);
    printf("{\"peer\":\"spanwire\",\"shape\":\"%s\",\"mode\":\"%s\",\"calls\":\"%s\",\"threads\":%ld,\"rate\":%ld,\"spans\":%" PRIu64
           ",\"warm_spans\":%ld,\"tcpu_ns\":%.1f,\"wall_ns\":%.1f,\"cpu_ns\":%.1f,\"elapsed_ms\":%.1f,\"flush_ms\":%.1f",
           shape, mode, calls, threads, rate, spans, warm * spans_each, (double)caller_cpu / each, (double)caller_wall / each,
           (double)cpu / each, (double)(made_at - wall) / 1e6, (double)(sent_at - made_at) / 1e6);
    printf(",\"started\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"delivered_per_second\":%.0f,\"dropped\":%" PRIu64, GREW(spans_started),
           sent, (double)sent / ((double)(sent_at - wall) / 1e9), GREW(spans_dropped));
#define LOST(field) printf(",\"" #field "\":%" PRIu64, GREW(field))
    LOST(dropped_queue_full), LOST(dropped_memory), LOST(dropped_unreachable), LOST(dropped_refused), LOST(dropped_too_large);
    LOST(dropped_shutdown), LOST(dropped_invalid), LOST(dropped_unknown_fate), LOST(starts_refused);
    printf(",\"payloads\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"rss_kb\":%ld}\n", GREW(payloads_sent), GREW(bytes_sent), peak_kib());

    int good = (flushed == SPANWIRE_OK || disabled) && spanwire_tracer_shutdown(tracer, 10000) == SPANWIRE_OK;
    good &= disabled || GREW(spans_started) + GREW(starts_refused) == spans;
    good &= GREW(spans_started) == sent + GREW(spans_dropped);
    if (agent.pid) {
        unsigned long payloads = 0, bytes = 0;
        fclose(agent.to);
        int read = fscanf(agent.from, "%lu %lu", &payloads, &bytes);
        waitpid(agent.pid, NULL, 0);
        if (read != 2 || bytes != after.bytes_sent) {
            fprintf(stderr, "throughput: the Agent read %lu bytes, the tracer counts %" PRIu64 "\n", bytes, after.bytes_sent);
            good = 0;
        }
    }
    free(all);
    return good ? 0 : 1;
}
