/* A span with as many links, arrays and values as it may have. */
#include "check.h"

static spanwire_value values[SPANWIRE_VALUES_MAX];
static spanwire_attribute arrays[SPANWIRE_ATTRIBUTES_MAX];
static char keys[SPANWIRE_ATTRIBUTES_MAX][8];

int main(void) {
    spanwire_tracer tracer = tracer_new();
    for (int i = 0; i < SPANWIRE_VALUES_MAX; i++) values[i] = (spanwire_value){.type = SPANWIRE_VALUE_BOOLEAN, .boolean = i & 1};
    for (int i = 0; i < SPANWIRE_ATTRIBUTES_MAX; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", i);
        arrays[i] = (spanwire_attribute){.key = keys[i], .key_len = SPANWIRE_NUL, .type = SPANWIRE_VALUE_ARRAY, .values = values, .values_count = SPANWIRE_VALUES_MAX};
    }
    spanwire_span span = spanwire_span_start(tracer, 0, "many");
    spanwire_span_link link = {.size = sizeof link, .trace_id_low = 1, .span_id = 1, .attributes = arrays, .attributes_count = SPANWIRE_ATTRIBUTES_MAX};
    for (int i = 0; i < SPANWIRE_SPAN_LINKS_MAX; i++) OK(spanwire_span_add_link(span, &link));
    OK(spanwire_span_finish(span));
    OK(spanwire_tracer_shutdown(tracer, 10000));
    check_closed_books(tracer);
    return verdict();
}
