/* One span of every shape that the C API can make. Prints a line `span {…}` with the ids of each, so that the test
 * finds them at the agent, and `clock {…}` with the times between which the measured times must lie. */
#include "check.h"

static spanwire_context show(const char *key, spanwire_span span) {
    spanwire_context context = {.size = sizeof context};
    OK(spanwire_span_context(span, &context));
    printf("span {\"key\":\"%s\",\"high\":%" PRIu64 ",\"low\":%" PRIu64 ",\"id\":%" PRIu64 "}\n", key,
           context.trace_id_high, context.trace_id_low, context.span_id);
    return context;
}

static void clocked(spanwire_tracer tracer) {
    int64_t before = wall_ns();
    spanwire_span root = spanwire_span_start(tracer, 0, "web.request");
    int64_t after = wall_ns();
    spanwire_context context = show("root", root);
    CHECK(context.trace_id_high != 0);
    CHECK(context.trace_id_high >> 32 == (uint64_t)(before / 1000000000) ||
          context.trace_id_high >> 32 == (uint64_t)(after / 1000000000));
    CHECK((uint32_t)context.trace_id_high == 0);
    OK(spanwire_span_set_service(root, "shop-front"));
    OK(spanwire_span_set_resource(root, "GET /cart/:id"));
    OK(spanwire_span_set_type(root, "web"));
    OK(spanwire_span_set_tag(root, "http.method", "POST"));
    OK(spanwire_span_set_tag(root, "http.method", "GET"));
    OK(spanwire_span_set_tag(root, "http.url", "/cart/7?é=\xe2\x82\xac"));
    OK(spanwire_span_set_tag(root, "gone", "soon"));
    OK(spanwire_span_remove_tag(root, "gone"));
    OK(spanwire_span_set_metric(root, "cart.items", 3));
    OK(spanwire_span_set_metric(root, "cart.total", 42.5));
    OK(spanwire_span_set_metric(root, "cart.balance", -1e300));
    OK(spanwire_span_set_tag(root, "was.number", "7"));
    OK(spanwire_span_set_metric(root, "was.text", 1));
    OK(spanwire_span_set_metric(root, "was.number", 7));
    OK(spanwire_span_set_tag(root, "was.number", "seven"));
    OK(spanwire_span_set_tag(root, "was.text", "one"));
    OK(spanwire_span_set_metric(root, "was.text", 2));

    spanwire_span query = spanwire_span_start(tracer, root, "db.query");
    show("query", query);
    OK(spanwire_span_set_error(query, "Timeout", "no answer in 5 s", "at query()\nat main()"));
    sleep_us(20000);
    OK(spanwire_span_finish(query));

    spanwire_span flagged = spanwire_span_start_n(tracer, query, "cache.get and more", 9);
    show("flagged", flagged);
    OK(spanwire_span_finish(flagged));

    spanwire_span inner = spanwire_span_start(tracer, root, "template.render");
    show("inner", inner);
    OK(spanwire_span_set_error_flag(inner, 1));
    OK(spanwire_span_set_name(inner, "template.render.page"));
    spanwire_span leaf = spanwire_span_start(tracer, inner, "template.include");
    show("leaf", leaf);
    OK(spanwire_span_finish(leaf));
    OK(spanwire_span_finish(inner));
    OK(spanwire_span_finish(root));
    printf("clock {\"before\":%" PRId64 ",\"after\":%" PRId64 ",\"end\":%" PRId64 "}\n", before, after, wall_ns());
}

static void timed_by_the_host(spanwire_tracer tracer) {
    spanwire_tag tags[] = {{"color", SPANWIRE_NUL, "red and blue", 3}, {"flavour", 3, "sweet", SPANWIRE_NUL}};
    spanwire_metric metrics[] = {{"weight", SPANWIRE_NUL, 0.25}};
    spanwire_span_options options = {
        .size = sizeof options, .name = "batch", .name_len = SPANWIRE_NUL, .service = "night", .service_len = 5,
        .resource = "job 9", .resource_len = SPANWIRE_NUL, .type = "worker", .type_len = SPANWIRE_NUL,
        .start_ns = 1700000000123456789, .tags = tags, .tags_count = 2, .metrics = metrics, .metrics_count = 1};
    spanwire_span span = 0;
    OK(spanwire_span_start_with(tracer, &options, &span));
    show("batch", span);
    OK(spanwire_span_finish_at(span, 1700000000123456789 + 987654321));
}

static void continued_from_elsewhere(spanwire_tracer tracer) {
    spanwire_context remote = {.size = sizeof remote, .trace_id_high = 0x640cfd8d00000000, .trace_id_low = 5208512171318403364u,
                               .span_id = 4236643421324217041u, .sampling_priority = 2, .decision_maker = -4,
                               .flags = SPANWIRE_CONTEXT_HAS_PRIORITY};
    spanwire_span_options options = {.size = sizeof options, .parent_context = &remote, .name = "consume", .name_len = SPANWIRE_NUL};
    spanwire_span span = 0;
    OK(spanwire_span_start_with(tracer, &options, &span));
    spanwire_context here = show("consume", span);
    CHECK(here.trace_id_high == remote.trace_id_high && here.trace_id_low == remote.trace_id_low);
    char text[64];
    size_t need = 0;
    OK(spanwire_span_id_text(span, SPANWIRE_ID_TRACE_HEX, text, sizeof text, &need));
    CHECK(!strcmp(text, "640cfd8d0000000048485a3953bb6124") && need == 33);
    spanwire_span child = spanwire_span_start(tracer, span, "consume.step");
    show("step", child);
    OK(spanwire_span_finish(child));
    OK(spanwire_span_finish(span));
}

static void made_elsewhere(spanwire_tracer tracer) {
    spanwire_tag tags[] = {{"from", SPANWIRE_NUL, "a log", SPANWIRE_NUL}};
    spanwire_record records[] = {
        {.size = sizeof *records, .trace_id_high = 1, .trace_id_low = 2, .span_id = 3, .start_ns = 1700000000000000000,
         .duration_ns = 5, .name = "old", .name_len = SPANWIRE_NUL, .service = "s", .service_len = SPANWIRE_NUL,
         .resource = "r", .resource_len = SPANWIRE_NUL, .type = "t", .type_len = SPANWIRE_NUL, .tags = tags,
         .tags_count = 1, .error = 1, .sampling_priority = 1},
        {.size = sizeof *records, .trace_id_high = 1, .trace_id_low = 2, .span_id = 4, .parent_id = 3,
         .start_ns = 1700000000000000001, .duration_ns = 2, .name = "old.part", .name_len = SPANWIRE_NUL,
         .sampling_priority = 1}};
    OK(spanwire_span_submit(tracer, records, 2));
}

int main(void) {
    spanwire_tracer tracer = tracer_new();
    clocked(tracer);
    timed_by_the_host(tracer);
    continued_from_elsewhere(tracer);
    made_elsewhere(tracer);
    spanwire_span discarded = spanwire_span_start(tracer, 0, "discarded");
    OK(spanwire_span_discard(discarded));
    OK(spanwire_tracer_flush(tracer, 10000));
    check_books(tracer);
    spanwire_span late = spanwire_span_start(tracer, 0, "unfinished.root");
    spanwire_span part = spanwire_span_start(tracer, late, "finished.part");
    show("part", part);
    OK(spanwire_span_finish(part));
    OK(spanwire_tracer_shutdown(tracer, 10000));
    check_closed_books(tracer);
    OK(spanwire_tracer_free(tracer));
    return verdict();
}
