/* Starts spans: Tracer::startSpan() and Tracer::trace(). */
#include "php_spanwire.h"

#include <Zend/zend_exceptions.h>

#include "headers.h"
#include "span.h"

/* What the script gives for a new span. */
typedef struct {
    zend_string *name, *service, *resource, *type;
    /* NULL and null: the current span; false: none. */
    zval *parent;
    HashTable *tags;
    bool activate, start_is_null;
    zend_long start;
} given;

static bool is_a(zval *value, zend_class_entry *ce) {
    return value && Z_TYPE_P(value) == IS_OBJECT && Z_OBJCE_P(value) == ce;
}

/* Throws if the parent, the argument of this number, has another type. */
static bool check_parent(zval *parent, uint32_t number) {
    if (!parent || Z_TYPE_P(parent) == IS_NULL || Z_TYPE_P(parent) == IS_FALSE) return true;
    if (is_a(parent, sw_span_ce) || is_a(parent, sw_context_ce)) return true;
    zend_argument_type_error(number, "must be of type Spanwire\\Span|Spanwire\\Context|false|null, %s given",
                             zend_zval_type_name(parent));
    return false;
}

static void text_option(const char **text, size_t *len, zend_string *given) {
    if (!given) return;
    *text = ZSTR_VAL(given);
    *len = ZSTR_LEN(given);
}

static void set_parent(spanwire_span_options *options, zval *parent) {
    sw_node *above = NULL;
    if (!parent || Z_TYPE_P(parent) == IS_NULL) above = sw_stack_current();
    else if (is_a(parent, sw_span_ce)) above = sw_span_object_of(Z_OBJ_P(parent))->node;
    else if (is_a(parent, sw_context_ce)) options->context_handle = sw_context_handle(Z_OBJ_P(parent));
    options->parent = above ? above->handle : 0;
}

/* Starts the span of a new object. Without a tracer, or if the library refuses, the object stays without a span.
 * Returns false if an object's __toString() threw. */
static bool start(zend_object *object, spanwire_tracer tracer, const given *from) {
    if (!tracer) return true;
    spanwire_span_options options = {.size = sizeof options};
    text_option(&options.name, &options.name_len, from->name);
    text_option(&options.service, &options.service_len, from->service);
    text_option(&options.resource, &options.resource_len, from->resource);
    text_option(&options.type, &options.type_len, from->type);
    options.start_ns = from->start_is_null ? 0 : from->start;
    sw_tags collected;
    bool complete = sw_tags_collect(&collected, from->tags);
    if (complete) {
        options.tags = collected.tags;
        options.tags_count = collected.tags_count;
        options.metrics = collected.metrics;
        options.metrics_count = collected.metrics_count;
        /* After the tags: their __toString() may have finished or started spans. */
        set_parent(&options, from->parent);
        sw_node *node = sw_stack_make();
        spanwire_span handle = 0;
        sw.span_start_with(tracer, &options, &handle);
        if (handle) {
            sw_stack_push(node, handle, object, from->activate);
            sw_span_object_of(object)->node = node;
        } else {
            efree(node);
        }
    }
    sw_tags_free(&collected);
    return complete;
}

void sw_span_start(INTERNAL_FUNCTION_PARAMETERS, spanwire_tracer tracer) {
    given from = {.start_is_null = true};
    ZEND_PARSE_PARAMETERS_START(1, 8)
        Z_PARAM_STR(from.name)
        Z_PARAM_OPTIONAL
        Z_PARAM_ZVAL(from.parent)
        Z_PARAM_STR_OR_NULL(from.service)
        Z_PARAM_STR_OR_NULL(from.resource)
        Z_PARAM_STR_OR_NULL(from.type)
        Z_PARAM_ARRAY_HT(from.tags)
        Z_PARAM_BOOL(from.activate)
        Z_PARAM_LONG_OR_NULL(from.start, from.start_is_null)
    ZEND_PARSE_PARAMETERS_END();
    if (!check_parent(from.parent, 2)) RETURN_THROWS();
    object_init_ex(return_value, sw_span_ce);
    start(Z_OBJ_P(return_value), tracer, &from);
}

/* Finishes the span of trace(), if the function has not. */
static void finish(zend_object *object) {
    spanwire_span span = sw_span_open(object);
    if (span && EG(exception)) sw_errors_set_exception(span, EG(exception));
    if (!sw_span_open(object)) return;
    sw.span_finish(span);
    sw_stack_close(sw_span_object_of(object)->node);
}

void sw_span_trace(INTERNAL_FUNCTION_PARAMETERS, spanwire_tracer tracer) {
    given from = {.start_is_null = true, .activate = true};
    zend_fcall_info call;
    zend_fcall_info_cache cache;
    ZEND_PARSE_PARAMETERS_START(2, 8)
        Z_PARAM_STR(from.name)
        Z_PARAM_FUNC(call, cache)
        Z_PARAM_OPTIONAL
        Z_PARAM_ZVAL(from.parent)
        Z_PARAM_STR_OR_NULL(from.service)
        Z_PARAM_STR_OR_NULL(from.resource)
        Z_PARAM_STR_OR_NULL(from.type)
        Z_PARAM_ARRAY_HT(from.tags)
        Z_PARAM_LONG_OR_NULL(from.start, from.start_is_null)
    ZEND_PARSE_PARAMETERS_END();
    zval span;
    if (!check_parent(from.parent, 3)) {
        zend_release_fcall_info_cache(&cache);
        RETURN_THROWS();
    }
    object_init_ex(&span, sw_span_ce);
    if (start(Z_OBJ(span), tracer, &from)) {
        call.retval = return_value;
        call.params = &span;
        call.param_count = 1;
        zend_call_function(&call, &cache);
        if (Z_TYPE_P(return_value) == IS_UNDEF) ZVAL_NULL(return_value);
        if (Z_ISREF_P(return_value)) zend_unwrap_reference(return_value);
        finish(Z_OBJ(span));
    } else {
        zend_release_fcall_info_cache(&cache);
    }
    zval_ptr_dtor(&span);
}
