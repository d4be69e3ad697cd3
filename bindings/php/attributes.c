/*
 * Attributes of spans, events and links, made of PHP's values with their types.
 *
 * A __toString() can run any code of the script between the first attribute and the library's call. Therefore each text
 * and each array has a reference here until the library has copied it.
 */
#include "php_spanwire.h"

#include <Zend/zend_exceptions.h>

#include "headers.h"
#include "span.h"

/* Attributes for one call of the library. */
typedef struct {
    spanwire_attribute *attributes;
    size_t count;
    /* A list of strings: texts, and the memory of the structures. */
    zval kept;
} attributes;

/* A type that the library refuses, for a value that is none: the attribute is dropped and counted. */
#define NO_TYPE UINT32_MAX

static zend_string *keep(attributes *to, zend_string *text) {
    add_next_index_str(&to->kept, text);
    return text;
}

/* Returns room for this many structures, which is freed with `to`. */
static void *room(attributes *to, size_t count, size_t size) {
    return ZSTR_VAL(keep(to, zend_string_safe_alloc(count, size, 0, 0)));
}

/* Returns false if a __toString() threw. */
static bool add_scalar(attributes *to, spanwire_value *value, zval *from) {
    *value = (spanwire_value){.type = NO_TYPE};
    ZVAL_DEREF(from);
    zend_string *text = NULL;
    switch (Z_TYPE_P(from)) {
        case IS_TRUE:
        case IS_FALSE:
            value->type = SPANWIRE_VALUE_BOOLEAN;
            value->boolean = Z_TYPE_P(from) == IS_TRUE;
            break;
        case IS_LONG:
            value->type = SPANWIRE_VALUE_INTEGER;
            value->integer = Z_LVAL_P(from);
            break;
        case IS_DOUBLE:
            value->type = SPANWIRE_VALUE_FLOATING;
            value->floating = Z_DVAL_P(from);
            break;
        case IS_STRING:
            text = zend_string_copy(Z_STR_P(from));
            break;
        case IS_OBJECT:
            if (Z_OBJCE_P(from)->__tostring) {
                /* A copy: that code may assign to the variable that holds the object. */
                zval own;
                ZVAL_COPY(&own, from);
                text = zval_try_get_string(&own);
                zval_ptr_dtor(&own);
                if (!text) return false;
            }
            break;
        default:
            break;
    }
    if (text) {
        keep(to, text);
        value->type = SPANWIRE_VALUE_TEXT;
        value->text = ZSTR_VAL(text);
        value->text_len = ZSTR_LEN(text);
    }
    return true;
}

static bool add_array(attributes *to, spanwire_attribute *attribute, zval *from) {
    /* A reference of its own: code that writes to the variable gets a copy. */
    zval own;
    ZVAL_COPY(&own, from);
    add_next_index_zval(&to->kept, &own);
    HashTable *array = Z_ARRVAL(own);
    spanwire_value *values = room(to, zend_hash_num_elements(array), sizeof *values);
    attribute->type = SPANWIRE_VALUE_ARRAY;
    attribute->values = values;
    zval *value;
    ZEND_HASH_FOREACH_VAL(array, value) {
        if (!add_scalar(to, &values[attribute->values_count], value)) return false;
        attribute->values_count++;
    }
    ZEND_HASH_FOREACH_END();
    return true;
}

/* Takes ownership of a reference to `key`. */
static bool add(attributes *to, zend_string *key, zval *from) {
    keep(to, key);
    spanwire_attribute *attribute = &to->attributes[to->count];
    *attribute = (spanwire_attribute){.key = ZSTR_VAL(key), .key_len = ZSTR_LEN(key)};
    ZVAL_DEREF(from);
    if (Z_TYPE_P(from) == IS_NULL) return true;
    to->count++;
    if (Z_TYPE_P(from) == IS_ARRAY) return add_array(to, attribute, from);
    spanwire_value value;
    if (!add_scalar(to, &value, from)) return false;
    attribute->type = value.type;
    attribute->boolean = value.boolean;
    attribute->integer = value.integer;
    attribute->floating = value.floating;
    attribute->text = value.text;
    attribute->text_len = value.text_len;
    return true;
}

static void begin(attributes *to, size_t count) {
    to->count = 0;
    array_init(&to->kept);
    to->attributes = room(to, count, sizeof *to->attributes);
}

static void end(attributes *to) { zval_ptr_dtor(&to->kept); }

/* Fills `to`, which the caller always ends. NULL gives no attributes. Returns false if a __toString() threw. */
static bool collect(attributes *to, HashTable *from) {
    begin(to, from ? zend_hash_num_elements(from) : 0);
    if (!from) return true;
    zend_ulong number;
    zend_string *key;
    zval *value;
    ZEND_HASH_FOREACH_KEY_VAL(from, number, key, value) {
        /* PHP turns a key such as '404' into an integer. */
        key = key ? zend_string_copy(key) : zend_long_to_str((zend_long)number);
        if (!add(to, key, value)) return false;
    }
    ZEND_HASH_FOREACH_END();
    return true;
}

/* A __toString() may have finished the span: look its handle up after that code has run. */
#define THIS_SPAN sw_span_open(Z_OBJ_P(ZEND_THIS))
#define RETURN_THIS() RETURN_OBJ_COPY(Z_OBJ_P(ZEND_THIS))

void sw_attributes_set_one(INTERNAL_FUNCTION_PARAMETERS) {
    zend_string *key;
    zval *value;
    ZEND_PARSE_PARAMETERS_START(2, 2)
        Z_PARAM_STR(key)
        Z_PARAM_ZVAL(value)
    ZEND_PARSE_PARAMETERS_END();
    if (!THIS_SPAN) RETURN_THIS();
    attributes one;
    begin(&one, 1);
    if (Z_TYPE_P(value) == IS_NULL) sw.span_remove_tag(THIS_SPAN, ZSTR_VAL(key));
    else if (add(&one, zend_string_copy(key), value) && THIS_SPAN)
        sw.span_set_attributes(THIS_SPAN, one.attributes, one.count);
    end(&one);
    RETURN_THIS();
}

void sw_attributes_set(INTERNAL_FUNCTION_PARAMETERS) {
    HashTable *from;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_ARRAY_HT(from)
    ZEND_PARSE_PARAMETERS_END();
    if (!THIS_SPAN) RETURN_THIS();
    attributes all;
    if (collect(&all, from) && THIS_SPAN) sw.span_set_attributes(THIS_SPAN, all.attributes, all.count);
    end(&all);
    RETURN_THIS();
}

void sw_attributes_add_event(INTERNAL_FUNCTION_PARAMETERS) {
    zend_string *name;
    HashTable *from = NULL;
    zend_long time = 0;
    bool now = true;
    ZEND_PARSE_PARAMETERS_START(1, 3)
        Z_PARAM_STR(name)
        Z_PARAM_OPTIONAL
        Z_PARAM_ARRAY_HT(from)
        Z_PARAM_LONG_OR_NULL(time, now)
    ZEND_PARSE_PARAMETERS_END();
    if (!THIS_SPAN) RETURN_THIS();
    attributes all;
    if (collect(&all, from) && THIS_SPAN) {
        spanwire_span_event event = {
            .size = sizeof event, .name = ZSTR_VAL(name), .name_len = ZSTR_LEN(name), .time_ns = now ? 0 : time,
            .attributes = all.attributes, .attributes_count = all.count,
        };
        sw.span_add_event(THIS_SPAN, &event);
    }
    end(&all);
    RETURN_THIS();
}

/* Reads the ids of an object of Span or Context. Returns false if it has none. */
static bool ids_of(zend_object *object, spanwire_context *ids) {
    *ids = (spanwire_context){.size = sizeof *ids};
    if (object->ce == sw_context_ce) {
        spanwire_context_handle context = sw_context_handle(object);
        return context && sw.context_get(context, ids) == SPANWIRE_OK;
    }
    spanwire_span span = sw_span_open(object);
    return span && sw.span_context(span, ids) == SPANWIRE_OK;
}

void sw_attributes_add_link(INTERNAL_FUNCTION_PARAMETERS) {
    zend_object *to;
    HashTable *from = NULL;
    ZEND_PARSE_PARAMETERS_START(1, 2)
        Z_PARAM_OBJ(to)
        Z_PARAM_OPTIONAL
        Z_PARAM_ARRAY_HT(from)
    ZEND_PARSE_PARAMETERS_END();
    if (to->ce != sw_span_ce && to->ce != sw_context_ce) {
        zend_argument_type_error(1, "must be of type Spanwire\\Span|Spanwire\\Context, %s given", ZSTR_VAL(to->ce->name));
        RETURN_THROWS();
    }
    if (!THIS_SPAN) RETURN_THIS();
    spanwire_context ids;
    attributes all;
    bool linked = ids_of(to, &ids);
    if (collect(&all, from) && linked && THIS_SPAN) {
        spanwire_span_link link = {
            .size = sizeof link, .trace_id_high = ids.trace_id_high, .trace_id_low = ids.trace_id_low,
            .span_id = ids.span_id, .attributes = all.attributes, .attributes_count = all.count,
        };
        if (ids.flags & SPANWIRE_CONTEXT_HAS_PRIORITY)
            link.flags = SPANWIRE_LINK_HAS_FLAGS | (ids.sampling_priority > 0 ? 1 : 0);
        sw.span_add_link(THIS_SPAN, &link);
    }
    end(&all);
    RETURN_THIS();
}
