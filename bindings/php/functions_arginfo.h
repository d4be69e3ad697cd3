/* The functions of spanwire.stub.php as the engine takes them. A test compares both. */

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_bool, 0, 0, _IS_BOOL, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_text_or_null, 0, 0, IS_STRING, 1)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_number, 0, 0, IS_LONG, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_current_span, 0, 0, Spanwire\\Span, 1)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_set_debug, 0, 1, IS_VOID, 0)
    ZEND_ARG_TYPE_INFO(0, enabled, _IS_BOOL, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_set_debug_for, 0, 1, IS_VOID, 0)
    ZEND_ARG_TYPE_INFO(0, seconds, IS_LONG, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_set_log_level, 0, 1, _IS_BOOL, 0)
    ZEND_ARG_TYPE_INFO(0, level, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_log, 0, 2, _IS_BOOL, 0)
    ZEND_ARG_TYPE_INFO(0, level, IS_STRING, 0)
    ZEND_ARG_TYPE_INFO(0, message, IS_STRING, 0)
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, target, IS_STRING, 0, "\'php\'")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_set_logger, 0, 1, _IS_BOOL, 0)
    ZEND_ARG_TYPE_INFO(0, logger, IS_MIXED, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_take_log, 0, 0, IS_ARRAY, 0)
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, max, IS_LONG, 0, "0")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_log_correlation, 0, 0, IS_STRING, 0)
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, json, _IS_BOOL, 0, "false")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_trace_fate, 0, 1, IS_ARRAY, 1)
    ZEND_ARG_TYPE_INFO(0, traceId, IS_STRING, 0)
ZEND_END_ARG_INFO()

/* Every function, with its arginfo. */
#define SW_PHP_FUNCTIONS(X) \
    X(available, bool) X(version, text_or_null) \
    X(current_span, current_span) X(trace_id, text_or_null) X(span_id, text_or_null) \
    X(log_correlation, log_correlation) X(trace_fate, trace_fate) \
    X(debug, bool) X(set_debug, set_debug) X(set_debug_for, set_debug_for) \
    X(set_log_level, set_log_level) X(log, log) X(set_logger, set_logger) X(drain_log, number) \
    X(take_log, take_log) X(logger_failures, number)

#define X(name, arginfo) ZEND_FUNCTION(spanwire_##name);
SW_PHP_FUNCTIONS(X)
#undef X

static const zend_function_entry functions[] = {
#define X(name, arginfo) ZEND_NS_NAMED_FE("Spanwire", name, ZEND_FN(spanwire_##name), arginfo_##arginfo)
    SW_PHP_FUNCTIONS(X)
#undef X
    ZEND_FE_END
};
