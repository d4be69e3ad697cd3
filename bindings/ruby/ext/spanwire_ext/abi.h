/* What the extension uses of spanwire.h. Written from src/abi/ by `cargo test --test header -- --bless`. */
#ifndef SPANWIRE_EXT_ABI_H
#define SPANWIRE_EXT_ABI_H

#include <stddef.h>
#include <stdint.h>

typedef int32_t spanwire_status;
typedef uint64_t spanwire_tracer;
typedef struct spanwire_context {
    size_t size;
    uint64_t trace_id_high;
    uint64_t trace_id_low;
    uint64_t span_id;
    int32_t sampling_priority;
    int32_t decision_maker;
    uint32_t flags;
    uint32_t reserved;
} spanwire_context;
typedef uint64_t spanwire_context_handle;
typedef uint64_t spanwire_span;
typedef struct spanwire_tag {
    const char *key;
    size_t key_len;
    const char *value;
    size_t value_len;
} spanwire_tag;
typedef struct spanwire_metric {
    const char *key;
    size_t key_len;
    double value;
} spanwire_metric;
typedef struct spanwire_span_options {
    size_t size;
    spanwire_span parent;
    const spanwire_context *parent_context;
    const char *name;
    size_t name_len;
    const char *service;
    size_t service_len;
    const char *resource;
    size_t resource_len;
    const char *type;
    size_t type_len;
    int64_t start_ns;
    const spanwire_tag *tags;
    size_t tags_count;
    const spanwire_metric *metrics;
    size_t metrics_count;
    spanwire_context_handle context_handle;
} spanwire_span_options;
spanwire_status spanwire_span_start_with(
    spanwire_tracer tracer, const spanwire_span_options *options, spanwire_span *out);
spanwire_status spanwire_span_set_tag_n(
    spanwire_span span, const char *key, size_t key_len, const char *value, size_t value_len);
spanwire_status spanwire_span_set_metric_n(spanwire_span span, const char *key, size_t key_len, double value);
spanwire_status spanwire_span_set_tags(spanwire_span span, const spanwire_tag *tags, size_t count);
spanwire_status spanwire_span_finish(spanwire_span span);

#endif
