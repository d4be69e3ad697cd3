/* inherited: what a child may do with a span of its parent. It may continue the trace, but not change the span. */
#include "check.h"
#include <sys/wait.h>
#include <unistd.h>

static spanwire_tracer tracer;
static spanwire_span outer;
static spanwire_context outer_context;

static int child_of(int depth) {
    failures = 0;
    STATUS(SPANWIRE_E_FORKED, spanwire_span_set_tag(outer, "k", "v"));
    STATUS(SPANWIRE_E_FORKED, spanwire_span_set_tag_n(outer, "k", 1, "v", 1));
    STATUS(SPANWIRE_E_FORKED, spanwire_span_set_metric(outer, "k", 1));
    STATUS(SPANWIRE_E_FORKED, spanwire_span_set_resource(outer, "r"));
    STATUS(SPANWIRE_E_FORKED, spanwire_span_set_error(outer, "t", "m", "s"));
    STATUS(SPANWIRE_E_FORKED, spanwire_span_discard(outer));
    STATUS(SPANWIRE_E_FORKED, spanwire_span_finish(outer));
    STATUS(SPANWIRE_E_FORKED, spanwire_span_finish_at(outer, wall_ns()));
    spanwire_span span = spanwire_span_start(tracer, outer, depth ? "in the grandchild" : "in the child");
    CHECK(span != 0 && span != outer);
    spanwire_context context = {.size = sizeof context};
    OK(spanwire_span_context(span, &context));
    CHECK(context.trace_id_low == outer_context.trace_id_low && context.trace_id_high == outer_context.trace_id_high);
    CHECK(context.span_id != outer_context.span_id);
    OK(spanwire_span_set_tag(span, "k", "v"));
    if (depth == 0) {
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) _exit(child_of(1));
        int status = 0;
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    OK(spanwire_span_finish(span));
    OK(spanwire_tracer_shutdown(tracer, 10000));
    spanwire_stats s = check_books(tracer);
    CHECK(s.spans_started == 1 && s.spans_sent == 1);
    if (failures) print_stats(stderr, &s);
    return verdict();
}

int main(void) {
    tracer = tracer_new();
    spanwire_span before = spanwire_span_start(tracer, 0, "before"); /* waits in the parent's queue when it forks */
    OK(spanwire_span_finish(before));
    outer = spanwire_span_start(tracer, 0, "outer");
    outer_context.size = sizeof outer_context;
    OK(spanwire_span_context(outer, &outer_context));
    printf("outer {\"low\":%" PRIu64 ",\"id\":%" PRIu64 "}\n", outer_context.trace_id_low, outer_context.span_id);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) _exit(child_of(0));
    int status = 0;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    OK(spanwire_span_set_tag(outer, "still", "mine"));
    OK(spanwire_span_finish(outer));
    OK(spanwire_tracer_shutdown(tracer, 10000));
    check_closed_books(tracer);
    return verdict();
}
