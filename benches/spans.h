/* The spans of the drivers in this folder: each has 4 texts, 3 tags and a number. benches/peers makes the same ones with other
 * tracers. */
#ifndef SPANWIRE_BENCHES_SPANS_H
#define SPANWIRE_BENCHES_SPANS_H
#include <spanwire.h>
#include <string.h>

static const char *const NAMES[] = {"web.request", "app.handler", "db.query"};
static const char *const RESOURCES[] = {"GET /users/{id}", "UsersController#show", "SELECT name FROM users WHERE id = ?"};
static const char *const TYPES[] = {"web", "worker", "sql"};
static const char *const TAGS[][2] = {
    {"component", "rack"}, {"http.url", "https://example.com/users/1234567?page=2"}, {"span.kind", "server"}};
#define TAG_COUNT (sizeof TAGS / sizeof *TAGS)

static spanwire_tracer tracer;

static spanwire_span by_calls(spanwire_span parent, int kind) {
    spanwire_span span = spanwire_span_start(tracer, parent, NAMES[kind]);
    spanwire_span_set_service(span, "bench-service");
    spanwire_span_set_resource(span, RESOURCES[kind]);
    spanwire_span_set_type(span, TYPES[kind]);
    for (size_t i = 0; i < TAG_COUNT; i++) spanwire_span_set_tag(span, TAGS[i][0], TAGS[i][1]);
    spanwire_span_set_metric(span, "bench.rows", 42.5);
    return span;
}

static spanwire_span in_one(spanwire_span parent, int kind) {
    static const spanwire_metric rows = {"bench.rows", 10, 42.5};
    spanwire_tag tags[TAG_COUNT];
    for (size_t i = 0; i < TAG_COUNT; i++)
        tags[i] = (spanwire_tag){TAGS[i][0], strlen(TAGS[i][0]), TAGS[i][1], strlen(TAGS[i][1])};
    spanwire_span_options options = {.size = sizeof options, .parent = parent};
    options.name = NAMES[kind], options.name_len = strlen(NAMES[kind]);
    options.service = "bench-service", options.service_len = 13;
    options.resource = RESOURCES[kind], options.resource_len = strlen(RESOURCES[kind]);
    options.type = TYPES[kind], options.type_len = strlen(TYPES[kind]);
    options.tags = tags, options.tags_count = TAG_COUNT;
    options.metrics = &rows, options.metrics_count = 1;
    spanwire_span span = 0;
    spanwire_span_start_with(tracer, &options, &span);
    return span;
}

/* A root, 3 children, 2 grandchildren each. */
static void trace10(spanwire_span (*start)(spanwire_span, int)) {
    spanwire_span root = start(0, 0);
    for (int i = 0; i < 3; i++) {
        spanwire_span child = start(root, 1);
        for (int j = 0; j < 2; j++) spanwire_span_finish(start(child, 2));
        spanwire_span_finish(child);
    }
    spanwire_span_finish(root);
}
#endif
