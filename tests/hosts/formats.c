/* Sends the traces of a file, a payload of the format v0.4, once the worker knows what the agent takes, and spans whose links
 * and events have attributes of all types.
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
    for (uint64_t n = 0; n < typed; n++) typed_span(tracer, n);
    OK(spanwire_tracer_flush(tracer, 30000));
    OK(spanwire_tracer_shutdown(tracer, 30000));
    spanwire_stats after = check_closed_books(tracer);
    CHECK(after.spans_sent == spans + typed);
    return verdict();
}
