/* The C API for PHP's FFI, which has no preprocessor: the declarations of include/spanwire.h, and its constants.
 * Left out is what PHP cannot use: sinks that are called from other threads would crash it. Fetch the log with
 * spanwire_log_drain. */
enum {
    SPANWIRE_OK = 0,
    SPANWIRE_E_ARGUMENT = -1,
    SPANWIRE_E_HANDLE = -2,
    SPANWIRE_E_FORKED = -3,
    SPANWIRE_E_CLOSED = -4,
    SPANWIRE_E_VERSION = -5,
    SPANWIRE_E_NOT_FOUND = -6,
    SPANWIRE_E_LIMIT = -10,
    SPANWIRE_E_MEMORY = -11,
    SPANWIRE_E_TIMEOUT = -20,
    SPANWIRE_E_BUSY = -21,
    SPANWIRE_E_PANIC = -30,
    SPANWIRE_LEVEL_OFF = 0,
    SPANWIRE_LEVEL_ERROR = 1,
    SPANWIRE_LEVEL_WARN = 2,
    SPANWIRE_LEVEL_INFO = 3,
    SPANWIRE_LEVEL_DEBUG = 4,
    SPANWIRE_LEVEL_TRACE = 5,
    SPANWIRE_ID_TRACE_HEX = 0,
    SPANWIRE_ID_TRACE = 1,
    SPANWIRE_ID_SPAN = 2,
    SPANWIRE_CONTEXT_HAS_PRIORITY = 1,
};
typedef int32_t  spanwire_status;
typedef uint64_t spanwire_tracer, spanwire_span;
typedef struct { const char *name; const char *value; } spanwire_setting;
typedef struct { const char *key; size_t key_len; const char *value; size_t value_len; } spanwire_tag;
typedef struct { const char *key; size_t key_len; double value; } spanwire_metric;
typedef struct { size_t size; spanwire_status status; char message[244]; } spanwire_error;
typedef struct {
  size_t size; uint64_t trace_id_high, trace_id_low, span_id; int32_t sampling_priority; int32_t decision_maker; uint32_t flags;
} spanwire_context;
typedef struct {
  size_t size;
  spanwire_span parent;
  const spanwire_context *parent_context;
  const char *name; size_t name_len; const char *service; size_t service_len;
  const char *resource; size_t resource_len; const char *type; size_t type_len;
  int64_t start_ns;
  const spanwire_tag *tags; size_t tags_count; const spanwire_metric *metrics; size_t metrics_count;
} spanwire_span_options;
typedef struct {
  size_t size; uint64_t trace_id_high, trace_id_low, span_id, parent_id; int64_t start_ns, duration_ns;
  const char *name; size_t name_len; const char *service; size_t service_len;
  const char *resource; size_t resource_len; const char *type; size_t type_len;
  const spanwire_tag *tags; size_t tags_count; const spanwire_metric *metrics; size_t metrics_count;
  int32_t error; int32_t sampling_priority;
} spanwire_record;
typedef struct { size_t size; uint64_t time_ns; int32_t level; const char *target; const char *text; size_t text_len; uint64_t lost; } spanwire_log_record;
typedef void (*spanwire_log_callback)(const spanwire_log_record *record, void *userdata);
typedef struct { size_t size; uint64_t spans_started, spans_finished, spans_open, spans_abandoned, spans_discarded,
  spans_waiting, spans_queued, spans_in_flight, spans_sent,  dropped_queue_full, dropped_memory, dropped_unreachable,
  dropped_refused, dropped_too_large, dropped_shutdown, dropped_disabled, dropped_invalid, dropped_unknown_fate ; } spanwire_stats;
const char *spanwire_version(void); uint32_t spanwire_abi_version(void); const char *spanwire_status_text(spanwire_status);
spanwire_status spanwire_tracer_new(const spanwire_setting *settings, size_t count, spanwire_tracer *out, spanwire_error *error);
spanwire_status spanwire_tracer_start(spanwire_tracer);
spanwire_status spanwire_tracer_free(spanwire_tracer);
spanwire_status spanwire_tracer_flush(spanwire_tracer, uint32_t timeout_ms);
spanwire_status spanwire_tracer_shutdown(spanwire_tracer, uint32_t timeout_ms);
spanwire_status spanwire_tracer_stats(spanwire_tracer, spanwire_stats *out);
spanwire_status spanwire_tracer_config_json(spanwire_tracer, char *buf, size_t cap, size_t *need);
spanwire_status spanwire_tracer_report_integration(spanwire_tracer, const char *name, const char *version, const char *status);
spanwire_span spanwire_span_start(spanwire_tracer, spanwire_span parent, const char *name);
spanwire_span spanwire_span_start_n(spanwire_tracer, spanwire_span parent, const char *name, size_t name_len);
spanwire_status spanwire_span_start_with(spanwire_tracer, const spanwire_span_options *, spanwire_span *out);
spanwire_status spanwire_span_set_tag(spanwire_span, const char *key, const char *value);
spanwire_status spanwire_span_set_tag_n(spanwire_span, const char *key, size_t key_len, const char *value, size_t value_len);
spanwire_status spanwire_span_set_metric(spanwire_span, const char *key, double value);
spanwire_status spanwire_span_set_metric_n(spanwire_span, const char *key, size_t key_len, double value);
spanwire_status spanwire_span_set_tags(spanwire_span, const spanwire_tag *tags, size_t count);
spanwire_status spanwire_span_remove_tag(spanwire_span, const char *key);
spanwire_status spanwire_span_get_tag(spanwire_span, const char *key, char *buf, size_t cap, size_t *need);
spanwire_status spanwire_span_set_service(spanwire_span, const char *), spanwire_span_set_type(spanwire_span, const char *), spanwire_span_set_name(spanwire_span, const char *);
spanwire_status spanwire_span_set_resource(spanwire_span, const char *); spanwire_status spanwire_span_set_resource_n(spanwire_span, const char *, size_t);
spanwire_status spanwire_span_set_error(spanwire_span, const char *type, const char *message, const char *stack);
spanwire_status spanwire_span_set_error_flag(spanwire_span, int32_t error);
spanwire_status spanwire_span_set_meta_struct(spanwire_span, const char *key, const void *bytes, size_t len);
spanwire_status spanwire_span_set_priority(spanwire_span, int32_t priority);
spanwire_status spanwire_span_finish(spanwire_span); spanwire_status spanwire_span_finish_at(spanwire_span, int64_t end_ns); spanwire_status spanwire_span_discard(spanwire_span);
spanwire_status spanwire_span_context(spanwire_span, spanwire_context *out);
spanwire_status spanwire_span_id_text(spanwire_span, int32_t kind, char *buf, size_t cap, size_t *need);
spanwire_status spanwire_span_submit(spanwire_tracer, const spanwire_record *records, size_t count);
spanwire_status spanwire_span_submit_packed(spanwire_tracer, const void *bytes, size_t len);
spanwire_status spanwire_debug_set(int32_t enabled); spanwire_status spanwire_debug_set_for(uint32_t seconds); int32_t spanwire_debug_get(void);
spanwire_status spanwire_log_set_level(int32_t level);
spanwire_status spanwire_log_poll(spanwire_log_callback, void *userdata, size_t max, size_t *count);
spanwire_status spanwire_log_drain(char *buf, size_t cap, size_t *need);
int32_t spanwire_log_fd(void);
spanwire_status spanwire_log_write(int32_t level, const char *target, const char *text);
spanwire_status spanwire_log_event(const char *kind, const spanwire_tag *fields, size_t count);
void spanwire_process_after_fork_child(void);
