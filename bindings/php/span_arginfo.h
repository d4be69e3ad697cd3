/* Spanwire\Span of spanwire.stub.php as the engine takes it. A test compares both. */

ZEND_BEGIN_ARG_INFO_EX(arginfo_span_construct, 0, 0, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_setTag, 0, 2, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
    ZEND_ARG_TYPE_INFO(0, value, IS_MIXED, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_setTags, 0, 1, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, tags, IS_ARRAY, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_setMetric, 0, 2, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
    ZEND_ARG_TYPE_INFO(0, value, IS_DOUBLE, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_removeTag, 0, 1, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_getTag, 0, 1, IS_STRING, 1)
    ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_setName, 0, 1, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_setService, 0, 1, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, service, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_setResource, 0, 1, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, resource, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_setType, 0, 1, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, type, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_setError, 0, 1, IS_STATIC, 0)
    ZEND_ARG_OBJ_INFO(0, error, Throwable, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_setErrorText, 0, 2, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, type, IS_STRING, 0)
    ZEND_ARG_TYPE_INFO(0, message, IS_STRING, 0)
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, stack, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_setErrorFlag, 0, 1, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, failed, _IS_BOOL, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_setPriority, 0, 1, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, priority, IS_LONG, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_finish, 0, 0, IS_VOID, 0)
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, endNs, IS_LONG, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_discard, 0, 0, IS_VOID, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_isOpen, 0, 0, _IS_BOOL, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_id, 0, 0, IS_STRING, 1)
ZEND_END_ARG_INFO()

/* Every method but the constructor, with its arginfo. */
#define SW_SPAN_METHODS(X) \
    X(setTag, setTag) X(setTags, setTags) X(setMetric, setMetric) X(removeTag, removeTag) X(getTag, getTag) \
    X(setName, setName) X(setService, setService) X(setResource, setResource) X(setType, setType) \
    X(setError, setError) X(setErrorText, setErrorText) X(setErrorFlag, setErrorFlag) X(setPriority, setPriority) \
    X(finish, finish) X(discard, discard) X(isOpen, isOpen) X(traceId, id) X(spanId, id)

#define X(name, arginfo) static ZEND_METHOD(Spanwire_Span, name);
SW_SPAN_METHODS(X)
#undef X
static ZEND_METHOD(Spanwire_Span, __construct);

static const zend_function_entry class_Spanwire_Span_methods[] = {
    ZEND_ME(Spanwire_Span, __construct, arginfo_span_construct, ZEND_ACC_PRIVATE)
#define X(name, arginfo) ZEND_ME(Spanwire_Span, name, arginfo_span_##arginfo, ZEND_ACC_PUBLIC)
    SW_SPAN_METHODS(X)
#undef X
    ZEND_FE_END
};
