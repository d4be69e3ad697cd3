/* Makes spans for the tests of sampling. Traces have ids that the test chooses, as if another process had begun them
 * without deciding about them. */
#include "check.h"
#include <sys/wait.h>
#include <unistd.h>

static spanwire_tracer tracer;

/* Starts the local root of an undecided trace. A text that is "-" is not given. */
static spanwire_span root(uint64_t trace_id, const char *name, const char *service, const char *resource) {
    spanwire_context context = {.size = sizeof context, .trace_id_low = trace_id, .span_id = 1};
    spanwire_span_options options = {.size = sizeof options, .parent_context = &context};
    options.name = name, options.name_len = SPANWIRE_NUL;
    options.service = strcmp(service, "-") ? service : NULL, options.service_len = SPANWIRE_NUL;
    options.resource = strcmp(resource, "-") ? resource : NULL, options.resource_len = SPANWIRE_NUL;
    spanwire_span span = 0;
    OK(spanwire_span_start_with(tracer, &options, &span));
    return span;
}

static spanwire_context context_of(spanwire_span span) {
    spanwire_context context = {.size = sizeof context};
    OK(spanwire_span_context(span, &context));
    return context;
}

/* One trace of one span for each line: trace id, name, service, resource, and tags as `key=text` or `key#number`, all
 * with tabs between them. */
static void spans(void) {
    static char line[1 << 16];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        char *words[64] = {0}, *rest = line;
        int count = 0;
        while (count < 64 && (words[count] = strsep(&rest, "\t"))) count++;
        spanwire_span span = root(strtoull(words[0], NULL, 10), words[1], words[2], words[3]);
        for (int i = 4; i < count; i++) {
            char *value = strpbrk(words[i], "=#");
            if (!value) continue;
            int number = *value == '#';
            *value++ = 0;
            if (number)
                OK(spanwire_span_set_metric(span, words[i], strtod(value, NULL)));
            else
                OK(spanwire_span_set_tag(span, words[i], value));
        }
        OK(spanwire_span_finish(span));
    }
}

/* A decision by hand after the first chunk has left (DD_TRACE_PARTIAL_FLUSH_MIN_SPANS=1). */
static void late(void) {
    spanwire_span top = root(7, "top", "-", "-");
    OK(spanwire_span_finish(spanwire_span_start(tracer, top, "before")));
    spanwire_span child = spanwire_span_start(tracer, top, "after");
    OK(spanwire_span_set_tag(child, "manual.drop", "true"));
    STATUS(SPANWIRE_E_NOT_FOUND, spanwire_span_remove_tag(child, "manual.drop"));
    OK(spanwire_span_finish(child));
    OK(spanwire_span_set_priority(top, 2));
    OK(spanwire_span_finish(top));
}

/* The first context decides, by what the root has then; the root is open, finished or discarded. */
static void injected(void) {
    spanwire_span top = root(7, "top", "-", "GET /");
    spanwire_span child = spanwire_span_start(tracer, top, "child");
    CHECK(context_of(child).sampling_priority == -1 && context_of(child).decision_maker == -3);
    OK(spanwire_span_set_resource(top, "POST /"));
    CHECK(context_of(top).sampling_priority == -1);
    OK(spanwire_span_finish(child));
    OK(spanwire_span_finish(top));

    top = root(8, "top", "-", "POST /");
    child = spanwire_span_start(tracer, top, "child");
    OK(spanwire_span_set_resource(top, "GET /"));
    OK(spanwire_span_finish(top));
    CHECK(context_of(child).sampling_priority == -1);
    OK(spanwire_span_finish(child));

    top = root(9, "top", "-", "GET /");
    child = spanwire_span_start(tracer, top, "child");
    OK(spanwire_span_discard(top));
    CHECK(context_of(child).sampling_priority == 1 && context_of(child).decision_maker == 0);
    OK(spanwire_span_finish(child));

    /* One that another process has decided keeps that decision. */
    spanwire_context decided = {.size = sizeof decided, .trace_id_low = 10, .span_id = 1};
    decided.flags = SPANWIRE_CONTEXT_HAS_PRIORITY, decided.sampling_priority = 1, decided.decision_maker = -1;
    spanwire_span_options options = {.size = sizeof options, .parent_context = &decided, .name = "top"};
    options.name_len = SPANWIRE_NUL, options.resource = "GET /", options.resource_len = SPANWIRE_NUL;
    OK(spanwire_span_start_with(tracer, &options, &top));
    CHECK(context_of(top).sampling_priority == 1 && context_of(top).decision_maker == -1);
    OK(spanwire_span_finish(top));
}

/* A child process under a trace that its parent has decided, and under an undecided one. */
static void forked(void) {
    spanwire_span decided = root(7, "top", "-", "GET /"), open = root(8, "top", "-", "GET /");
    CHECK(context_of(decided).sampling_priority == -1);
    OK(spanwire_span_set_resource(decided, "POST /"));
    pid_t child = fork();
    if (!child) {
        OK(spanwire_span_finish(spanwire_span_start(tracer, decided, "below decided")));
        CHECK(context_of(open).sampling_priority == -1);
        OK(spanwire_span_finish(spanwire_span_start(tracer, open, "below open")));
        OK(spanwire_tracer_shutdown(tracer, 10000));
        _exit(failures != 0);
    }
    int status = 1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    OK(spanwire_span_finish(decided));
    OK(spanwire_span_finish(open));
}

/* Ends a child process, and returns whether it found no fault. */
static int ended(pid_t child) {
    int status = 1;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* A process two forks below an undecided trace: the root's texts are in memory that this process has freed. */
static void grandchild(void) {
    spanwire_span open = root(8, "top", "-", "GET /");
    static char text[20000];
    memset(text, 'x', sizeof text - 1);
    OK(spanwire_span_set_tag(open, "wanted", text));
    pid_t child = fork();
    if (!child) {
        CHECK(context_of(open).sampling_priority == -1);
        pid_t second = fork();
        if (!second) {
            spanwire_context context = {.size = sizeof context};
            OK(spanwire_span_context(open, &context));
            CHECK(context.trace_id_low == 8 && !(context.flags & SPANWIRE_CONTEXT_HAS_PRIORITY));
            OK(spanwire_span_finish(spanwire_span_start(tracer, open, "two below")));
            OK(spanwire_tracer_shutdown(tracer, 10000));
            _exit(failures != 0);
        }
        CHECK(ended(second));
        _exit(failures != 0);
    }
    CHECK(ended(child));
    OK(spanwire_span_finish(open));
}

/* A child process under an undecided trace, with a limit that allows one trace: all that it starts there is decided
 * alike. */
static void forked_limited(void) {
    spanwire_span open = root(8, "top", "-", "-");
    pid_t child = fork();
    if (!child) {
        int first = context_of(open).sampling_priority;
        for (int i = 0; i < 5; i++) {
            CHECK(context_of(open).sampling_priority == first);
            spanwire_span below = spanwire_span_start(tracer, open, "below");
            CHECK(context_of(below).sampling_priority == first);
            OK(spanwire_span_finish(below));
        }
        OK(spanwire_tracer_shutdown(tracer, 10000));
        _exit(failures != 0);
    }
    CHECK(ended(child));
    OK(spanwire_span_finish(open));
}

/* A trace that another process rejected, as it came and after a decision of this process; and one that a rate decides
 * here. Prints what goes out. */
static void continued(void) {
    static const char *const given[][2] = {{"x-datadog-trace-id", "7"}, {"x-datadog-parent-id", "1"},
        {"x-datadog-sampling-priority", "0"}, {"x-datadog-tags", "_dd.p.dm=-3,_dd.p.ksr=0.25,_dd.p.x=1"}};
    spanwire_header headers[4];
    for (int i = 0; i < 4; i++) headers[i] = (spanwire_header){given[i][0], SPANWIRE_NUL, given[i][1], SPANWIRE_NUL};
    for (int i = 0; i < 3; i++) {
        spanwire_span_options options = {.size = sizeof options, .name = "continued", .name_len = SPANWIRE_NUL};
        OK(spanwire_context_extract(tracer, headers, 4, &options.context_handle));
        spanwire_span span = root(1, "rate", "-", "-");
        if (i < 2) {
            OK(spanwire_span_discard(span));
            OK(spanwire_span_start_with(tracer, &options, &span));
        }
        if (i == 1) OK(spanwire_span_set_priority(span, -1));
        char text[2048];
        size_t need;
        OK(spanwire_span_inject_text(span, text, sizeof text, &need));
        for (char *line, *rest = text; (line = strsep(&rest, "\n"));)
            if (!strncmp(line, "x-datadog-tags", 14) || !strncmp(line, "tracestate", 10)) printf("%d %s\n", i, line);
        OK(spanwire_span_finish(span));
        OK(spanwire_context_free(options.context_handle));
    }
}

/* Tags that decide, in every function that sets tags. */
static void by_tag(void) {
    spanwire_span span = root(1, "tag", "-", "-");
    OK(spanwire_span_set_tag(span, "manual.keep", ""));
    CHECK(context_of(span).sampling_priority == 2 && context_of(span).decision_maker == -4);
    OK(spanwire_span_set_tag_n(span, "manual.drop", 11, "1", 1));
    CHECK(context_of(span).sampling_priority == -1);
    OK(spanwire_span_set_metric(span, "manual.keep", 1));
    CHECK(context_of(span).sampling_priority == 2);
    OK(spanwire_span_set_metric(span, "sampling.priority", 0));
    CHECK(context_of(span).sampling_priority == -1);
    OK(spanwire_span_set_tag(span, "sampling.priority", "1"));
    CHECK(context_of(span).sampling_priority == 2);
    spanwire_tag tags[] = {{"manual.drop", SPANWIRE_NUL, "true", SPANWIRE_NUL}, {"x", 1, "y", 1}};
    OK(spanwire_span_set_tags(span, tags, 2));
    CHECK(context_of(span).sampling_priority == -1);
    /* No decision: said no, or no number. */
    OK(spanwire_span_set_tag(span, "manual.keep", "False"));
    OK(spanwire_span_set_metric(span, "manual.keep", 0));
    OK(spanwire_span_set_tag(span, "sampling.priority", "high"));
    CHECK(context_of(span).sampling_priority == -1);
    OK(spanwire_span_finish(span));

    spanwire_span_options options = {.size = sizeof options, .name = "start", .name_len = SPANWIRE_NUL};
    options.tags = tags, options.tags_count = 2;
    OK(spanwire_span_start_with(tracer, &options, &span));
    CHECK(context_of(span).sampling_priority == -1);
    OK(spanwire_span_finish(span));

    spanwire_record record = {.size = sizeof record, .trace_id_low = 3, .span_id = 3, .sampling_priority = SPANWIRE_PRIORITY_NONE};
    record.name = "submitted", record.name_len = SPANWIRE_NUL, record.tags = tags, record.tags_count = 2;
    OK(spanwire_span_submit(tracer, &record, 1));
    record.trace_id_low = 4, record.tags_count = 0, record.name = "sampled";
    OK(spanwire_span_submit(tracer, &record, 1));
}

/* Sends one span, so that the Agent answers its rates, and then spans of several services. */
static void agent(void) {
    OK(spanwire_span_finish(root(1, "first", "-", "-")));
    OK(spanwire_tracer_flush(tracer, 10000));
    spans();
    spanwire_context context = context_of(root(2, "shop", "-", "-"));
    printf("context {\"priority\":%d,\"mechanism\":%d}\n", (int)context.sampling_priority, (int)context.decision_maker);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    tracer = tracer_new();
    if (!strcmp(argv[1], "spans")) spans();
    if (!strcmp(argv[1], "late")) late();
    if (!strcmp(argv[1], "injected")) injected();
    if (!strcmp(argv[1], "forked")) forked();
    if (!strcmp(argv[1], "continued")) continued();
    if (!strcmp(argv[1], "grandchild")) grandchild();
    if (!strcmp(argv[1], "forked_limited")) forked_limited();
    if (!strcmp(argv[1], "by_tag")) by_tag();
    if (!strcmp(argv[1], "agent")) agent();
    OK(spanwire_tracer_shutdown(tracer, 10000));
    check_closed_books(tracer);
    return verdict();
}
