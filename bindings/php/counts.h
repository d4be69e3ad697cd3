/* The counters of spanwire_stats. Written from src/abi/ by `cargo test --test header -- --bless`. */
#define SW_COUNTS(X) \
    X(spans_started) X(spans_finished) X(spans_open) X(spans_abandoned) X(spans_discarded) X(spans_waiting) \
    X(spans_queued) X(spans_in_flight) X(spans_sent) X(spans_dropped) X(dropped_queue_full) X(dropped_memory) \
    X(dropped_unreachable) X(dropped_refused) X(dropped_too_large) X(dropped_shutdown) X(dropped_invalid) \
    X(dropped_unknown_fate) X(starts_refused) X(payloads_sent) X(payloads_unknown) X(attempts_failed) X(bytes_sent) \
    X(texts_repaired) X(texts_cut) X(tags_dropped) X(parents_unknown) X(memory_used) X(memory_max)
