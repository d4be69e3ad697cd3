# frozen_string_literal: true

module Spanwire
  # The C API of spanwire.h, names without `spanwire_` and `SPANWIRE_`.
  # Written from src/abi/ by `cargo test --test header -- --bless`.
  module Abi
    ABI_VERSION = 0
    OK = 0
    E_ARGUMENT = -1
    E_HANDLE = -2
    E_FORKED = -3
    E_CLOSED = -4
    E_VERSION = -5
    E_NOT_FOUND = -6
    E_LIMIT = -10
    E_MEMORY = -11
    E_TIMEOUT = -20
    E_BUSY = -21
    E_IO = -22
    E_PANIC = -30
    TRACERS_MAX = 64
    CONTEXT_HAS_PRIORITY = 1
    CONTEXTS_MAX = 4096
    SPAN_TAGS_MAX = 1024
    TAG_KEY_MAX = 200
    TAG_VALUE_MAX = 25000
    RESOURCE_MAX = 5000
    NAME_MAX = 200
    META_STRUCT_MAX = 1048576
    ID_TRACE_HEX = 0
    ID_TRACE = 1
    ID_SPAN = 2
    VALUE_TEXT = 0
    VALUE_BOOLEAN = 1
    VALUE_INTEGER = 2
    VALUE_FLOATING = 3
    VALUE_ARRAY = 4
    SPAN_LINKS_MAX = 128
    SPAN_EVENTS_MAX = 128
    ATTRIBUTES_MAX = 128
    ATTRIBUTES_SIZE_MAX = 65536
    VALUES_MAX = 128
    LINK_HAS_FLAGS = 256
    PRIORITY_NONE = -2147483648
    LEVEL_OFF = 0
    LEVEL_ERROR = 1
    LEVEL_WARN = 2
    LEVEL_INFO = 3
    LEVEL_DEBUG = 4
    LEVEL_TRACE = 5
    LOGGERS_MAX = 64
    LOG_HOST_ONLY = 1
    SINKS_MAX = 64
    LOG_FIELDS_TEXT = 0
    LOG_FIELDS_JSON = 1
    FATE_UNKNOWN = 0
    FATE_OPEN = 1
    FATE_QUEUED = 2
    FATE_IN_FLIGHT = 3
    FATE_SENT = 4
    FATE_DROPPED = 5
    FATE_ABANDONED = 6
    FATE_DISCARDED = 7
    FATE_SAMPLE_RATE = 32767
    FATE_MINUTE = 32766

    # Sizes of structures, in bytes.
    SIZES = {
      setting: 16, error: 256, stats: 240, context: 48, header: 32, tag: 32, metric: 24, span_options: 136, value: 40,
      attribute: 72, span_link: 72, span_event: 48, record: 192, log_record: 88, recorder_event: 64, fate: 640
    }.freeze

    # Where their fields are, in bytes.
    OFFSETS = {
      setting: {
        name: 0, value: 8
      }.freeze,
      error: {
        size: 0, status: 8, message: 12
      }.freeze,
      stats: {
        size: 0, spans_started: 8, spans_finished: 16, spans_open: 24, spans_abandoned: 32, spans_discarded: 40,
        spans_waiting: 48, spans_queued: 56, spans_in_flight: 64, spans_sent: 72, spans_dropped: 80,
        dropped_queue_full: 88, dropped_memory: 96, dropped_unreachable: 104, dropped_refused: 112,
        dropped_too_large: 120, dropped_shutdown: 128, dropped_invalid: 136, dropped_unknown_fate: 144,
        starts_refused: 152, payloads_sent: 160, payloads_unknown: 168, attempts_failed: 176, bytes_sent: 184,
        texts_repaired: 192, texts_cut: 200, tags_dropped: 208, parents_unknown: 216, memory_used: 224, memory_max: 232
      }.freeze,
      context: {
        size: 0, trace_id_high: 8, trace_id_low: 16, span_id: 24, sampling_priority: 32, decision_maker: 36, flags: 40,
        reserved: 44
      }.freeze,
      header: {
        name: 0, name_len: 8, value: 16, value_len: 24
      }.freeze,
      tag: {
        key: 0, key_len: 8, value: 16, value_len: 24
      }.freeze,
      metric: {
        key: 0, key_len: 8, value: 16
      }.freeze,
      span_options: {
        size: 0, parent: 8, parent_context: 16, name: 24, name_len: 32, service: 40, service_len: 48, resource: 56,
        resource_len: 64, type: 72, type_len: 80, start_ns: 88, tags: 96, tags_count: 104, metrics: 112,
        metrics_count: 120, context_handle: 128
      }.freeze,
      value: {
        type: 0, boolean: 4, integer: 8, floating: 16, text: 24, text_len: 32
      }.freeze,
      attribute: {
        key: 0, key_len: 8, type: 16, boolean: 20, integer: 24, floating: 32, text: 40, text_len: 48, values: 56,
        values_count: 64
      }.freeze,
      span_link: {
        size: 0, trace_id_high: 8, trace_id_low: 16, span_id: 24, tracestate: 32, tracestate_len: 40, attributes: 48,
        attributes_count: 56, flags: 64
      }.freeze,
      span_event: {
        size: 0, name: 8, name_len: 16, time_ns: 24, attributes: 32, attributes_count: 40
      }.freeze,
      record: {
        size: 0, trace_id_high: 8, trace_id_low: 16, span_id: 24, parent_id: 32, start_ns: 40, duration_ns: 48,
        name: 56, name_len: 64, service: 72, service_len: 80, resource: 88, resource_len: 96, type: 104, type_len: 112,
        tags: 120, tags_count: 128, metrics: 136, metrics_count: 144, error: 152, sampling_priority: 156, links: 160,
        links_count: 168, events: 176, events_count: 184
      }.freeze,
      log_record: {
        size: 0, time_ns: 8, level: 16, target: 24, text: 32, text_len: 40, lost: 48, logger: 56, message: 64,
        message_len: 72, flags: 80
      }.freeze,
      recorder_event: {
        size: 0, time_ns: 8, kind: 16, error: 20, name: 24, first: 32, second: 40, text: 48, text_len: 56
      }.freeze,
      fate: {
        size: 0, trace_id_high: 8, trace_id_low: 16, state: 24, dropped: 28, spans_open: 32, spans_waiting: 40,
        spans_pending: 48, spans_sent: 56, spans_dropped: 64, attempts_failed: 72, http_status: 76, error_number: 80,
        priority: 84, mechanism: 88, rule: 92, rate: 96, limited: 104, decided_elsewhere: 108, handed_ns: 112,
        changed_ns: 120, text: 128
      }.freeze
    }.freeze

    # Directives of Array#pack and String#unpack for whole structures.
    LAYOUTS = {
      setting: "Q2", error: "Qla244", stats: "Q30", context: "Q4l2L2", header: "Q4", tag: "Q4", metric: "Q2d",
      span_options: "Q11qQ5", value: "LlqdQ2", attribute: "Q2LlqdQ4", span_link: "Q8Lx4", span_event: "Q3qQ2",
      record: "Q5q2Q12l2Q4", log_record: "Q2lx4Q7Lx4", recorder_event: "Q2L2Q5", fate: "Q3L2Q5L2l3LdL2Q2a512"
    }.freeze

    # Parameters and result of each function.
    FUNCTIONS = {
      version: [[], :string],
      abi_version: [[], :uint32],
      status_text: [[:int32], :string],
      tracer_new: [%i[pointer size_t pointer pointer], :int32],
      tracer_start: [[:uint64], :int32],
      tracer_free: [[:uint64], :int32],
      tracer_flush: [%i[uint64 uint32], :int32],
      tracer_shutdown: [%i[uint64 uint32], :int32],
      tracer_stats: [%i[uint64 pointer], :int32],
      tracer_config_json: [%i[uint64 pointer size_t pointer], :int32],
      tracer_report_integration: [%i[uint64 string string string], :int32],
      context_extract: [%i[uint64 pointer size_t pointer], :int32],
      context_free: [[:uint64], :int32],
      context_get: [%i[uint64 pointer], :int32],
      span_start: [%i[uint64 uint64 string], :uint64],
      span_start_n: [%i[uint64 uint64 pointer size_t], :uint64],
      span_start_with: [%i[uint64 pointer pointer], :int32],
      span_set_tag: [%i[uint64 string string], :int32],
      span_set_tag_n: [%i[uint64 pointer size_t pointer size_t], :int32],
      span_set_metric: [%i[uint64 string double], :int32],
      span_set_metric_n: [%i[uint64 pointer size_t double], :int32],
      span_set_tags: [%i[uint64 pointer size_t], :int32],
      span_remove_tag: [%i[uint64 string], :int32],
      span_get_tag: [%i[uint64 string pointer size_t pointer], :int32],
      span_set_attributes: [%i[uint64 pointer size_t], :int32],
      span_add_link: [%i[uint64 pointer], :int32],
      span_add_event: [%i[uint64 pointer], :int32],
      span_set_service: [%i[uint64 string], :int32],
      span_set_resource: [%i[uint64 string], :int32],
      span_set_resource_n: [%i[uint64 pointer size_t], :int32],
      span_set_type: [%i[uint64 string], :int32],
      span_set_name: [%i[uint64 string], :int32],
      span_set_error: [%i[uint64 string string string], :int32],
      span_set_error_n: [%i[uint64 pointer size_t pointer size_t pointer size_t], :int32],
      span_set_error_flag: [%i[uint64 int32], :int32],
      span_set_meta_struct: [%i[uint64 string pointer size_t], :int32],
      span_set_priority: [%i[uint64 int32], :int32],
      span_finish: [[:uint64], :int32],
      span_finish_at: [%i[uint64 int64], :int32],
      span_discard: [[:uint64], :int32],
      span_context: [%i[uint64 pointer], :int32],
      span_id_text: [%i[uint64 int32 pointer size_t pointer], :int32],
      span_inject: [%i[uint64 pointer pointer], :int32],
      span_inject_text: [%i[uint64 pointer size_t pointer], :int32],
      context_inject: [%i[uint64 pointer pointer], :int32],
      context_inject_text: [%i[uint64 pointer size_t pointer], :int32],
      context_get_origin: [%i[uint64 pointer size_t pointer], :int32],
      span_get_origin: [%i[uint64 pointer size_t pointer], :int32],
      span_set_baggage: [%i[uint64 string string], :int32],
      span_get_baggage: [%i[uint64 string pointer size_t pointer], :int32],
      span_remove_baggage: [%i[uint64 string], :int32],
      span_each_baggage: [%i[uint64 pointer pointer], :int32],
      span_baggage_text: [%i[uint64 pointer size_t pointer], :int32],
      context_set_baggage: [%i[uint64 string string], :int32],
      context_get_baggage: [%i[uint64 string pointer size_t pointer], :int32],
      context_remove_baggage: [%i[uint64 string], :int32],
      context_each_baggage: [%i[uint64 pointer pointer], :int32],
      context_baggage_text: [%i[uint64 pointer size_t pointer], :int32],
      span_submit: [%i[uint64 pointer size_t], :int32],
      span_submit_packed: [%i[uint64 pointer size_t], :int32],
      trace_submit_v04: [%i[uint64 pointer size_t], :int32],
      debug_set: [[:int32], :int32],
      debug_set_for: [[:uint32], :int32],
      debug_get: [[], :int32],
      log_set_level: [[:int32], :int32],
      log_set_logger_level: [%i[string int32], :int32],
      log_poll: [%i[pointer pointer size_t pointer], :int32],
      log_drain: [%i[pointer size_t pointer], :int32],
      log_take: [%i[pointer pointer size_t pointer], :int32],
      log_fd: [[], :int32],
      log_write: [%i[int32 string string], :int32],
      log_write_n: [%i[int32 pointer size_t pointer size_t], :int32],
      log_event: [%i[string pointer size_t], :int32],
      log_add_sink_any_thread: [%i[int32 pointer pointer pointer pointer], :int32],
      log_remove_sink: [[:uint64], :int32],
      log_correlation: [%i[uint64 uint64 uint32 pointer size_t pointer], :int32],
      recorder_read: [%i[pointer pointer size_t pointer], :int32],
      recorder_fd: [[], :int32],
      flare_write: [%i[uint64 string pointer], :int32],
      flare_send: [%i[uint64 string string string uint32 pointer], :int32],
      trace_fate: [%i[uint64 uint64 pointer], :int32],
      process_inspect: [%i[uint64 uint64 string pointer pointer pointer], :int32],
      process_after_fork_child: [[], :void]
    }.freeze
  end
end
