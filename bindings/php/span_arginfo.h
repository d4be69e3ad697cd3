/* Spanwire\Span of spanwire.stub.php as the engine takes it. A test compares both. */

#include "headers_arginfo.h"

ZEND_BEGIN_ARG_INFO_EX(arginfo_span_construct, 0, 0, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_setTag, 0, 2, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
    ZEND_ARG_TYPE_INFO(0, value, IS_MIXED, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_setTags, 0, 1, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, tags, IS_ARRAY, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_setAttributes, 0, 1, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, attributes, IS_ARRAY, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_addEvent, 0, 1, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, attributes, IS_ARRAY, 0, "[]")
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, timeNs, IS_LONG, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_addLink, 0, 1, IS_STATIC, 0)
    ZEND_ARG_OBJ_TYPE_MASK(0, to, Spanwire\\Span|Spanwire\\Context, 0, NULL)
    ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, attributes, IS_ARRAY, 0, "[]")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_span_setMetaStruct, 0, 2, IS_STATIC, 0)
    ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
    ZEND_ARG_TYPE_INFO(0, bytes, IS_STRING, 0)
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
    X(setTag, span_setTag) X(setTags, span_setTags) X(setMetric, span_setMetric) X(removeTag, span_removeTag) \
    X(setAttribute, span_setTag) X(setAttributes, span_setAttributes) X(addEvent, span_addEvent) \
    X(addLink, span_addLink) X(setMetaStruct, span_setMetaStruct) \
    X(getTag, span_getTag) X(setName, span_setName) X(setService, span_setService) X(setResource, span_setResource) \
    X(setType, span_setType) X(setError, span_setError) X(setErrorText, span_setErrorText) \
    X(setErrorFlag, span_setErrorFlag) X(setPriority, span_setPriority) X(finish, span_finish) \
    X(discard, span_discard) X(isOpen, span_isOpen) X(traceId, span_id) X(spanId, span_id) \
    X(origin, carrier_origin) X(inject, carrier_inject) X(injectLines, carrier_list) \
    X(setBaggage, carrier_setBaggage) X(getBaggage, carrier_getBaggage) X(removeBaggage, carrier_removeBaggage) \
    X(baggage, carrier_list)

#define X(name, arginfo) static ZEND_METHOD(Spanwire_Span, name);
SW_SPAN_METHODS(X)
#undef X
static ZEND_METHOD(Spanwire_Span, __construct);

static const zend_function_entry class_Spanwire_Span_methods[] = {
    ZEND_ME(Spanwire_Span, __construct, arginfo_span_construct, ZEND_ACC_PRIVATE)
#define X(name, arginfo) ZEND_ME(Spanwire_Span, name, arginfo_##arginfo, ZEND_ACC_PUBLIC)
    SW_SPAN_METHODS(X)
#undef X
    ZEND_FE_END
};
