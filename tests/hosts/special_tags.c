/* special_tags: traces whose spans get every tag that the library adds by itself. */
#include "check.h"
#include <unistd.h>

static spanwire_span with_parent(spanwire_tracer tracer, spanwire_context_handle parent, const char *name) {
    spanwire_span_options options = {.size = sizeof options, .name = name, .name_len = SPANWIRE_NUL, .context_handle = parent};
    spanwire_span span = 0;
    OK(spanwire_span_start_with(tracer, &options, &span));
    return span;
}

int main(void) {
    spanwire_tracer tracer = tracer_new();
    const spanwire_header headers[] = {
        {"x-datadog-trace-id", SPANWIRE_NUL, "7", SPANWIRE_NUL},
        {"x-datadog-parent-id", SPANWIRE_NUL, "8", SPANWIRE_NUL},
        {"x-datadog-sampling-priority", SPANWIRE_NUL, "2", SPANWIRE_NUL},
        {"x-datadog-origin", SPANWIRE_NUL, "synthetics", SPANWIRE_NUL},
        {"x-datadog-tags", SPANWIRE_NUL, "_dd.p.tid=640cfd8d00000000,_dd.p.dm=-4,_dd.p.ts=02", SPANWIRE_NUL}};
    spanwire_context_handle context = 0;
    OK(spanwire_context_extract(tracer, headers, sizeof headers / sizeof *headers, &context));
    spanwire_span root = with_parent(tracer, context, "continued");
    OK(spanwire_context_free(context));
    spanwire_span inner = spanwire_span_start(tracer, root, "inner");
    OK(spanwire_span_set_metric(inner, "_dd.measured", 1));
    spanwire_span query = spanwire_span_start(tracer, inner, "query");
    OK(spanwire_span_set_service(query, "db"));
    spanwire_span row = spanwire_span_start(tracer, query, "row");
    OK(spanwire_span_set_error(row, "Timeout", "no answer", "at f()"));
    spanwire_span named = spanwire_span_start(tracer, row, "named");
    OK(spanwire_span_set_service(named, "shop"));
    spanwire_span said = spanwire_span_start(tracer, root, "said");
    OK(spanwire_span_set_service(said, "other"));
    OK(spanwire_span_set_tag(said, "_dd.base_service", "the host's own"));
    const spanwire_span all[] = {said, named, row, query, inner, root};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) OK(spanwire_span_finish(all[i]));
    OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "new")));
    OK(spanwire_tracer_shutdown(tracer, 10000));
    check_closed_books(tracer);
    printf("process {\"id\":%d}\n", (int)getpid());
    return verdict();
}
