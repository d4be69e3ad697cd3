/* odd_spans: impossible times, numbers at the ends of their range, and finished spans of every kind from the host
 * itself. The test checks what the agent gets; here no call may fail. */
#include "check.h"

static spanwire_tracer tracer;

static void start_and_end(const char *name, int64_t start_ns, const int64_t *end_ns) {
    spanwire_span_options options = {.size = sizeof options, .name = name, .name_len = SPANWIRE_NUL, .start_ns = start_ns};
    spanwire_span span = 0;
    OK(spanwire_span_start_with(tracer, &options, &span));
    CHECK(span != 0);
    OK(end_ns ? spanwire_span_finish_at(span, *end_ns) : spanwire_span_finish(span));
}

static void times(void) {
    const int64_t odd[] = {INT64_MIN, INT64_MIN + 1, -1000000000, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    enum { COUNT = sizeof odd / sizeof *odd };
    for (int i = 0; i < COUNT; i++) {
        start_and_end("odd start", odd[i], NULL);
        start_and_end("odd end", 0, &odd[i]);
        for (int j = 0; j < COUNT; j++) start_and_end("odd both", odd[i], &odd[j]);
    }
    const int64_t start = 1700000000000000000, end = start + 5000;
    start_and_end("usual", start, &end);
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < COUNT; j++) {
            spanwire_record record = {.size = sizeof record, .trace_id_low = (uint64_t)(100 + i), .span_id = (uint64_t)(1 + j),
                                      .start_ns = odd[i], .duration_ns = odd[j], .name = "odd record", .name_len = 10};
            OK(spanwire_span_submit(tracer, &record, 1));
        }
    }
}

static void numbers(void) {
    const struct { double value; const char *text; } cases[] = {
        {1e300, "1e300"}, {-1e-300, "-1e-300"}, {42.5, "42.5"}, {3, "3"}, {0.001, "0.001"}, {1e15, "1000000000000000"}};
    spanwire_span span = spanwire_span_start(tracer, 0, "numbers");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64] = "";
        size_t need = 0;
        OK(spanwire_span_set_metric(span, "n", cases[i].value));
        OK(spanwire_span_get_tag(span, "n", text, sizeof text, &need));
        check_that(!strcmp(text, cases[i].text), __FILE__, __LINE__, text, 0, 0);
        CHECK(strtod(text, NULL) == cases[i].value);
    }
    OK(spanwire_span_finish(span));
}

static spanwire_record record(uint64_t trace, uint64_t id, uint64_t parent, const char *name, const char *service) {
    static int64_t start = 1700000000000000000;
    return (spanwire_record){.size = sizeof(spanwire_record), .trace_id_low = trace, .span_id = id, .parent_id = parent,
                             .start_ns = start++, .duration_ns = 10, .name = name, .name_len = SPANWIRE_NUL,
                             .service = service, .service_len = SPANWIRE_NUL, .sampling_priority = SPANWIRE_PRIORITY_NONE};
}

static void submitted(void) {
    spanwire_record whole[] = {
        record(7, 3, 2, "query", "db"), /* children first, in the order in which they finish */
        record(7, 4, 3, "row", "db"),
        record(7, 2, 1, "own by name", "shop"),
        record(7, 1, 0, "root", NULL),
        record(8, 12, 11, "below a remote one", NULL),
        record(8, 11, 99, "of a remote parent", NULL),
    };
    OK(spanwire_span_submit(tracer, whole, sizeof whole / sizeof *whole));
}

static void continued(void) {
    spanwire_context context = {.size = sizeof context, .trace_id_low = 5, .span_id = 6, .sampling_priority = 1,
                                .decision_maker = -3, .flags = SPANWIRE_CONTEXT_HAS_PRIORITY};
    spanwire_span_options options = {.size = sizeof options, .name = "continued", .name_len = 9, .parent_context = &context};
    spanwire_span span = 0;
    OK(spanwire_span_start_with(tracer, &options, &span));
    OK(spanwire_span_finish(span));
}

int main(void) {
    tracer = tracer_new();
    times();
    numbers();
    submitted();
    continued();
    OK(spanwire_tracer_shutdown(tracer, 10000));
    check_closed_books(tracer);
    return verdict();
}
