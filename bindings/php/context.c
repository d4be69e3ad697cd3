/* The class Spanwire\Context: what a request carries in its headers. An object owns one handle of the library. */
#include "php_spanwire.h"

#include <Zend/zend_interfaces.h>
#include <inttypes.h>
#include <stdio.h>

#include "context_arginfo.h"
#include "headers.h"

zend_class_entry *sw_context_ce;
static zend_object_handlers handlers;

typedef struct {
    spanwire_context_handle handle;
    zend_object std;
} sw_context_object;

static sw_context_object *object_of(zend_object *object) {
    return (sw_context_object *)((char *)object - offsetof(sw_context_object, std));
}

spanwire_context_handle sw_context_handle(zend_object *object) { return object_of(object)->handle; }

#define THIS_CONTEXT sw_context_handle(Z_OBJ_P(ZEND_THIS))

static zend_object *create(zend_class_entry *ce) {
    sw_context_object *object = zend_object_alloc(sizeof *object, ce);
    object->handle = 0;
    zend_object_std_init(&object->std, ce);
    object_properties_init(&object->std, ce);
    object->std.handlers = &handlers;
    return &object->std;
}

static void destroy(zend_object *std) {
    if (object_of(std)->handle) sw.context_free(object_of(std)->handle);
    object_of(std)->handle = 0;
    zend_object_std_dtor(std);
}

static ZEND_METHOD(Spanwire_Context, __construct) { ZEND_PARSE_PARAMETERS_NONE(); }

static ZEND_METHOD(Spanwire_Context, extract) {
    HashTable *from;
    zval *tracer = NULL;
    ZEND_PARSE_PARAMETERS_START(1, 2)
        Z_PARAM_ARRAY_HT(from)
        Z_PARAM_OPTIONAL
        Z_PARAM_OBJECT_OF_CLASS_OR_NULL(tracer, sw_tracer_ce)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_tracer by = tracer ? sw_tracer_handle(Z_OBJ_P(tracer)) : sw_tracer_default();
    if (!by) RETURN_NULL();
    /* Made first: if PHP's memory is at its limit, the context would have no owner. */
    object_init_ex(return_value, sw_context_ce);
    sw_headers headers;
    spanwire_context_handle handle = 0;
    if (sw_headers_collect(&headers, from)) sw.context_extract(by, headers.headers, headers.count, &handle);
    sw_headers_free(&headers);
    object_of(Z_OBJ_P(return_value))->handle = handle;
    if (handle) return;
    zval_ptr_dtor(return_value);
    ZVAL_NULL(return_value);
}

/* ---- Ids and decision ---- */

static bool ids(zval *this, spanwire_context *to) {
    *to = (spanwire_context){.size = sizeof *to};
    spanwire_context_handle handle = sw_context_handle(Z_OBJ_P(this));
    return handle && sw.context_get(handle, to) == SPANWIRE_OK;
}

static ZEND_METHOD(Spanwire_Context, traceId) {
    ZEND_PARSE_PARAMETERS_NONE();
    spanwire_context context;
    if (!ids(ZEND_THIS, &context)) RETURN_NULL();
    char text[40];
    snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, context.trace_id_high, context.trace_id_low);
    RETURN_STRING(text);
}

static ZEND_METHOD(Spanwire_Context, spanId) {
    ZEND_PARSE_PARAMETERS_NONE();
    spanwire_context context;
    if (!ids(ZEND_THIS, &context) || context.span_id == 0) RETURN_NULL();
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, context.span_id);
    RETURN_STRING(text);
}

static ZEND_METHOD(Spanwire_Context, priority) {
    ZEND_PARSE_PARAMETERS_NONE();
    spanwire_context context;
    if (!ids(ZEND_THIS, &context) || !(context.flags & SPANWIRE_CONTEXT_HAS_PRIORITY)) RETURN_NULL();
    RETURN_LONG(context.sampling_priority);
}

static ZEND_METHOD(Spanwire_Context, origin) {
    sw_headers_text(INTERNAL_FUNCTION_PARAM_PASSTHRU, sw.context_get_origin, THIS_CONTEXT);
}

/* ---- Headers and baggage ---- */

static ZEND_METHOD(Spanwire_Context, inject) {
    sw_headers_inject(INTERNAL_FUNCTION_PARAM_PASSTHRU, sw.context_inject_text, THIS_CONTEXT);
}

static ZEND_METHOD(Spanwire_Context, injectLines) {
    sw_headers_inject_lines(INTERNAL_FUNCTION_PARAM_PASSTHRU, sw.context_inject_text, THIS_CONTEXT);
}

static ZEND_METHOD(Spanwire_Context, setBaggage) {
    zend_string *key, *value;
    ZEND_PARSE_PARAMETERS_START(2, 2)
        Z_PARAM_STR(key)
        Z_PARAM_STR(value)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_context_handle context = THIS_CONTEXT;
    if (context) sw.context_set_baggage(context, ZSTR_VAL(key), ZSTR_VAL(value));
    RETURN_OBJ_COPY(Z_OBJ_P(ZEND_THIS));
}

static ZEND_METHOD(Spanwire_Context, getBaggage) {
    sw_headers_get_item(INTERNAL_FUNCTION_PARAM_PASSTHRU, sw.context_get_baggage, THIS_CONTEXT);
}

static ZEND_METHOD(Spanwire_Context, removeBaggage) {
    zend_string *key;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_STR(key)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_context_handle context = THIS_CONTEXT;
    if (context) sw.context_remove_baggage(context, ZSTR_VAL(key));
    RETURN_OBJ_COPY(Z_OBJ_P(ZEND_THIS));
}

static ZEND_METHOD(Spanwire_Context, baggage) {
    sw_headers_baggage(INTERNAL_FUNCTION_PARAM_PASSTHRU, sw.context_baggage_text, THIS_CONTEXT);
}

void sw_context_register_class(void) {
    zend_class_entry ce;
    INIT_CLASS_ENTRY(ce, "Spanwire\\Context", class_Spanwire_Context_methods);
    sw_context_ce = zend_register_internal_class_ex(&ce, NULL);
    sw_context_ce->ce_flags |= ZEND_ACC_FINAL | ZEND_ACC_NO_DYNAMIC_PROPERTIES | ZEND_ACC_NOT_SERIALIZABLE;
    sw_context_ce->create_object = create;
    handlers = *zend_get_std_object_handlers();
    handlers.offset = offsetof(sw_context_object, std);
    handlers.free_obj = destroy;
    handlers.clone_obj = NULL;
}
