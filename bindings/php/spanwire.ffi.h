/*
 * The C API for PHP's FFI::cdef(), which has no preprocessor: the types, functions and constants of include/spanwire.h,
 * which documents them. Written from src/abi/ by `cargo test --test header -- --bless`.
 *
 * spanwire_log_add_sink_any_thread(), spanwire_log_remove_sink() and their types are left out: a sink is called from a
 * foreign thread, which crashes PHP. Use spanwire_log_drain() or spanwire_log_poll(), which stay on the calling thread.
 * SPANWIRE_NUL does not fit an enum; pass -1.
 */
enum {
    SPANWIRE_ABI_VERSION = 0,
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
    SPANWIRE_E_IO = -22,
    SPANWIRE_E_PANIC = -30,
    SPANWIRE_TRACERS_MAX = 64,
    SPANWIRE_CONTEXT_HAS_PRIORITY = 1,
    SPANWIRE_CONTEXTS_MAX = 4096,
    SPANWIRE_SPAN_TAGS_MAX = 1024,
    SPANWIRE_TAG_KEY_MAX = 200,
    SPANWIRE_TAG_VALUE_MAX = 25000,
    SPANWIRE_RESOURCE_MAX = 5000,
    SPANWIRE_NAME_MAX = 200,
    SPANWIRE_META_STRUCT_MAX = 1048576,
    SPANWIRE_ID_TRACE_HEX = 0,
    SPANWIRE_ID_TRACE = 1,
    SPANWIRE_ID_SPAN = 2,
    SPANWIRE_VALUE_TEXT = 0,
    SPANWIRE_VALUE_BOOLEAN = 1,
    SPANWIRE_VALUE_INTEGER = 2,
    SPANWIRE_VALUE_FLOATING = 3,
    SPANWIRE_VALUE_ARRAY = 4,
    SPANWIRE_SPAN_LINKS_MAX = 128,
    SPANWIRE_SPAN_EVENTS_MAX = 128,
    SPANWIRE_ATTRIBUTES_MAX = 128,
    SPANWIRE_ATTRIBUTES_SIZE_MAX = 65536,
    SPANWIRE_VALUES_MAX = 128,
    SPANWIRE_LINK_HAS_FLAGS = 256,
    SPANWIRE_PRIORITY_NONE = -2147483648,
    SPANWIRE_LEVEL_OFF = 0,
    SPANWIRE_LEVEL_ERROR = 1,
    SPANWIRE_LEVEL_WARN = 2,
    SPANWIRE_LEVEL_INFO = 3,
    SPANWIRE_LEVEL_DEBUG = 4,
    SPANWIRE_LEVEL_TRACE = 5,
    SPANWIRE_LOGGERS_MAX = 64,
    SPANWIRE_LOG_HOST_ONLY = 1,
    SPANWIRE_SINKS_MAX = 64,
    SPANWIRE_LOG_FIELDS_TEXT = 0,
    SPANWIRE_LOG_FIELDS_JSON = 1,
    SPANWIRE_FATE_UNKNOWN = 0,
    SPANWIRE_FATE_OPEN = 1,
    SPANWIRE_FATE_QUEUED = 2,
    SPANWIRE_FATE_IN_FLIGHT = 3,
    SPANWIRE_FATE_SENT = 4,
    SPANWIRE_FATE_DROPPED = 5,
    SPANWIRE_FATE_ABANDONED = 6,
    SPANWIRE_FATE_DISCARDED = 7,
    SPANWIRE_FATE_SAMPLE_RATE = 32767,
    SPANWIRE_FATE_MINUTE = 32766,
};
const char *spanwire_version(void);
uint32_t spanwire_abi_version(void);
typedef int32_t spanwire_status;
const char *spanwire_status_text(spanwire_status status);
typedef uint64_t spanwire_tracer;
typedef struct spanwire_setting {
    const char *name;
    const char *value;
} spanwire_setting;
typedef struct spanwire_error {
    size_t size;
    spanwire_status status;
    char message[244];
} spanwire_error;
typedef struct spanwire_stats {
    size_t size;
    uint64_t spans_started;
    uint64_t spans_finished;
    uint64_t spans_open;
    uint64_t spans_abandoned;
    uint64_t spans_discarded;
    uint64_t spans_waiting;
    uint64_t spans_queued;
    uint64_t spans_in_flight;
    uint64_t spans_sent;
    uint64_t spans_dropped;
    uint64_t dropped_queue_full;
    uint64_t dropped_memory;
    uint64_t dropped_unreachable;
    uint64_t dropped_refused;
    uint64_t dropped_too_large;
    uint64_t dropped_shutdown;
    uint64_t dropped_invalid;
    uint64_t dropped_unknown_fate;
    uint64_t starts_refused;
    uint64_t payloads_sent;
    uint64_t payloads_unknown;
    uint64_t attempts_failed;
    uint64_t bytes_sent;
    uint64_t texts_repaired;
    uint64_t texts_cut;
    uint64_t tags_dropped;
    uint64_t parents_unknown;
    uint64_t memory_used;
    uint64_t memory_max;
} spanwire_stats;
spanwire_status spanwire_tracer_new(
    const spanwire_setting *settings, size_t count, spanwire_tracer *out, spanwire_error *error);
spanwire_status spanwire_tracer_start(spanwire_tracer tracer);
spanwire_status spanwire_tracer_free(spanwire_tracer tracer);
spanwire_status spanwire_tracer_flush(spanwire_tracer tracer, uint32_t timeout_ms);
spanwire_status spanwire_tracer_shutdown(spanwire_tracer tracer, uint32_t timeout_ms);
spanwire_status spanwire_tracer_stats(spanwire_tracer tracer, spanwire_stats *out);
spanwire_status spanwire_tracer_config_json(spanwire_tracer tracer, char *buffer, size_t capacity, size_t *need);
spanwire_status spanwire_tracer_report_integration(
    spanwire_tracer tracer, const char *name, const char *version, const char *status);
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
typedef struct spanwire_header {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
} spanwire_header;
spanwire_status spanwire_context_extract(
    spanwire_tracer tracer, const spanwire_header *headers, size_t count, spanwire_context_handle *out);
spanwire_status spanwire_context_free(spanwire_context_handle context);
spanwire_status spanwire_context_get(spanwire_context_handle context, spanwire_context *out);
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
typedef struct spanwire_value {
    uint32_t type;
    int32_t boolean;
    int64_t integer;
    double floating;
    const char *text;
    size_t text_len;
} spanwire_value;
typedef struct spanwire_attribute {
    const char *key;
    size_t key_len;
    uint32_t type;
    int32_t boolean;
    int64_t integer;
    double floating;
    const char *text;
    size_t text_len;
    const spanwire_value *values;
    size_t values_count;
} spanwire_attribute;
typedef struct spanwire_span_link {
    size_t size;
    uint64_t trace_id_high;
    uint64_t trace_id_low;
    uint64_t span_id;
    const char *tracestate;
    size_t tracestate_len;
    const spanwire_attribute *attributes;
    size_t attributes_count;
    uint32_t flags;
} spanwire_span_link;
typedef struct spanwire_span_event {
    size_t size;
    const char *name;
    size_t name_len;
    int64_t time_ns;
    const spanwire_attribute *attributes;
    size_t attributes_count;
} spanwire_span_event;
spanwire_span spanwire_span_start(spanwire_tracer tracer, spanwire_span parent, const char *name);
spanwire_span spanwire_span_start_n(spanwire_tracer tracer, spanwire_span parent, const char *name, size_t name_len);
spanwire_status spanwire_span_start_with(
    spanwire_tracer tracer, const spanwire_span_options *options, spanwire_span *out);
spanwire_status spanwire_span_set_tag(spanwire_span span, const char *key, const char *value);
spanwire_status spanwire_span_set_tag_n(
    spanwire_span span, const char *key, size_t key_len, const char *value, size_t value_len);
spanwire_status spanwire_span_set_metric(spanwire_span span, const char *key, double value);
spanwire_status spanwire_span_set_metric_n(spanwire_span span, const char *key, size_t key_len, double value);
spanwire_status spanwire_span_set_tags(spanwire_span span, const spanwire_tag *tags, size_t count);
spanwire_status spanwire_span_remove_tag(spanwire_span span, const char *key);
spanwire_status spanwire_span_get_tag(spanwire_span span, const char *key, char *buffer, size_t capacity, size_t *need);
spanwire_status spanwire_span_set_attributes(spanwire_span span, const spanwire_attribute *attributes, size_t count);
spanwire_status spanwire_span_add_link(spanwire_span span, const spanwire_span_link *link);
spanwire_status spanwire_span_add_event(spanwire_span span, const spanwire_span_event *event);
spanwire_status spanwire_span_set_service(spanwire_span span, const char *service);
spanwire_status spanwire_span_set_resource(spanwire_span span, const char *resource);
spanwire_status spanwire_span_set_resource_n(spanwire_span span, const char *resource, size_t resource_len);
spanwire_status spanwire_span_set_type(spanwire_span span, const char *type);
spanwire_status spanwire_span_set_name(spanwire_span span, const char *name);
spanwire_status spanwire_span_set_error(spanwire_span span, const char *type, const char *message, const char *stack);
spanwire_status spanwire_span_set_error_n(
    spanwire_span span, const char *type, size_t type_len, const char *message, size_t message_len, const char *stack,
    size_t stack_len);
spanwire_status spanwire_span_set_error_flag(spanwire_span span, int32_t error);
spanwire_status spanwire_span_set_meta_struct(spanwire_span span, const char *key, const void *bytes, size_t len);
spanwire_status spanwire_span_set_priority(spanwire_span span, int32_t priority);
spanwire_status spanwire_span_finish(spanwire_span span);
spanwire_status spanwire_span_finish_at(spanwire_span span, int64_t end_ns);
spanwire_status spanwire_span_discard(spanwire_span span);
spanwire_status spanwire_span_context(spanwire_span span, spanwire_context *out);
spanwire_status spanwire_span_id_text(spanwire_span span, int32_t kind, char *buffer, size_t capacity, size_t *need);
typedef void (*spanwire_header_callback)(const spanwire_header *header, void *userdata);
typedef void (*spanwire_baggage_callback)(const spanwire_tag *item, void *userdata);
spanwire_status spanwire_span_inject(spanwire_span span, spanwire_header_callback callback, void *userdata);
spanwire_status spanwire_span_inject_text(spanwire_span span, char *buffer, size_t capacity, size_t *need);
spanwire_status spanwire_context_inject(
    spanwire_context_handle context, spanwire_header_callback callback, void *userdata);
spanwire_status spanwire_context_inject_text(
    spanwire_context_handle context, char *buffer, size_t capacity, size_t *need);
spanwire_status spanwire_context_get_origin(
    spanwire_context_handle context, char *buffer, size_t capacity, size_t *need);
spanwire_status spanwire_span_get_origin(spanwire_span span, char *buffer, size_t capacity, size_t *need);
spanwire_status spanwire_span_set_baggage(spanwire_span span, const char *key, const char *value);
spanwire_status spanwire_span_get_baggage(
    spanwire_span span, const char *key, char *buffer, size_t capacity, size_t *need);
spanwire_status spanwire_span_remove_baggage(spanwire_span span, const char *key);
spanwire_status spanwire_span_each_baggage(spanwire_span span, spanwire_baggage_callback callback, void *userdata);
spanwire_status spanwire_span_baggage_text(spanwire_span span, char *buffer, size_t capacity, size_t *need);
spanwire_status spanwire_context_set_baggage(spanwire_context_handle context, const char *key, const char *value);
spanwire_status spanwire_context_get_baggage(
    spanwire_context_handle context, const char *key, char *buffer, size_t capacity, size_t *need);
spanwire_status spanwire_context_remove_baggage(spanwire_context_handle context, const char *key);
spanwire_status spanwire_context_each_baggage(
    spanwire_context_handle context, spanwire_baggage_callback callback, void *userdata);
spanwire_status spanwire_context_baggage_text(
    spanwire_context_handle context, char *buffer, size_t capacity, size_t *need);
typedef struct spanwire_record {
    size_t size;
    uint64_t trace_id_high;
    uint64_t trace_id_low;
    uint64_t span_id;
    uint64_t parent_id;
    int64_t start_ns;
    int64_t duration_ns;
    const char *name;
    size_t name_len;
    const char *service;
    size_t service_len;
    const char *resource;
    size_t resource_len;
    const char *type;
    size_t type_len;
    const spanwire_tag *tags;
    size_t tags_count;
    const spanwire_metric *metrics;
    size_t metrics_count;
    int32_t error;
    int32_t sampling_priority;
    const spanwire_span_link *links;
    size_t links_count;
    const spanwire_span_event *events;
    size_t events_count;
} spanwire_record;
spanwire_status spanwire_span_submit(spanwire_tracer tracer, const spanwire_record *records, size_t count);
spanwire_status spanwire_span_submit_packed(spanwire_tracer tracer, const void *bytes, size_t len);
spanwire_status spanwire_trace_submit_v04(spanwire_tracer tracer, const void *bytes, size_t len);
spanwire_status spanwire_debug_set(int32_t enabled);
spanwire_status spanwire_debug_set_for(uint32_t seconds);
int32_t spanwire_debug_get(void);
typedef struct spanwire_log_record {
    size_t size;
    uint64_t time_ns;
    int32_t level;
    const char *target;
    const char *text;
    size_t text_len;
    uint64_t lost;
    const char *logger;
    const char *message;
    size_t message_len;
    uint32_t flags;
} spanwire_log_record;
typedef void (*spanwire_log_callback)(const spanwire_log_record *record, void *userdata);
spanwire_status spanwire_log_set_level(int32_t level);
spanwire_status spanwire_log_set_logger_level(const char *logger, int32_t level);
spanwire_status spanwire_log_poll(spanwire_log_callback callback, void *userdata, size_t max, size_t *count);
spanwire_status spanwire_log_drain(char *buffer, size_t capacity, size_t *need);
spanwire_status spanwire_log_take(spanwire_log_record *record, char *buffer, size_t capacity, size_t *need);
int32_t spanwire_log_fd(void);
spanwire_status spanwire_log_write(int32_t level, const char *target, const char *text);
spanwire_status spanwire_log_write_n(
    int32_t level, const char *target, size_t target_len, const char *text, size_t text_len);
spanwire_status spanwire_log_event(const char *kind, const spanwire_tag *fields, size_t count);
spanwire_status spanwire_log_correlation(
    spanwire_tracer tracer, spanwire_span span, uint32_t form, char *text, size_t size, size_t *need);
typedef struct spanwire_recorder_event {
    size_t size;
    uint64_t time_ns;
    uint32_t kind;
    uint32_t error;
    const char *name;
    uint64_t first;
    uint64_t second;
    const char *text;
    size_t text_len;
} spanwire_recorder_event;
typedef void (*spanwire_recorder_callback)(const spanwire_recorder_event *event, void *userdata);
spanwire_status spanwire_recorder_read(spanwire_recorder_callback callback, void *userdata, size_t max, size_t *count);
int32_t spanwire_recorder_fd(void);
spanwire_status spanwire_flare_write(spanwire_tracer tracer, const char *path, spanwire_error *error);
spanwire_status spanwire_flare_send(
    spanwire_tracer tracer, const char *case_id, const char *email, const char *hostname, uint32_t timeout_ms,
    spanwire_error *error);
typedef struct spanwire_fate {
    size_t size;
    uint64_t trace_id_high;
    uint64_t trace_id_low;
    uint32_t state;
    uint32_t dropped;
    uint64_t spans_open;
    uint64_t spans_waiting;
    uint64_t spans_pending;
    uint64_t spans_sent;
    uint64_t spans_dropped;
    uint32_t attempts_failed;
    uint32_t http_status;
    int32_t error_number;
    int32_t priority;
    int32_t mechanism;
    uint32_t rule;
    double rate;
    uint32_t limited;
    uint32_t decided_elsewhere;
    uint64_t handed_ns;
    uint64_t changed_ns;
    char text[512];
} spanwire_fate;
spanwire_status spanwire_trace_fate(uint64_t trace_id_high, uint64_t trace_id_low, spanwire_fate *out);
typedef int32_t (*spanwire_memory_callback)(uint64_t address, void *into, size_t length, void *userdata);
typedef void (*spanwire_text_callback)(const char *text, size_t length, void *userdata);
spanwire_status spanwire_process_inspect(
    uint64_t root, uint64_t pid, const char *command, spanwire_memory_callback read, spanwire_text_callback write,
    void *userdata);
void spanwire_process_after_fork_child(void);
