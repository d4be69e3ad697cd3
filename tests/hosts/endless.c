/* endless ROUNDS: one long span on which the same few things are set, replaced and removed again and again. Its
 * memory must not grow, and no call may fail. */
#include "check.h"

int main(int argc, char **argv) {
    long rounds = number(argc, argv, 1, 100000);
    spanwire_tracer tracer = tracer_new();
    spanwire_span span = spanwire_span_start(tracer, 0, "endless");
    /* A map with one text of any length. */
    unsigned char blob[2000] = {0x81, 0xa1, 'k', 0xda};
    memset(blob + 6, 'x', sizeof blob - 6);
    char text[64], longer[2000];
    memset(longer, 'x', sizeof longer - 1), longer[sizeof longer - 1] = 0;
    for (long i = 0; i < rounds && failures < 5; i++) {
        size_t len = (size_t)snprintf(text, sizeof text, "value %ld", i);
        OK(spanwire_span_set_tag(span, "removed", text));
        OK(spanwire_span_remove_tag(span, "removed"));
        OK(spanwire_span_set_metric(span, "removed number", (double)i));
        OK(spanwire_span_remove_tag(span, "removed number"));
        OK(spanwire_span_set_tag(span, "either", text));
        OK(spanwire_span_set_metric(span, "either", (double)i));
        OK(spanwire_span_set_tag_n(span, "replaced", 8, longer, (size_t)(i * 7 % 1999)));
        spanwire_tag tags[] = {{"one", 3, text, len}, {"two", 3, longer, (size_t)(i % 100)}, {"caf\xe9", 4, text, len}};
        OK(spanwire_span_set_tags(span, tags, 3));
        OK(spanwire_span_set_error(span, "Type", text, longer + i % 1000));
        OK(spanwire_span_set_error(span, NULL, longer + i % 1000, NULL));
        OK(spanwire_span_set_service(span, text));
        OK(spanwire_span_set_resource(span, longer + i % 1000));
        OK(spanwire_span_set_type(span, text));
        OK(spanwire_span_set_name(span, text));
        size_t text_size = (size_t)(i * 13 % 1990);
        blob[4] = (unsigned char)(text_size >> 8), blob[5] = (unsigned char)text_size;
        OK(spanwire_span_set_meta_struct(span, "blob", blob, 6 + text_size));
        OK(spanwire_span_set_meta_struct(span, i % 2 ? "odd" : "even", "\x81\xa1k\xa6valued", 10));
    }
    spanwire_stats s = check_books(tracer);
    CHECK(s.tags_dropped == 0);
    OK(spanwire_span_finish(span));
    OK(spanwire_tracer_shutdown(tracer, 10000));
    s = check_closed_books(tracer);
    CHECK(s.spans_sent == 1);
    return verdict();
}
