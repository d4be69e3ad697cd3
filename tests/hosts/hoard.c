/* hoard: starts spans without finishing them until the library refuses more, then finishes them all. Prints `hoard
 * {…}`: their number, the growth of the process, the memory that the library reports; and the counters. */
#include "check.h"

int main(void) {
    enum { MOST = 4000000 };
    spanwire_span *spans = calloc(MOST, sizeof *spans);
    spanwire_tracer tracer = tracer_new();
    CHECK(spans != NULL);
    memset(spans, 1, MOST * sizeof *spans); /* allocate our pages before measuring */
    OK(spanwire_span_discard(spanwire_span_start(tracer, 0, "first")));
    long base = peak_kib(), count = 0, refused_tags = 0;
    while (count < MOST && (spans[count] = spanwire_span_start(tracer, count ? spans[0] : 0, "hoarded")))
        refused_tags += spanwire_span_set_tag(spans[count++], "a key", "a value of some length, as they are") == SPANWIRE_E_MEMORY;
    CHECK(count > 1000 && count < MOST);
    spanwire_span_options options = {.size = sizeof options, .name = "more", .name_len = 4};
    spanwire_span out = 7;
    STATUS(SPANWIRE_E_MEMORY, spanwire_span_start_with(tracer, &options, &out));
    CHECK(out == 0);
    spanwire_stats s = check_books(tracer);
    CHECK(s.spans_open == (uint64_t)count && s.starts_refused == 2);
    CHECK(s.memory_used <= s.memory_max + s.memory_max / 16);
    CHECK(s.tags_dropped >= (uint64_t)refused_tags);
    long grown = peak_kib() - base;
    for (long i = 0; i < count; i++) OK(spanwire_span_finish(spans[i])); /* kept or dropped, but counted */
    s = check_books(tracer);
    CHECK(s.spans_open == 0 && s.spans_finished == (uint64_t)count);
    OK(spanwire_tracer_flush(tracer, 20000));
    CHECK(stats_of(tracer).spans_sent > (uint64_t)count / 2); /* memory that the first ones freed was used for the others */
    spanwire_span again = spanwire_span_start(tracer, 0, "after"); /* there is memory again */
    CHECK(again != 0);
    OK(spanwire_span_finish(again));
    OK(spanwire_tracer_shutdown(tracer, 20000));
    printf("hoard {\"spans\":%ld,\"grown_kib\":%ld,\"peak_kib\":%ld,\"max_kib\":%" PRIu64 "}\n", count, grown, peak_kib() - base, s.memory_max / 1024);
    check_closed_books(tracer);
    free(spans);
    return verdict();
}
