/* Sends the traces of a file, a payload of the format v0.4, once the worker knows what the agent takes, then spans whose links
 * and events have attributes of all types, and as many traces of five spans with the same texts.
 * Arguments: the file, its number of spans, how many of those spans; `blind`: does not wait for what the agent says of itself.
 * The log goes to the ring, in JSON and at level debug. */
#include "check.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define START INT64_C(1700000000000000000)

static uint64_t state = 20261129;

/* A random number below `below`; the same ones in every run. */
static uint64_t dice(uint64_t below) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}

/* The last text is longer than a value may be, and its limit is inside a character. */
static char long_text[26001], longest[30001];
static const char *const texts[] = {"plain", "J\xc3\xbcrgen", "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x9a\x80", "a \"quoted\" \\ text", "lines\n\tand \x01",
                                    "caf\xe9 \xff", "", "repeated", "repeated", long_text, longest};
static const int64_t integers[] = {0, 1, -1, INT64_MIN, INT64_MAX, INT64_C(1) << 53, -129, 65536};
static const double floats[] = {0.5, -1e300, 1e-9, 3, -0.25, 5e-324};

static spanwire_value value_of(uint32_t type) {
    spanwire_value value = {.type = type, .boolean = (int32_t)dice(2), .integer = integers[dice(COUNT(integers))], .text_len = SPANWIRE_NUL};
    value.floating = floats[dice(COUNT(floats))];
    value.text = texts[dice(COUNT(texts) - (dice(20) ? 2 : 0))];
    return value;
}

/* Every 50th span has as many attributes as a link may have, and arrays of as many values as one may have. */
static void typed_span(spanwire_tracer tracer, uint64_t n) {
    static spanwire_value values[SPANWIRE_ATTRIBUTES_MAX][SPANWIRE_VALUES_MAX];
    static spanwire_attribute attributes[SPANWIRE_ATTRIBUTES_MAX];
    static char keys[SPANWIRE_ATTRIBUTES_MAX][64];
    size_t large = n % 50 == 49, count = large ? SPANWIRE_ATTRIBUTES_MAX : (size_t)dice(6);
    for (size_t i = 0; i < count; i++) {
        uint32_t type = (uint32_t)dice(5), of = (uint32_t)dice(4);
        spanwire_value one = value_of(type);
        snprintf(keys[i], sizeof keys[i], "%s%zu", dice(2) ? "key " : "k\xc3\xa4y.", i);
        attributes[i] = (spanwire_attribute){.key = i == 4 ? long_text : keys[i], .key_len = SPANWIRE_NUL, .type = type, .boolean = one.boolean,
            .integer = one.integer, .floating = one.floating, .text = large ? texts[i % 10] : one.text, .text_len = SPANWIRE_NUL};
        if (type != SPANWIRE_VALUE_ARRAY) continue;
        attributes[i].values_count = i == 7 ? SPANWIRE_VALUES_MAX : (size_t)dice(5);
        for (size_t k = 0; k < attributes[i].values_count; k++) {
            values[i][k] = value_of(of);
            if (large) values[i][k].text = texts[k % 10];
        }
        attributes[i].values = values[i];
    }
    spanwire_context parent = {.size = sizeof parent, .trace_id_high = n & 1 ? UINT64_MAX - n : 0, .trace_id_low = n + 1, .span_id = n + 7,
                               .sampling_priority = 1, .flags = SPANWIRE_CONTEXT_HAS_PRIORITY};
    char resource[32];
    snprintf(resource, sizeof resource, "typed %d", (int)n);
    spanwire_span_options options = {.size = sizeof options, .parent_context = &parent, .name = "typed", .name_len = 5, .resource = resource,
                                     .resource_len = SPANWIRE_NUL, .start_ns = START + (int64_t)n};
    spanwire_span span;
    OK(spanwire_span_start_with(tracer, &options, &span));
    spanwire_span_link link = {.size = sizeof link, .trace_id_high = dice(2) ? UINT64_MAX : 0, .trace_id_low = UINT64_MAX - n, .span_id = n + 1,
                               .attributes = attributes, .attributes_count = count};
    spanwire_span_event event = {.size = sizeof event, .name = "typed", .name_len = 5, .time_ns = START, .attributes = attributes, .attributes_count = count};
    OK(spanwire_span_add_link(span, &link));
    OK(spanwire_span_add_event(span, &event));
    if (!large) OK(spanwire_span_set_attributes(span, attributes, count));
    OK(spanwire_span_finish_at(span, START + 1000));
}

/* A trace whose spans have the same texts as others before it. What its trace adds to them differs: an origin, a tag, both or
 * none. Each span has a number of its own. */
static uint64_t usual_trace(spanwire_tracer tracer, uint64_t n) {
    static const char *const kinds[] = {"server", "client", "strange"};
    char id[24];
    snprintf(id, sizeof id, "%d", (int)n + 100000);
    spanwire_header headers[4] = {{"x-datadog-trace-id", SPANWIRE_NUL, id, SPANWIRE_NUL}, {"x-datadog-parent-id", SPANWIRE_NUL, "77", SPANWIRE_NUL}};
    size_t count = 2;
    if (n % 4 & 1) headers[count++] = (spanwire_header){"x-datadog-origin", SPANWIRE_NUL, n % 8 < 4 ? "synthetics" : "rum", SPANWIRE_NUL};
    if (n % 4 & 2) headers[count++] = (spanwire_header){"x-datadog-tags", SPANWIRE_NUL, n % 8 < 4 ? "_dd.p.usr=one" : "_dd.p.usr=two,_dd.p.tid=640cfd8d00000000", SPANWIRE_NUL};
    spanwire_context_handle from;
    OK(spanwire_context_extract(tracer, headers, count, &from));
    spanwire_span spans[5];
    for (uint64_t i = 0; i < 5; i++) {
        const spanwire_tag tags[] = {{"component", SPANWIRE_NUL, "rack", SPANWIRE_NUL}, {"http.url", SPANWIRE_NUL, "https://example.com/users?page=2", SPANWIRE_NUL},
                                     {"span.kind", SPANWIRE_NUL, kinds[dice(3)], SPANWIRE_NUL}, {"env", SPANWIRE_NUL, "other", SPANWIRE_NUL}};
        const spanwire_metric metrics[] = {{"number", SPANWIRE_NUL, (double)(5 * n + i)}, {"rows", SPANWIRE_NUL, (double)dice(3)}};
        spanwire_span_options options = {.size = sizeof options, .parent = i ? spans[0] : 0, .context_handle = from, .name = "usual", .name_len = 5,
            .resource = dice(2) ? "GET /users" : "GET /items", .resource_len = 10, .service = dice(2) ? "db" : NULL, .service_len = SPANWIRE_NUL,
            .start_ns = START + (int64_t)i, .tags = tags, .tags_count = 2 + dice(3), .metrics = metrics, .metrics_count = 1 + dice(2)};
        OK(spanwire_span_start_with(tracer, &options, &spans[i]));
        if (!dice(3)) OK(spanwire_span_set_error(spans[i], "Timeout", dice(2) ? "no answer" : NULL, NULL));
        if (!dice(8)) OK(spanwire_span_set_meta_struct(spans[i], "blob", "\x80", 1));
    }
    for (int i = 4; i >= 0; i--) OK(spanwire_span_finish_at(spans[i], START + 1000 + i));
    OK(spanwire_context_free(from));
    return 5;
}

int main(int argc, char **argv) {
    static char payload[1 << 23];
    FILE *file = fopen(argv[1], "rb");
    if (!file) return 2;
    size_t length = fread(payload, 1, sizeof payload, file);
    fclose(file);
    memset(long_text, 'l', sizeof long_text - 1);
    for (size_t i = 0; i < sizeof longest - 1; i += 3) memcpy(longest + i, "\xe6\x97\xa5", 3);
    uint64_t spans = (uint64_t)number(argc, argv, 2, 0), typed = (uint64_t)number(argc, argv, 3, 0);
    spanwire_tracer tracer = tracer_new();
    OK(spanwire_tracer_start(tracer));
    if (argc < 5) wait_for_info();
    OK(spanwire_trace_submit_v04(tracer, payload, length));
    for (uint64_t n = 0; n < typed; n++) {
        typed_span(tracer, n);
        spans += usual_trace(tracer, n);
    }
    OK(spanwire_tracer_flush(tracer, 30000));
    OK(spanwire_tracer_shutdown(tracer, 30000));
    spanwire_stats after = check_closed_books(tracer);
    CHECK(after.spans_sent == spans + typed);
    return verdict();
}
