/* Contexts that came in and baggage: what each call answers, contexts that are never freed, forks, hostile headers.
 *
 *   contexts api | origin | unfreed | fork | malformed | long BYTES */
#include "check.h"
#include <sys/wait.h>
#include <unistd.h>

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static spanwire_header header(const char *name, const char *value) {
    return (spanwire_header){name, SPANWIRE_NUL, value, SPANWIRE_NUL};
}

static spanwire_context_handle extract(spanwire_tracer tracer, const spanwire_header *headers, size_t count) {
    spanwire_context_handle context = 0;
    OK(spanwire_context_extract(tracer, headers, count, &context));
    return context;
}

static spanwire_span start(spanwire_tracer tracer, spanwire_context_handle context) {
    spanwire_span_options options = {.size = sizeof options};
    spanwire_span span = 0;
    options.name = "work";
    options.name_len = SPANWIRE_NUL;
    options.context_handle = context;
    OK(spanwire_span_start_with(tracer, &options, &span));
    return span;
}

static void count(const spanwire_header *header, void *number) {
    (void)header;
    ++*(int *)number;
}

static void count_items(const spanwire_tag *item, void *number) {
    (void)item;
    ++*(int *)number;
}

static void api(spanwire_tracer tracer) {
    spanwire_header headers[] = {header("Traceparent", PARENT), header("HTTP_BAGGAGE", "a=1,b=2"), header(NULL, "x")};
    spanwire_context_handle none = 7, context = extract(tracer, headers, 3);
    CHECK(context && context < UINT64_C(1) << 53);
    spanwire_context ids = {.size = sizeof ids};
    OK(spanwire_context_get(context, &ids));
    CHECK(ids.trace_id_low == UINT64_C(0xa3ce929d0e0e4736) && ids.span_id == UINT64_C(0xf067aa0ba902b7));
    OK(spanwire_context_extract(tracer, NULL, 0, &none));
    CHECK(none == 0);
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_context_extract(tracer, NULL, 1, &none));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_context_extract(tracer, headers, 1, NULL));
    STATUS(SPANWIRE_E_HANDLE, spanwire_context_extract(context, headers, 1, &none));
    headers[2] = (spanwire_header){"x", 1, "y", SIZE_MAX - 1};
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_context_extract(tracer, headers, 3, &none));

    /* 0 does nothing, and no other number is taken for a context. */
    char text[512];
    size_t need = 0;
    int injected = 0;
    OK(spanwire_context_free(0));
    OK(spanwire_context_set_baggage(0, "k", "v"));
    OK(spanwire_context_inject(0, count, &injected));
    STATUS(SPANWIRE_E_NOT_FOUND, spanwire_context_get(0, &ids));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_context_inject(context, NULL, NULL));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_context_inject_text(context, NULL, 0, NULL));
    spanwire_span span = start(tracer, context);
    uint64_t numbers[] = {tracer, span, context + 1, context ^ UINT64_C(1) << 30, UINT64_MAX, 1};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        STATUS(SPANWIRE_E_HANDLE, spanwire_context_free(numbers[i]));
        STATUS(SPANWIRE_E_HANDLE, spanwire_context_get(numbers[i], &ids));
        STATUS(SPANWIRE_E_HANDLE, spanwire_context_inject(numbers[i], count, &injected));
        STATUS(SPANWIRE_E_HANDLE, spanwire_context_set_baggage(numbers[i], "k", "v"));
        STATUS(SPANWIRE_E_HANDLE, spanwire_context_get_baggage(numbers[i], "k", text, sizeof text, &need));
    }
    CHECK(injected == 0);

    /* Baggage of the context, of the span that it began, and of children. */
    OK(spanwire_context_get_baggage(context, "b", text, sizeof text, &need));
    CHECK(!strcmp(text, "2") && need == 2);
    OK(spanwire_context_set_baggage(context, "c", "3"));
    OK(spanwire_context_remove_baggage(context, "a"));
    STATUS(SPANWIRE_E_NOT_FOUND, spanwire_context_remove_baggage(context, "a"));
    STATUS(SPANWIRE_E_NOT_FOUND, spanwire_context_get_origin(context, text, sizeof text, &need));
    STATUS(SPANWIRE_E_NOT_FOUND, spanwire_span_get_origin(span, text, sizeof text, &need));
    int items = 0;
    OK(spanwire_context_each_baggage(context, count_items, &items));
    CHECK(items == 2);
    OK(spanwire_span_get_baggage(span, "a", text, sizeof text, &need));
    STATUS(SPANWIRE_E_NOT_FOUND, spanwire_span_get_baggage(span, "c", text, sizeof text, &need));
    spanwire_span early = spanwire_span_start(tracer, span, "early");
    OK(spanwire_span_set_baggage(span, "d", "x, \xc3\xa9"));
    spanwire_span late = spanwire_span_start(tracer, span, "late");
    STATUS(SPANWIRE_E_NOT_FOUND, spanwire_span_get_baggage(early, "d", text, sizeof text, &need));
    OK(spanwire_span_get_baggage(late, "d", text, sizeof text, &need));
    CHECK(!strcmp(text, "x, \xc3\xa9"));
    STATUS(SPANWIRE_E_LIMIT, spanwire_span_get_baggage(late, "d", text, 3, &need));
    CHECK(text[0] == 0 && need == 6);
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_baggage(span, "", "x"));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_baggage(span, NULL, "x"));
    spanwire_status last = SPANWIRE_OK;
    for (int i = 0; i < 2000 && last == SPANWIRE_OK; i++) {
        snprintf(text, sizeof text, "key%d", i);
        last = spanwire_span_set_baggage(late, text, "0123456789012345678901234567890123456789");
    }
    CHECK(last == SPANWIRE_E_LIMIT);

    /* A program that was built before contexts had handles gives options that end there. */
    spanwire_span_options options = {.size = offsetof(spanwire_span_options, context_handle)};
    options.name = "older";
    options.name_len = SPANWIRE_NUL;
    options.context_handle = 12345;
    spanwire_span older = 0;
    OK(spanwire_span_start_with(tracer, &options, &older));
    CHECK(older && stats_of(tracer).parents_unknown == 0);

    /* A context that is freed is an unknown parent: the span is not lost. */
    OK(spanwire_context_free(context));
    STATUS(SPANWIRE_E_HANDLE, spanwire_context_free(context));
    spanwire_span orphan = start(tracer, context);
    CHECK(orphan && stats_of(tracer).parents_unknown == 1);
    OK(spanwire_span_context(orphan, &ids));
    CHECK(ids.trace_id_low != UINT64_C(0xa3ce929d0e0e4736));
    spanwire_span spans[] = {late, early, span, older, orphan};
    for (size_t i = 0; i < 5; i++) OK(spanwire_span_finish(spans[i]));
    STATUS(SPANWIRE_E_HANDLE, spanwire_span_inject(late, count, &injected));
    STATUS(SPANWIRE_E_HANDLE, spanwire_span_set_baggage(late, "k", "v"));
}

/* The origin that came with headers of either style, of the context and of spans that continue it. */
static void origin(spanwire_tracer tracer) {
    spanwire_header datadog[] = {header("x-datadog-trace-id", "1"), header("x-datadog-parent-id", "2"),
                                 header("x-datadog-origin", "synthetics")};
    spanwire_header w3c[] = {header("traceparent", PARENT), header("tracestate", "dd=s:1;o:synthetics")};
    struct { const spanwire_header *headers; size_t count; } came[] = {{datadog, 3}, {w3c, 2}};
    char text[64];
    size_t need;
    for (int i = 0; i < 2; i++) {
        spanwire_context_handle context = extract(tracer, came[i].headers, came[i].count);
        OK(spanwire_context_get_origin(context, text, sizeof text, &need));
        CHECK(!strcmp(text, "synthetics") && need == sizeof "synthetics");
        need = 0;
        OK(spanwire_context_get_origin(context, NULL, 0, &need));
        CHECK(need == sizeof "synthetics");
        STATUS(SPANWIRE_E_LIMIT, spanwire_context_get_origin(context, text, need - 1, &need));
        CHECK(text[0] == 0 && need == sizeof "synthetics");
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_context_get_origin(context, NULL, 0, NULL));
        spanwire_span span = start(tracer, context), child = spanwire_span_start(tracer, span, "child");
        OK(spanwire_context_free(context));
        STATUS(SPANWIRE_E_HANDLE, spanwire_context_get_origin(context, text, sizeof text, &need));
        OK(spanwire_span_get_origin(child, text, sizeof text, &need));
        CHECK(!strcmp(text, "synthetics"));
        OK(spanwire_span_finish(child));
        STATUS(SPANWIRE_E_HANDLE, spanwire_span_get_origin(child, text, sizeof text, &need));
        STATUS(SPANWIRE_E_HANDLE, spanwire_context_get_origin(span, text, sizeof text, &need));
        STATUS(SPANWIRE_E_HANDLE, spanwire_span_get_origin(tracer, text, sizeof text, &need));
        OK(spanwire_span_finish(span));
    }
    STATUS(SPANWIRE_E_NOT_FOUND, spanwire_context_get_origin(0, text, sizeof text, &need));
    STATUS(SPANWIRE_E_NOT_FOUND, spanwire_span_get_origin(0, text, sizeof text, &need));
}

/* A host that frees no context: the last ones are kept, memory is bounded, and spans start. */
static void unfreed(spanwire_tracer tracer) {
    enum { ALL = 20000, USED = 100 };
    static spanwire_context_handle contexts[ALL];
    char baggage[8200] = "user.id=";
    memset(baggage + 8, 'x', 8000);
    spanwire_header headers[] = {header("traceparent", PARENT), header("baggage", "a=1")};
    uint64_t highest = 0;
    spanwire_context ids = {.size = sizeof ids};
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < ALL; i++) {
            contexts[i] = extract(tracer, headers, 2);
            if (!contexts[i]) return;
            uint64_t used = i % 64 ? 0 : stats_of(tracer).memory_used;
            if (used > highest) highest = used;
        }
        for (int i = ALL - USED; i < ALL; i++) OK(spanwire_context_get(contexts[i], &ids));
        for (int i = 0; i < USED; i++) STATUS(SPANWIRE_E_HANDLE, spanwire_context_get(contexts[i], &ids));
        headers[1] = header("baggage", baggage);
    }
    printf("highest %" PRIu64 "\n", highest);
    CHECK(highest < 24 << 20);
    for (int i = 0; i < 1000; i++) OK(spanwire_span_finish(start(tracer, contexts[ALL - 1 - i % USED])));
    CHECK(stats_of(tracer).parents_unknown == 0);

    /* Baggage that a host adds counts, too. Spans that wait for the Agent have memory of their own. */
    const uint64_t before = stats_of(tracer).memory_used;
    highest = 0;
    for (int i = 0; i < ALL / 4; i++) {
        contexts[i] = extract(tracer, headers, 1);
        char key[] = "k0";
        for (; key[1] < '3'; key[1]++) OK(spanwire_context_set_baggage(contexts[i], key, baggage));
        uint64_t used = i % 64 ? 0 : stats_of(tracer).memory_used;
        if (used > highest) highest = used;
    }
    printf("highest with baggage of the host %" PRIu64 ", before %" PRIu64 "\n", highest, before);
    CHECK(highest < before + (16 << 20));
    for (int i = ALL / 4 - USED; i < ALL / 4; i++) OK(spanwire_context_get(contexts[i], &ids));
    CHECK(stats_of(tracer).parents_unknown == 0);
}

static void in_child(spanwire_tracer tracer, spanwire_context_handle context, spanwire_span span, const char *wanted) {
    char text[2048] = "";
    size_t need;
    spanwire_context ids = {.size = sizeof ids};
    OK(spanwire_context_get(context, &ids));
    CHECK(ids.span_id == UINT64_C(0xf067aa0ba902b7));
    OK(spanwire_context_inject_text(context, text, sizeof text, &need));
    CHECK(!strcmp(text, wanted));
    OK(spanwire_span_get_baggage(span, "own", text, sizeof text, &need));
    CHECK(!strcmp(text, "item"));
    OK(spanwire_context_get_origin(context, text, sizeof text, &need));
    CHECK(!strcmp(text, "rum"));
    OK(spanwire_span_get_origin(span, text, sizeof text, &need));
    CHECK(!strcmp(text, "rum"));
    STATUS(SPANWIRE_E_FORKED, spanwire_context_set_baggage(context, "k", "v"));
    STATUS(SPANWIRE_E_FORKED, spanwire_span_set_baggage(span, "k", "v"));
    spanwire_span continued = start(tracer, context), below = spanwire_span_start(tracer, span, "below");
    spanwire_span both[] = {continued, below};
    for (int i = 0; i < 2; i++) {
        OK(spanwire_span_inject_text(both[i], text, sizeof text, &need));
        CHECK(strstr(text, "x-datadog-origin: rum\n") && strstr(text, ",foo=1\n") && strstr(text, "_dd.p.x=7"));
        OK(spanwire_span_get_baggage(both[i], "a", text, sizeof text, &need));
        OK(spanwire_span_finish(both[i]));
    }
    OK(spanwire_context_free(context));
    OK(spanwire_context_free(extract(tracer, (spanwire_header[]){header("traceparent", PARENT)}, 1)));
    OK(spanwire_tracer_shutdown(tracer, 20000));
    exit(verdict());
}

static void forked(spanwire_tracer tracer) {
    spanwire_header headers[] = {header("traceparent", PARENT), header("tracestate", "dd=s:2;o:rum;t.x:7,foo=1"),
                                 header("baggage", "a=1")};
    spanwire_context_handle context = extract(tracer, headers, 3);
    spanwire_span span = start(tracer, context);
    OK(spanwire_span_set_baggage(span, "own", "item"));
    char text[2048];
    size_t need;
    OK(spanwire_context_inject_text(context, text, sizeof text, &need));
    pid_t child = fork();
    if (child == 0) in_child(tracer, context, span, text);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    OK(spanwire_context_get(context, &(spanwire_context){.size = sizeof(spanwire_context)}));
    OK(spanwire_span_finish(span));
}

static uint64_t seed = 88172645463325252u;

static uint64_t chance(uint64_t below) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static void check_header(const spanwire_header *header, void *unused) {
    (void)unused;
    CHECK(header->value_len < 16384 && strlen(header->value) == header->value_len);
    for (size_t i = 0; i < header->value_len; i++)
        CHECK((unsigned char)header->value[i] >= ' ' && (unsigned char)header->value[i] < 127);
}

/* Good headers with a few bytes changed, removed or repeated: 10,000 for each style. */
static void malformed(spanwire_tracer tracer) {
    static const char *const good[5][6][2] = {
        {{"x-datadog-trace-id", "11803532876627986230"}, {"x-datadog-parent-id", "67667974448284343"},
         {"x-datadog-sampling-priority", "-1"}, {"x-datadog-origin", "synthetics"},
         {"x-datadog-tags", "_dd.p.tid=4bf92f3577b34da6,_dd.p.dm=-4,_dd.p.usr=YWI="}},
        {{"traceparent", PARENT}, {"tracestate", "foo=1,dd=s:2;o:rum;p:0123456789abcdef;t.dm:-4;t.u:b~~;x:y,ot=rv:1"}},
        {{"b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-d-05e3ac9a4f6e3b90"}},
        {{"x-b3-traceid", "4bf92f3577b34da6a3ce929d0e0e4736"}, {"x-b3-spanid", "00f067aa0ba902b7"},
         {"x-b3-sampled", "1"}, {"x-b3-flags", "1"}},
        {{"baggage", "user.id=Am%C3%A9lie,k=v;p=1,%41=%zz,last=1"}}};
    static const char odd[] = "\0\n\r\t ,;=~%-:\"\\\x7f\x80\xff" "0fFgG";
    uint64_t before = 0;
    for (int style = 0; style < 5; style++) {
        for (int round = 0; round < 10000; round++) {
            static char values[6][1024];
            spanwire_header headers[6];
            size_t headers_count = 0;
            for (; headers_count < 6 && good[style][headers_count][0]; headers_count++) {
                char *value = values[headers_count];
                size_t length = strlen(good[style][headers_count][1]);
                memcpy(value, good[style][headers_count][1], length);
                for (uint64_t changes = chance(4); changes && length; changes--) {
                    size_t at = chance(length);
                    uint64_t kind = chance(4);
                    if (kind == 0) value[at] = odd[chance(sizeof odd - 1)];
                    if (kind == 1) length = at;
                    if (kind == 2 && length * 2 < 1024) memcpy(value + length, value, length), length *= 2;
                    if (kind == 3) value[at] = (char)chance(256);
                }
                headers[headers_count] =
                    (spanwire_header){good[style][headers_count][0], SPANWIRE_NUL, value, length};
            }
            spanwire_context_handle context = extract(tracer, headers, headers_count);
            OK(spanwire_context_inject(context, check_header, NULL));
            spanwire_span span = start(tracer, context);
            OK(spanwire_span_inject(span, check_header, NULL));
            OK(spanwire_span_discard(span));
            OK(spanwire_context_free(context));
        }
        uint64_t used = stats_of(tracer).memory_used;
        if (style == 0) before = used;
        CHECK(used <= before + 65536);
    }
}

/* Each header of so many bytes, in forms that invite long searches. */
static void long_headers(spanwire_tracer tracer, size_t bytes) {
    static const char *const names[] = {"x-datadog-trace-id", "x-datadog-tags", "traceparent", "tracestate", "b3",
                                        "x-b3-traceid", "baggage", "x-datadog-origin", "x-other"};
    static const char *const fills[] = {"1", ",", "a=1,", "dd=", ";", "%", " ", "dd=t.a:b;,", "a=%41;", "-"};
    char *text = malloc(bytes + 16);
    if (!text) exit(1);
    for (size_t fill = 0; fill < sizeof fills / sizeof *fills; fill++) {
        size_t unit = strlen(fills[fill]);
        for (size_t at = 0; at < bytes; at++) text[at] = fills[fill][at % unit];
        spanwire_header headers[11];
        size_t headers_count = 0;
        for (; headers_count < 9; headers_count++)
            headers[headers_count] = (spanwire_header){names[headers_count], SPANWIRE_NUL, text, bytes};
        spanwire_context_handle context = extract(tracer, headers, headers_count);
        CHECK(!context || spanwire_context_free(context) == SPANWIRE_OK);
        headers[2] = header("traceparent", PARENT);
        context = extract(tracer, headers, headers_count);
        CHECK(context);
        OK(spanwire_context_inject(context, check_header, NULL));
        OK(spanwire_context_free(context));
    }
    spanwire_header *many = calloc(bytes / 64 + 1, sizeof *many);
    for (size_t i = 0; many && i < bytes / 64; i++) many[i] = header(i % 2 ? "baggage" : "tracestate", "a=1,b=2");
    OK(spanwire_context_free(extract(tracer, many, bytes / 64)));
    free(many);
    free(text);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    spanwire_tracer tracer = tracer_new();
    if (!strcmp(what, "api")) api(tracer);
    if (!strcmp(what, "origin")) origin(tracer);
    if (!strcmp(what, "unfreed")) unfreed(tracer);
    if (!strcmp(what, "fork")) forked(tracer);
    if (!strcmp(what, "malformed")) malformed(tracer);
    if (!strcmp(what, "long")) long_headers(tracer, (size_t)number(argc, argv, 2, 0));
    OK(spanwire_tracer_shutdown(tracer, 20000));
    check_closed_books(tracer);
    return verdict();
}
