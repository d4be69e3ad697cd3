/* Spanwire\Tracer of spanwire.stub.php as the engine takes it. A test compares both. */

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_tracer_get, 0, 0, Spanwire\\Tracer, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_tracer_construct, 0, 0, 0)
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, settings, IS_ARRAY, 0, "[]")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_tracer_startSpan, 0, 1, Spanwire\\Span, 0)
    ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
    ZEND_ARG_OBJ_TYPE_MASK(0, parent, Spanwire\\Span|Spanwire\\Context, MAY_BE_FALSE | MAY_BE_NULL, "null")
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, service, IS_STRING, 1, "null")
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, resource, IS_STRING, 1, "null")
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, type, IS_STRING, 1, "null")
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, tags, IS_ARRAY, 0, "[]")
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, activate, _IS_BOOL, 0, "false")
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, startNs, IS_LONG, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_tracer_trace, 0, 2, IS_MIXED, 0)
    ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
    ZEND_ARG_TYPE_INFO(0, function, IS_CALLABLE, 0)
    ZEND_ARG_OBJ_TYPE_MASK(0, parent, Spanwire\\Span|Spanwire\\Context, MAY_BE_FALSE | MAY_BE_NULL, "null")
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, service, IS_STRING, 1, "null")
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, resource, IS_STRING, 1, "null")
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, type, IS_STRING, 1, "null")
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, tags, IS_ARRAY, 0, "[]")
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, startNs, IS_LONG, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_tracer_flush, 0, 0, _IS_BOOL, 0)
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, timeoutMs, IS_LONG, 0, "2000")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_tracer_shutdown, 0, 0, _IS_BOOL, 0)
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, timeoutMs, IS_LONG, 0, "1000")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_tracer_stats, 0, 0, IS_ARRAY, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_tracer_configJson, 0, 0, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_tracer_writeFlare, 0, 1, IS_STRING, 1)
    ZEND_ARG_TYPE_INFO(0, path, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_tracer_sendFlare, 0, 2, IS_STRING, 1)
    ZEND_ARG_TYPE_INFO(0, caseId, IS_STRING, 0)
    ZEND_ARG_TYPE_INFO(0, email, IS_STRING, 0)
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, hostname, IS_STRING, 1, "null")
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, timeoutMs, IS_LONG, 0, "10000")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_tracer_reportIntegration, 0, 1, IS_VOID, 0)
    ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, version, IS_STRING, 1, "null")
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, status, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()

static ZEND_METHOD(Spanwire_Tracer, get);
static ZEND_METHOD(Spanwire_Tracer, __construct);
static ZEND_METHOD(Spanwire_Tracer, startSpan);
static ZEND_METHOD(Spanwire_Tracer, trace);
static ZEND_METHOD(Spanwire_Tracer, flush);
static ZEND_METHOD(Spanwire_Tracer, shutdown);
static ZEND_METHOD(Spanwire_Tracer, stats);
static ZEND_METHOD(Spanwire_Tracer, configJson);
static ZEND_METHOD(Spanwire_Tracer, writeFlare);
static ZEND_METHOD(Spanwire_Tracer, sendFlare);
static ZEND_METHOD(Spanwire_Tracer, reportIntegration);

static const zend_function_entry class_Spanwire_Tracer_methods[] = {
    ZEND_ME(Spanwire_Tracer, get, arginfo_tracer_get, ZEND_ACC_PUBLIC | ZEND_ACC_STATIC)
    ZEND_ME(Spanwire_Tracer, __construct, arginfo_tracer_construct, ZEND_ACC_PUBLIC)
    ZEND_ME(Spanwire_Tracer, startSpan, arginfo_tracer_startSpan, ZEND_ACC_PUBLIC)
    ZEND_ME(Spanwire_Tracer, trace, arginfo_tracer_trace, ZEND_ACC_PUBLIC)
    ZEND_ME(Spanwire_Tracer, flush, arginfo_tracer_flush, ZEND_ACC_PUBLIC)
    ZEND_ME(Spanwire_Tracer, shutdown, arginfo_tracer_shutdown, ZEND_ACC_PUBLIC)
    ZEND_ME(Spanwire_Tracer, stats, arginfo_tracer_stats, ZEND_ACC_PUBLIC)
    ZEND_ME(Spanwire_Tracer, configJson, arginfo_tracer_configJson, ZEND_ACC_PUBLIC)
    ZEND_ME(Spanwire_Tracer, writeFlare, arginfo_tracer_writeFlare, ZEND_ACC_PUBLIC)
    ZEND_ME(Spanwire_Tracer, sendFlare, arginfo_tracer_sendFlare, ZEND_ACC_PUBLIC)
    ZEND_ME(Spanwire_Tracer, reportIntegration, arginfo_tracer_reportIntegration, ZEND_ACC_PUBLIC)
    ZEND_FE_END
};
