/* Fields for the application's log: what each call answers, and that the ids in them are those of debug lines.
 *
 *   log_correlation api | off | narrow | fork | lines */
#include "check.h"
#include <sys/wait.h>
#include <unistd.h>

static char text[4096];
static size_t need;

static const char *fields(spanwire_tracer tracer, spanwire_span span, uint32_t form) {
    OK(spanwire_log_correlation(tracer, span, form, text, sizeof text, &need));
    CHECK(need == strlen(text) + 1);
    return text;
}

static void same(const char *wanted, const char *got) {
    if (strcmp(wanted, got)) fprintf(stderr, "%s instead of %s\n", got, wanted);
    CHECK(!strcmp(wanted, got));
}

static const char *id(spanwire_span span, int32_t kind) {
    static char ids[3][40];
    OK(spanwire_span_id_text(span, kind, ids[kind], sizeof ids[kind], NULL));
    return ids[kind];
}

/* The fields with ids of a span, before the others. */
static const char *with_ids(spanwire_span span, int32_t trace, const char *rest) {
    static char line[512];
    snprintf(line, sizeof line, "dd.trace_id=%s dd.span_id=%s %s", id(span, trace), id(span, SPANWIRE_ID_SPAN), rest);
    return line;
}

#define REST "dd.service=the_shop dd.env=prod dd.version=1.2"

static void api(spanwire_tracer tracer) {
    spanwire_span span = spanwire_span_start(tracer, 0, "work");
    same(with_ids(span, SPANWIRE_ID_TRACE_HEX, REST), fields(tracer, span, SPANWIRE_LOG_FIELDS_TEXT));
    /* The tracer of the span is enough. */
    same(with_ids(span, SPANWIRE_ID_TRACE_HEX, REST), fields(0, span, SPANWIRE_LOG_FIELDS_TEXT));
    char json[512];
    snprintf(json, sizeof json,
             "\"dd.trace_id\": \"%s\", \"dd.span_id\": \"%s\", \"dd.service\": \"the shop\", \"dd.env\": \"prod\", "
             "\"dd.version\": \"1.2\"",
             id(span, SPANWIRE_ID_TRACE_HEX), id(span, SPANWIRE_ID_SPAN));
    same(json, fields(tracer, span, SPANWIRE_LOG_FIELDS_JSON));
    /* Without a span, without ids; without anything, nothing. */
    same(REST, fields(tracer, 0, SPANWIRE_LOG_FIELDS_TEXT));
    same("", fields(0, 0, SPANWIRE_LOG_FIELDS_TEXT));

    /* A child of it has the same trace. */
    spanwire_span child = spanwire_span_start(tracer, span, "child");
    same(with_ids(child, SPANWIRE_ID_TRACE_HEX, REST), fields(tracer, child, SPANWIRE_LOG_FIELDS_TEXT));
    OK(spanwire_span_finish(child));

    /* The decision of the trace is not made by a line of a log. */
    OK(spanwire_span_set_service(span, "other"));
    same(with_ids(span, SPANWIRE_ID_TRACE_HEX, REST), fields(tracer, span, SPANWIRE_LOG_FIELDS_TEXT));

    /* Sizes. */
    size_t whole = strlen(with_ids(span, SPANWIRE_ID_TRACE_HEX, REST)) + 1;
    OK(spanwire_log_correlation(tracer, span, SPANWIRE_LOG_FIELDS_TEXT, NULL, 0, &need));
    CHECK(need == whole);
    OK(spanwire_log_correlation(tracer, span, SPANWIRE_LOG_FIELDS_TEXT, text, whole, NULL));
    for (size_t size = 1; size < whole; size += 7) {
        memset(text, 'x', sizeof text);
        STATUS(SPANWIRE_E_LIMIT, spanwire_log_correlation(tracer, span, SPANWIRE_LOG_FIELDS_TEXT, text, size, &need));
        CHECK(need == whole && text[0] == '\0' && text[size] == 'x');
    }
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_correlation(tracer, span, SPANWIRE_LOG_FIELDS_TEXT, NULL, 0, NULL));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_correlation(tracer, span, 2, text, sizeof text, &need));
    STATUS(SPANWIRE_E_HANDLE, spanwire_log_correlation(span, span, SPANWIRE_LOG_FIELDS_TEXT, text, sizeof text, &need));

    /* A line after the end of its span keeps the other fields. */
    OK(spanwire_span_finish(span));
    spanwire_span wrong[] = {span, child, 12345, UINT64_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memset(text, 'x', sizeof text);
        STATUS(SPANWIRE_E_HANDLE,
               spanwire_log_correlation(tracer, wrong[i], SPANWIRE_LOG_FIELDS_TEXT, text, sizeof text, &need));
        same(REST, text);
        STATUS(SPANWIRE_E_HANDLE, spanwire_log_correlation(0, wrong[i], SPANWIRE_LOG_FIELDS_TEXT, text, sizeof text, &need));
        same("", text);
    }
}

static void off(spanwire_tracer tracer) {
    spanwire_span span = spanwire_span_start(tracer, 0, "work");
    same("", fields(tracer, span, SPANWIRE_LOG_FIELDS_TEXT));
    same("", fields(tracer, 0, SPANWIRE_LOG_FIELDS_JSON));
    OK(spanwire_span_finish(span));
    STATUS(SPANWIRE_E_HANDLE, spanwire_log_correlation(tracer, span, SPANWIRE_LOG_FIELDS_TEXT, text, sizeof text, &need));
    same("", text);
}

/* Ids of 64 bits, or the low half of 128. */
static void narrow(spanwire_tracer tracer) {
    spanwire_span span = spanwire_span_start(tracer, 0, "work");
    char decimal[32];
    snprintf(decimal, sizeof decimal, "%" PRIu64, (uint64_t)strtoull(id(span, SPANWIRE_ID_TRACE_HEX) + 16, NULL, 16));
    char line[512];
    snprintf(line, sizeof line, "dd.trace_id=%s dd.span_id=%s " REST, decimal, id(span, SPANWIRE_ID_SPAN));
    same(line, fields(tracer, span, SPANWIRE_LOG_FIELDS_TEXT));
    OK(spanwire_span_finish(span));
}

/* A forked child logs with the ids of its parent's span. */
static void in_child(spanwire_tracer tracer) {
    spanwire_span span = spanwire_span_start(tracer, 0, "work");
    char wanted[512];
    snprintf(wanted, sizeof wanted, "%s", with_ids(span, SPANWIRE_ID_TRACE_HEX, REST));
    pid_t child = fork();
    if (child == 0) {
        same(wanted, fields(tracer, span, SPANWIRE_LOG_FIELDS_TEXT));
        same(wanted, fields(0, span, SPANWIRE_LOG_FIELDS_TEXT));
        _exit(verdict());
    }
    int status = 1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    OK(spanwire_span_finish(span));
}

/* Prints the fields for a test that looks for the ids in the lines of debug mode. */
static void lines(spanwire_tracer tracer) {
    spanwire_span span = spanwire_span_start(tracer, 0, "work");
    printf("fields {%s}\n", fields(tracer, span, SPANWIRE_LOG_FIELDS_JSON));
    OK(spanwire_span_finish(span));
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    spanwire_tracer tracer = tracer_new();
    if (!strcmp(mode, "api")) api(tracer);
    else if (!strcmp(mode, "off")) off(tracer);
    else if (!strcmp(mode, "narrow")) narrow(tracer);
    else if (!strcmp(mode, "fork")) in_child(tracer);
    else if (!strcmp(mode, "lines")) lines(tracer);
    else return 2;
    OK(spanwire_tracer_shutdown(tracer, 5000));
    check_closed_books(tracer);
    return verdict();
}
