/* Spanwire\Context of spanwire.stub.php as the engine takes it. A test compares both. */

#include "headers_arginfo.h"

ZEND_BEGIN_ARG_INFO_EX(arginfo_context_construct, 0, 0, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_context_extract, 0, 1, Spanwire\\Context, 1)
    ZEND_ARG_TYPE_INFO(0, headers, IS_ARRAY, 0)
    ZEND_ARG_OBJ_INFO_WITH_DEFAULT_VALUE(0, tracer, Spanwire\\Tracer, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_context_id, 0, 0, IS_STRING, 1)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_context_priority, 0, 0, IS_LONG, 1)
ZEND_END_ARG_INFO()

/* Every method but the constructor and extract(), with its arginfo. */
#define SW_CONTEXT_METHODS(X) \
    X(traceId, context_id) X(spanId, context_id) X(priority, context_priority) X(origin, carrier_origin) \
    X(inject, carrier_inject) X(injectLines, carrier_list) \
    X(setBaggage, carrier_setBaggage) X(getBaggage, carrier_getBaggage) X(removeBaggage, carrier_removeBaggage) \
    X(baggage, carrier_list)

#define X(name, arginfo) static ZEND_METHOD(Spanwire_Context, name);
SW_CONTEXT_METHODS(X)
#undef X
static ZEND_METHOD(Spanwire_Context, __construct);
static ZEND_METHOD(Spanwire_Context, extract);

static const zend_function_entry class_Spanwire_Context_methods[] = {
    ZEND_ME(Spanwire_Context, __construct, arginfo_context_construct, ZEND_ACC_PRIVATE)
    ZEND_ME(Spanwire_Context, extract, arginfo_context_extract, ZEND_ACC_PUBLIC | ZEND_ACC_STATIC)
#define X(name, arginfo) ZEND_ME(Spanwire_Context, name, arginfo_##arginfo, ZEND_ACC_PUBLIC)
    SW_CONTEXT_METHODS(X)
#undef X
    ZEND_FE_END
};
