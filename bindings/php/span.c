/*
 * The class Spanwire\Span. start.c starts spans, stack.c keeps the current span, tags.c makes tags of arrays,
 * attributes.c typed attributes, events and links, headers.c arrays of headers, errors.c marks errors. A span that the
 * script leaves open is finished with its object, or at the end of the request.
 */
#include "php_spanwire.h"

#include <Zend/zend_exceptions.h>
#include <Zend/zend_interfaces.h>

#include "headers.h"
#include "span.h"
#include "span_arginfo.h"

zend_class_entry *sw_span_ce;
static zend_object_handlers handlers;

/* The handle for calls of the library; 0, which does nothing, once the span has finished. */
spanwire_span sw_span_open(zend_object *object) {
    sw_node *node = sw_span_object_of(object)->node;
    return node && node->open ? node->handle : 0;
}

/* ---- Objects ---- */

static zend_object *create(zend_class_entry *ce) {
    sw_span_object *object = zend_object_alloc(sizeof *object, ce);
    object->node = NULL;
    zend_object_std_init(&object->std, ce);
    object_properties_init(&object->std, ce);
    object->std.handlers = &handlers;
    return &object->std;
}

static void destroy(zend_object *std) {
    sw_node *node = sw_span_object_of(std)->node;
    sw_span_object_of(std)->node = NULL;
    if (node) {
        node->object = NULL;
        if (node->open) {
            /* An exception that is in flight while the last variable goes away is the reason. */
            if (EG(exception)) sw_errors_set_exception(node->handle, EG(exception));
            sw.span_finish(node->handle);
            sw_stack_close(node);
        }
        sw_stack_release(node);
    }
    zend_object_std_dtor(std);
}

void sw_span_request_ends(void) {
    while (SW_G(newest)) {
        sw_node *node = SW_G(newest);
        sw.span_finish(node->handle);
        sw_stack_close(node);
    }
    /* Remaining objects and fibers release their nodes later; the memory is freed with the request. */
}

static ZEND_METHOD(Spanwire_Span, __construct) { ZEND_PARSE_PARAMETERS_NONE(); }

/* ---- Describing ---- */

#define THIS_SPAN sw_span_open(Z_OBJ_P(ZEND_THIS))
#define RETURN_THIS() RETURN_OBJ_COPY(Z_OBJ_P(ZEND_THIS))

static ZEND_METHOD(Spanwire_Span, setTag) {
    zend_string *key;
    zval *value;
    ZEND_PARSE_PARAMETERS_START(2, 2)
        Z_PARAM_STR(key)
        Z_PARAM_ZVAL(value)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_span span = THIS_SPAN;
    if (!span) RETURN_THIS();
    sw_tags one;
    sw_tags_collect(&one, NULL);
    if (Z_TYPE_P(value) == IS_NULL) sw.span_remove_tag(span, ZSTR_VAL(key));
    else if (sw_tags_add(&one, ZSTR_VAL(key), ZSTR_LEN(key), value)) {
        span = THIS_SPAN; /* a __toString() may have finished the span */
        if (span && one.tags_count)
            sw.span_set_tag_n(span, ZSTR_VAL(key), ZSTR_LEN(key), one.tags[0].value, one.tags[0].value_len);
        if (span && one.metrics_count)
            sw.span_set_metric_n(span, ZSTR_VAL(key), ZSTR_LEN(key), one.metrics[0].value);
    }
    sw_tags_free(&one);
    RETURN_THIS();
}

static ZEND_METHOD(Spanwire_Span, setTags) {
    HashTable *tags;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_ARRAY_HT(tags)
    ZEND_PARSE_PARAMETERS_END();
    if (!THIS_SPAN) RETURN_THIS();
    sw_tags collected;
    bool complete = sw_tags_collect(&collected, tags);
    spanwire_span span = THIS_SPAN;
    if (complete && span) {
        if (collected.tags_count) sw.span_set_tags(span, collected.tags, collected.tags_count);
        for (size_t i = 0; i < collected.metrics_count; i++) {
            const spanwire_metric *metric = &collected.metrics[i];
            sw.span_set_metric_n(span, metric->key, metric->key_len, metric->value);
        }
    }
    sw_tags_free(&collected);
    RETURN_THIS();
}

static ZEND_METHOD(Spanwire_Span, setMetric) {
    zend_string *key;
    double value;
    ZEND_PARSE_PARAMETERS_START(2, 2)
        Z_PARAM_STR(key)
        Z_PARAM_DOUBLE(value)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_span span = THIS_SPAN;
    if (span) sw.span_set_metric_n(span, ZSTR_VAL(key), ZSTR_LEN(key), value);
    RETURN_THIS();
}

/* Methods with one text. */
#define TEXT_METHOD(method, call) \
    static ZEND_METHOD(Spanwire_Span, method) { \
        zend_string *text; \
        ZEND_PARSE_PARAMETERS_START(1, 1) \
            Z_PARAM_STR(text) \
        ZEND_PARSE_PARAMETERS_END(); \
        spanwire_span span = THIS_SPAN; \
        if (span) call; \
        RETURN_THIS(); \
    }
TEXT_METHOD(removeTag, sw.span_remove_tag(span, ZSTR_VAL(text)))
TEXT_METHOD(removeBaggage, sw.span_remove_baggage(span, ZSTR_VAL(text)))
TEXT_METHOD(setName, sw.span_set_name(span, ZSTR_VAL(text)))
TEXT_METHOD(setService, sw.span_set_service(span, ZSTR_VAL(text)))
TEXT_METHOD(setResource, sw.span_set_resource_n(span, ZSTR_VAL(text), ZSTR_LEN(text)))
TEXT_METHOD(setType, sw.span_set_type(span, ZSTR_VAL(text)))

static ZEND_METHOD(Spanwire_Span, getTag) {
    sw_headers_get_item(INTERNAL_FUNCTION_PARAM_PASSTHRU, sw.span_get_tag, THIS_SPAN);
}

static ZEND_METHOD(Spanwire_Span, setAttribute) { sw_attributes_set_one(INTERNAL_FUNCTION_PARAM_PASSTHRU); }

static ZEND_METHOD(Spanwire_Span, setAttributes) { sw_attributes_set(INTERNAL_FUNCTION_PARAM_PASSTHRU); }

static ZEND_METHOD(Spanwire_Span, addEvent) { sw_attributes_add_event(INTERNAL_FUNCTION_PARAM_PASSTHRU); }

static ZEND_METHOD(Spanwire_Span, addLink) { sw_attributes_add_link(INTERNAL_FUNCTION_PARAM_PASSTHRU); }

static ZEND_METHOD(Spanwire_Span, setMetaStruct) {
    zend_string *key, *bytes;
    ZEND_PARSE_PARAMETERS_START(2, 2)
        Z_PARAM_STR(key)
        Z_PARAM_STR(bytes)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_span span = THIS_SPAN;
    if (span) sw.span_set_meta_struct(span, ZSTR_VAL(key), ZSTR_VAL(bytes), ZSTR_LEN(bytes));
    RETURN_THIS();
}

static ZEND_METHOD(Spanwire_Span, setError) {
    zval *error;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_OBJECT_OF_CLASS(error, zend_ce_throwable)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_span span = THIS_SPAN;
    if (span) sw_errors_set_exception(span, Z_OBJ_P(error));
    RETURN_THIS();
}

static ZEND_METHOD(Spanwire_Span, setErrorText) {
    zend_string *type, *message, *stack = NULL;
    ZEND_PARSE_PARAMETERS_START(2, 3)
        Z_PARAM_STR(type)
        Z_PARAM_STR(message)
        Z_PARAM_OPTIONAL
        Z_PARAM_STR_OR_NULL(stack)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_span span = THIS_SPAN;
    if (span) sw_errors_set_texts(span, type, message, stack);
    RETURN_THIS();
}

static ZEND_METHOD(Spanwire_Span, setErrorFlag) {
    bool failed;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_BOOL(failed)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_span span = THIS_SPAN;
    if (span) sw.span_set_error_flag(span, failed);
    RETURN_THIS();
}

static ZEND_METHOD(Spanwire_Span, setPriority) {
    zend_long priority;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_LONG(priority)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_span span = THIS_SPAN;
    /* An invalid priority must not become a valid one when it is cut to 32 bits. */
    if (span) sw.span_set_priority(span, priority < -1 || priority > 2 ? INT32_MAX : (int32_t)priority);
    RETURN_THIS();
}

/* ---- Finishing, and ids ---- */

static ZEND_METHOD(Spanwire_Span, finish) {
    bool now = true;
    zend_long end = 0;
    ZEND_PARSE_PARAMETERS_START(0, 1)
        Z_PARAM_OPTIONAL
        Z_PARAM_LONG_OR_NULL(end, now)
    ZEND_PARSE_PARAMETERS_END();
    sw_node *node = sw_span_object_of(Z_OBJ_P(ZEND_THIS))->node;
    if (!node || !node->open) return;
    if (now) sw.span_finish(node->handle);
    else sw.span_finish_at(node->handle, end);
    sw_stack_close(node);
}

static ZEND_METHOD(Spanwire_Span, discard) {
    ZEND_PARSE_PARAMETERS_NONE();
    sw_node *node = sw_span_object_of(Z_OBJ_P(ZEND_THIS))->node;
    if (!node || !node->open) return;
    sw.span_discard(node->handle);
    sw_stack_close(node);
}

static ZEND_METHOD(Spanwire_Span, isOpen) {
    ZEND_PARSE_PARAMETERS_NONE();
    /* Only the library knows whether a parent process started the span. */
    spanwire_span span = THIS_SPAN;
    RETURN_BOOL(span && sw.span_set_tags(span, NULL, 0) == SPANWIRE_OK);
}

static void return_id(zval *return_value, spanwire_span span, int32_t kind) {
    char text[64];
    size_t need = 0;
    if (!span || sw.span_id_text(span, kind, text, sizeof text, &need) != SPANWIRE_OK) RETURN_NULL();
    RETURN_STRINGL(text, need - 1);
}

static ZEND_METHOD(Spanwire_Span, traceId) {
    ZEND_PARSE_PARAMETERS_NONE();
    return_id(return_value, THIS_SPAN, SPANWIRE_ID_TRACE_HEX);
}

static ZEND_METHOD(Spanwire_Span, spanId) {
    ZEND_PARSE_PARAMETERS_NONE();
    return_id(return_value, THIS_SPAN, SPANWIRE_ID_SPAN);
}

static spanwire_span current_handle(void) {
    sw_node *top = sw_stack_current();
    return top ? top->handle : 0;
}

ZEND_FUNCTION(spanwire_trace_id) {
    ZEND_PARSE_PARAMETERS_NONE();
    return_id(return_value, current_handle(), SPANWIRE_ID_TRACE);
}

ZEND_FUNCTION(spanwire_span_id) {
    ZEND_PARSE_PARAMETERS_NONE();
    return_id(return_value, current_handle(), SPANWIRE_ID_SPAN);
}

ZEND_FUNCTION(spanwire_log_correlation) {
    bool json = false;
    ZEND_PARSE_PARAMETERS_START(0, 1)
        Z_PARAM_OPTIONAL
        Z_PARAM_BOOL(json)
    ZEND_PARSE_PARAMETERS_END();
    uint32_t form = json ? SPANWIRE_LOG_FIELDS_JSON : SPANWIRE_LOG_FIELDS_TEXT;
    spanwire_span span = current_handle();
    /* A span may belong to another tracer than that of php.ini. */
    spanwire_tracer tracer = span ? 0 : sw_tracer_existing();
    if (!sw.loaded) RETURN_EMPTY_STRING();
    char here[512] = "";
    size_t need = 1;
    if (sw.log_correlation(tracer, span, form, here, sizeof here, &need) != SPANWIRE_E_LIMIT) RETURN_STRING(here);
    zend_string *text = zend_string_alloc(need, 0);
    *ZSTR_VAL(text) = '\0';
    sw.log_correlation(tracer, span, form, ZSTR_VAL(text), need, &need);
    ZSTR_LEN(text) = strlen(ZSTR_VAL(text));
    RETURN_STR(text);
}

ZEND_FUNCTION(spanwire_current_span) {
    ZEND_PARSE_PARAMETERS_NONE();
    sw_node *top = sw_stack_current();
    if (!top || !top->object) RETURN_NULL();
    RETURN_OBJ_COPY(top->object);
}

static ZEND_METHOD(Spanwire_Span, origin) {
    sw_headers_text(INTERNAL_FUNCTION_PARAM_PASSTHRU, sw.span_get_origin, THIS_SPAN);
}

/* ---- Headers and baggage ---- */

static ZEND_METHOD(Spanwire_Span, inject) {
    sw_headers_inject(INTERNAL_FUNCTION_PARAM_PASSTHRU, sw.span_inject_text, THIS_SPAN);
}

static ZEND_METHOD(Spanwire_Span, injectLines) {
    sw_headers_inject_lines(INTERNAL_FUNCTION_PARAM_PASSTHRU, sw.span_inject_text, THIS_SPAN);
}

static ZEND_METHOD(Spanwire_Span, setBaggage) {
    zend_string *key, *value;
    ZEND_PARSE_PARAMETERS_START(2, 2)
        Z_PARAM_STR(key)
        Z_PARAM_STR(value)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_span span = THIS_SPAN;
    if (span) sw.span_set_baggage(span, ZSTR_VAL(key), ZSTR_VAL(value));
    RETURN_THIS();
}

static ZEND_METHOD(Spanwire_Span, getBaggage) {
    sw_headers_get_item(INTERNAL_FUNCTION_PARAM_PASSTHRU, sw.span_get_baggage, THIS_SPAN);
}

static ZEND_METHOD(Spanwire_Span, baggage) {
    sw_headers_baggage(INTERNAL_FUNCTION_PARAM_PASSTHRU, sw.span_baggage_text, THIS_SPAN);
}

void sw_span_register_class(void) {
    zend_class_entry ce;
    INIT_CLASS_ENTRY(ce, "Spanwire\\Span", class_Spanwire_Span_methods);
    sw_span_ce = zend_register_internal_class_ex(&ce, NULL);
    sw_span_ce->ce_flags |= ZEND_ACC_FINAL | ZEND_ACC_NO_DYNAMIC_PROPERTIES | ZEND_ACC_NOT_SERIALIZABLE;
    sw_span_ce->create_object = create;
    handlers = *zend_get_std_object_handlers();
    handlers.offset = offsetof(sw_span_object, std);
    handlers.free_obj = destroy;
    handlers.clone_obj = NULL;
    sw_stack_start();
}
