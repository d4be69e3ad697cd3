/* The function Spanwire\trace_fate(): what became of a trace. */
#include "php_spanwire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By the constants SPANWIRE_FATE_*. */
static const char *const states[] = {"unknown", "open", "queued", "in_flight", "sent", "dropped", "abandoned", "discarded"};
/* By `dropped` of spanwire_fate: the counters of spanwire_stats. */
static const char *const reasons[] = {NULL, "queue_full", "memory", "unreachable", "refused", "too_large", "shutdown",
                                      "invalid", "unknown_fate"};
#define NAME(list, number) ((number) < sizeof list / sizeof *list ? list[number] : NULL)

/* One half of a trace id: 16 digits at most. */
static bool half(const char *digits, size_t len, uint64_t *out) {
    char text[17] = "", *end;
    if (len == 0 || len > 16) return false;
    memcpy(text, digits, len);
    if (strspn(text, "0123456789abcdefABCDEF") != len) return false;
    *out = strtoull(text, &end, 16);
    return true;
}

static bool decimal(const zend_string *id, uint64_t *out) {
    size_t len = ZSTR_LEN(id);
    if (len == 0 || len > 20 || strspn(ZSTR_VAL(id), "0123456789") != len) return false;
    *out = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(ZSTR_VAL(id)[i] - '0');
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, digit, out)) return false;
    }
    return true;
}

static bool fate_of(uint64_t high, uint64_t low, spanwire_fate *fate) {
    *fate = (spanwire_fate){.size = sizeof *fate};
    return sw.trace_fate(high, low, fate) == SPANWIRE_OK;
}

/* Reads the id, and asks. */
static bool asked(const zend_string *id, spanwire_fate *fate) {
    const char *digits = ZSTR_VAL(id);
    size_t len = ZSTR_LEN(id);
    uint64_t high = 0, low;
    bool known = false;
    if (len == 32 ? half(digits, 16, &high) && half(digits + 16, 16, &low) : len == 16 && half(digits, len, &low)) {
        known = fate_of(high, low, fate);
        if (len == 32 || (known && fate->state != SPANWIRE_FATE_UNKNOWN)) return known;
    }
    /* 16 digits may also be a decimal id. */
    return decimal(id, &low) ? fate_of(0, low, fate) : known;
}

static void add_text(zval *to, const char *key, const char *value) {
    if (value) {
        add_assoc_string(to, key, value);
    } else {
        add_assoc_null(to, key);
    }
}

/* Adds the number, or null if it stands for none. */
static void add_number(zval *to, const char *key, zend_long value, zend_long none) {
    if (value != none) {
        add_assoc_long(to, key, value);
    } else {
        add_assoc_null(to, key);
    }
}

static void add_rule(zval *to, const spanwire_fate *fate) {
    switch (fate->rule) {
    case SPANWIRE_FATE_SAMPLE_RATE: add_assoc_string(to, "rule", "sample_rate"); break;
    case SPANWIRE_FATE_MINUTE: add_assoc_string(to, "rule", "minute"); break;
    default: add_number(to, "rule", fate->rule, 0);
    }
}

ZEND_FUNCTION(spanwire_trace_fate) {
    zend_string *id;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_STR(id)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_fate fate;
    if (!sw.loaded || !asked(id, &fate)) RETURN_NULL();
    char trace_id[40];
    snprintf(trace_id, sizeof trace_id, "%016" PRIx64 "%016" PRIx64, fate.trace_id_high, fate.trace_id_low);
    array_init(return_value);
    const char *state = NAME(states, fate.state);
    add_text(return_value, "state", state ? state : "unknown");
    add_text(return_value, "text", fate.text);
    add_text(return_value, "trace_id", fate.trace_id_low || fate.trace_id_high ? trace_id : NULL);
    add_text(return_value, "dropped", NAME(reasons, fate.dropped));
#define X(name) add_assoc_long(return_value, #name, (zend_long)fate.name);
    X(spans_open) X(spans_waiting) X(spans_pending) X(spans_sent) X(spans_dropped) X(attempts_failed)
#undef X
    add_number(return_value, "http_status", fate.http_status, 0);
    add_number(return_value, "error_number", fate.error_number, 0);
    add_number(return_value, "priority", fate.priority, SPANWIRE_PRIORITY_NONE);
    add_number(return_value, "mechanism", fate.mechanism, SPANWIRE_PRIORITY_NONE);
    add_rule(return_value, &fate);
    if (fate.rate >= 0) {
        add_assoc_double(return_value, "rate", fate.rate);
    } else {
        add_assoc_null(return_value, "rate");
    }
    add_assoc_bool(return_value, "limited", fate.limited != 0);
    add_assoc_bool(return_value, "decided_elsewhere", fate.decided_elsewhere != 0);
    add_number(return_value, "handed_ns", (zend_long)fate.handed_ns, 0);
    add_number(return_value, "changed_ns", (zend_long)fate.changed_ns, 0);
}
