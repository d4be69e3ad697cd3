/* Spans with links, events, typed attributes and structured values, twice: at once, and when the worker knows what the
 * agent takes. The log goes to the ring, in JSON and at level debug. */
#include "check.h"

static spanwire_tracer tracer;

#define TEXT(k, t) {.key = k, .key_len = SPANWIRE_NUL, .type = SPANWIRE_VALUE_TEXT, .text = t, .text_len = SPANWIRE_NUL}
#define BOOLEAN(k, b) {.key = k, .key_len = SPANWIRE_NUL, .type = SPANWIRE_VALUE_BOOLEAN, .boolean = b}
#define INTEGER(k, i) {.key = k, .key_len = SPANWIRE_NUL, .type = SPANWIRE_VALUE_INTEGER, .integer = i}
#define FLOATING(k, f) {.key = k, .key_len = SPANWIRE_NUL, .type = SPANWIRE_VALUE_FLOATING, .floating = f}
#define ARRAY(k, v) {.key = k, .key_len = SPANWIRE_NUL, .type = SPANWIRE_VALUE_ARRAY, .values = v, .values_count = COUNT(v)}
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const spanwire_value texts[] = {{.type = SPANWIRE_VALUE_TEXT, .text = "one", .text_len = 3},
                                       {.type = SPANWIRE_VALUE_TEXT, .text = "t\xc3\xbc" "3", .text_len = SPANWIRE_NUL}};
static const spanwire_value booleans[] = {{.type = SPANWIRE_VALUE_BOOLEAN, .boolean = -1}, {.type = SPANWIRE_VALUE_BOOLEAN}};
static const spanwire_value integers[] = {{.type = SPANWIRE_VALUE_INTEGER, .integer = INT64_MIN},
                                          {.type = SPANWIRE_VALUE_INTEGER, .integer = INT64_MAX}};
static const spanwire_value floats[] = {{.type = SPANWIRE_VALUE_FLOATING, .floating = 0.5}, {.type = SPANWIRE_VALUE_FLOATING, .floating = -1e300}};
static const spanwire_value numbers[] = {{.type = SPANWIRE_VALUE_INTEGER, .integer = -3}, {.type = SPANWIRE_VALUE_FLOATING, .floating = 0.5}};
static const spanwire_value mixed[] = {{.type = SPANWIRE_VALUE_INTEGER, .integer = 1}, {.type = SPANWIRE_VALUE_BOOLEAN}};

static const spanwire_attribute attributes[] = {
    TEXT("text", "a \"quoted\" text\n"), TEXT("empty", NULL), BOOLEAN("yes", 7), BOOLEAN("no", 0), INTEGER("small", -7),
    INTEGER("large", INT64_MAX), INTEGER("exact", INT64_C(1) << 53), FLOATING("half", 0.5), ARRAY("texts", texts),
    ARRAY("booleans", booleans), ARRAY("integers", integers), ARRAY("floats", floats),
    ARRAY("numbers", numbers), {.key = "none", .key_len = 4, .type = SPANWIRE_VALUE_ARRAY}, TEXT("text", "the last one counts")};

static void describe(spanwire_span span) {
    OK(spanwire_span_set_attributes(span, attributes, COUNT(attributes)));
    spanwire_span_link link = {.size = sizeof link, .trace_id_high = 0x640cfd8d00000000, .trace_id_low = UINT64_MAX, .span_id = 0xabc};
    OK(spanwire_span_add_link(span, &link));
    link.attributes = attributes, link.attributes_count = COUNT(attributes);
    link.tracestate = "dd=s:1,other=\"2\"", link.tracestate_len = SPANWIRE_NUL;
    link.flags = SPANWIRE_LINK_HAS_FLAGS | 1;
    OK(spanwire_span_add_link(span, &link));
    spanwire_span_event event = {.size = sizeof event, .name = "it happened", .name_len = SPANWIRE_NUL, .time_ns = INT64_C(1700000000123456789)};
    OK(spanwire_span_add_event(span, &event));
    event.name = "caf\xe9";
    event.attributes = attributes, event.attributes_count = COUNT(attributes);
    OK(spanwire_span_add_event(span, &event));
    event.time_ns = -1, event.attributes_count = 0, event.name = "now";
    OK(spanwire_span_add_event(span, &event));
    const char map[] = "\x82\xa4user\xa3""bob\xa5items\x92\x01\xcb\x3f\xe0\0\0\0\0\0\0";
    OK(spanwire_span_set_meta_struct(span, "appsec", map, sizeof map - 1));
    OK(spanwire_span_set_error(span, "Timeout", "no answer", "at f()\nat g()"));
}

/* What is refused costs nothing else: neither the span nor what it has. */
static void refused(void) {
    spanwire_span span = spanwire_span_start(tracer, 0, "refused");
    uint64_t before = stats_of(tracer).tags_dropped;
    spanwire_attribute bad[] = {FLOATING("not finite", 0), ARRAY("mixed", mixed), INTEGER("good", 1), {.key = "type", .key_len = 4, .type = 99},
                                TEXT(NULL, "no key"), TEXT("", "no key")};
    bad[0].floating = 1 / bad[0].floating;
    spanwire_span_event event = {.size = sizeof event, .name = "with attributes", .name_len = SPANWIRE_NUL, .attributes = bad, .attributes_count = COUNT(bad)};
    spanwire_span_link link = {.size = sizeof link, .trace_id_low = 1, .span_id = 1, .attributes = bad, .attributes_count = COUNT(bad)};
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_add_event(span, &event));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_add_link(span, &link));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_attributes(span, bad, COUNT(bad)));
    CHECK(stats_of(tracer).tags_dropped == before + 15);
    link.attributes_count = event.attributes_count = 0;
    link.span_id = 0;
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_add_link(span, &link));
    link.span_id = 1, link.trace_id_low = 0;
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_add_link(span, &link));
    link.trace_id_low = 1, link.size = 4;
    STATUS(SPANWIRE_E_VERSION, spanwire_span_add_link(span, &link));
    event.name = "";
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_add_event(span, &event));
    event.name = "again", event.attributes_count = SIZE_MAX;
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_add_event(span, &event));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_meta_struct(span, "text", "text", 4));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_meta_struct(span, "array", "\x90", 1));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_meta_struct(span, "cut", "\x81\xa1k", 3));
    CHECK(stats_of(tracer).tags_dropped == before + 23);
    OK(spanwire_span_finish(span));
}

/* As many as the limits allow: the others are refused, counted, and cost nothing else. */
static void limits(void) {
    spanwire_span span = spanwire_span_start(tracer, 0, "limits");
    uint64_t before = stats_of(tracer).tags_dropped;
    spanwire_span_link link = {.size = sizeof link, .trace_id_low = 1, .span_id = 1};
    spanwire_span_event event = {.size = sizeof event, .name = "e", .name_len = 1};
    for (int i = 0; i < SPANWIRE_SPAN_LINKS_MAX; i++) OK(spanwire_span_add_link(span, &link));
    STATUS(SPANWIRE_E_LIMIT, spanwire_span_add_link(span, &link));
    for (int i = 1; i < SPANWIRE_SPAN_EVENTS_MAX; i++) OK(spanwire_span_add_event(span, &event));
    spanwire_attribute many[SPANWIRE_ATTRIBUTES_MAX + 2];
    char keys[COUNT(many)][8];
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = (spanwire_attribute)INTEGER(keys[i], (int64_t)i), snprintf(keys[i], sizeof keys[i], "k%zu", i);
    event.attributes = many, event.attributes_count = COUNT(many);
    STATUS(SPANWIRE_E_LIMIT, spanwire_span_add_event(span, &event));
    STATUS(SPANWIRE_E_LIMIT, spanwire_span_add_event(span, &event));
    spanwire_value values[SPANWIRE_VALUES_MAX + 1] = {{.type = SPANWIRE_VALUE_BOOLEAN}};
    for (size_t i = 0; i < COUNT(values); i++) values[i].type = SPANWIRE_VALUE_BOOLEAN;
    spanwire_attribute array = ARRAY("array", values);
    STATUS(SPANWIRE_E_LIMIT, spanwire_span_set_attributes(span, &array, 1));
    CHECK(stats_of(tracer).tags_dropped == before + 1 + 2 + 1 + 1);
    OK(spanwire_span_finish(span));
}

/* A span that the host has recorded itself. */
static void submitted(void) {
    spanwire_span_link links[] = {{.size = sizeof *links, .trace_id_low = 7, .span_id = 8, .attributes = attributes, .attributes_count = 1},
                                  {.trace_id_low = 7, .span_id = 9}, {.trace_id_low = 7}};
    spanwire_span_event events[] = {{.size = sizeof *events, .name = "one", .name_len = 3, .time_ns = 5, .attributes = attributes, .attributes_count = 1},
                                    {.name = ""}, {.name = "two", .name_len = SPANWIRE_NUL, .time_ns = 6}};
    spanwire_record record = {.size = sizeof record, .trace_id_low = 77, .span_id = 78, .name = "submitted", .name_len = SPANWIRE_NUL,
                              .start_ns = 1, .sampling_priority = 1, .links = links, .links_count = COUNT(links), .events = events, .events_count = COUNT(events)};
    uint64_t before = stats_of(tracer).tags_dropped;
    OK(spanwire_span_submit(tracer, &record, 1));
    CHECK(stats_of(tracer).tags_dropped == before + 2);
    /* A host that was built with an older header gives less. */
    record.name = "submitted before", record.size = offsetof(spanwire_record, links), record.span_id = 79;
    OK(spanwire_span_submit(tracer, &record, 1));
    record.size = sizeof record, record.name = "never";
    before = stats_of(tracer).dropped_invalid;
    record.links_count = SIZE_MAX;
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_submit(tracer, &record, 1));
    record.links_count = 0, record.events = NULL;
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_submit(tracer, &record, 1));
    record.links = NULL, record.events_count = 0;
    CHECK(stats_of(tracer).dropped_invalid == before + 2);
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_submit(tracer, &record, SIZE_MAX));
    CHECK(stats_of(tracer).dropped_invalid == before + 2);
}

/* Keys that are cut stay apart. */
static void long_keys(void) {
    spanwire_span span = spanwire_span_start(tracer, 0, "long keys");
    char key[301], cut[SPANWIRE_TAG_KEY_MAX + 1], text[64];
    memset(key, 'k', 300), key[300] = 0;
    spanwire_attribute array = ARRAY(key, integers);
    OK(spanwire_span_set_attributes(span, &array, 1));
    for (int i = 0; i < 2; i++) {
        snprintf(cut, sizeof cut, "%.196s.%d", key, i);
        OK(spanwire_span_get_tag(span, cut, text, sizeof text, NULL));
    }
    OK(spanwire_span_finish(span));
}

int main(void) {
    tracer = tracer_new();
    spanwire_span root = spanwire_span_start(tracer, 0, "at once");
    describe(root);
    spanwire_span child = spanwire_span_start(tracer, root, "child");
    OK(spanwire_span_finish(child));
    OK(spanwire_span_finish(root));
    OK(spanwire_tracer_flush(tracer, 10000));
    wait_for_info();
    refused();
    limits();
    submitted();
    long_keys();
    spanwire_span span = spanwire_span_start(tracer, 0, "informed");
    describe(span);
    spanwire_span_link link = {.size = sizeof link, .trace_id_low = 1, .span_id = 1};
    OK(spanwire_span_finish(span));
    STATUS(SPANWIRE_E_HANDLE, spanwire_span_add_link(span, &link));
    OK(spanwire_span_add_link(0, NULL));
    OK(spanwire_span_add_event(0, NULL));
    OK(spanwire_tracer_shutdown(tracer, 10000));
    check_closed_books(tracer);
    return verdict();
}
