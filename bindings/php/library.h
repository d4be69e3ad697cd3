/*
 * libspanwire, loaded at run time. SW_FUNCTIONS lists each function that the extension uses. They are called as
 * sw.NAME(…), and only if sw.loaded is true.
 */
#ifndef SPANWIRE_PHP_LIBRARY_H
#define SPANWIRE_PHP_LIBRARY_H

#include <spanwire.h>
#include <stdbool.h>
#include <stddef.h>

#define SW_FUNCTIONS(X) \
    X(version) \
    X(status_text) \
    X(tracer_new) X(tracer_free) X(tracer_flush) X(tracer_shutdown) X(tracer_stats) X(tracer_config_json) \
    X(tracer_report_integration) X(flare_write) X(flare_send) \
    X(span_start_with) X(span_set_tag_n) X(span_set_metric_n) X(span_set_tags) X(span_remove_tag) X(span_get_tag) \
    X(span_set_attributes) X(span_add_event) X(span_add_link) X(span_set_meta_struct) \
    X(span_set_name) X(span_set_service) X(span_set_resource_n) X(span_set_type) X(span_set_error_n) \
    X(span_set_error_flag) X(span_set_priority) X(span_finish) X(span_finish_at) X(span_discard) X(span_context) \
    X(span_id_text) X(span_inject_text) \
    X(span_set_baggage) X(span_get_baggage) X(span_remove_baggage) X(span_baggage_text) \
    X(context_extract) X(context_free) X(context_get) X(context_inject_text) X(context_get_origin) X(span_get_origin) \
    X(context_set_baggage) X(context_get_baggage) X(context_remove_baggage) X(context_baggage_text) \
    X(debug_set) X(debug_set_for) X(debug_get) \
    X(log_set_level) X(log_poll) X(log_write_n) X(log_correlation) \
    X(trace_fate)

struct sw_library {
    bool loaded;
    /* Why it is not loaded, or the empty text. */
    char why[512];
#define X(name) __typeof__(&spanwire_##name) name;
    SW_FUNCTIONS(X)
#undef X
};

extern struct sw_library sw;

/* Loads the library from `path`; if that is NULL, from where the system finds libspanwire.so.0. sw.why says why it
 * failed. */
bool sw_library_load(const char *path);

/* The file that was loaded, or NULL. */
const char *sw_library_file(void);

#endif
