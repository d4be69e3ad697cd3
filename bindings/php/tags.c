/*
 * Makes tags of PHP's values: numbers become metrics, other values become text if they can.
 *
 * A __toString() can run any code of the script between the first tag and the library's call. The call's frame keeps
 * the array and its values alive, but not what a reference in it points to: such a text is kept until the library has
 * copied it.
 */
#include "php_spanwire.h"

#include "span.h"

void sw_tags_free_kept(sw_tags *to) {
    for (size_t i = 0; i < to->kept_count; i++) zend_string_release(to->kept[i]);
    if (to->tags != to->tags_here) {
        efree(to->tags);
        efree(to->metrics);
        efree(to->kept);
    }
}

static void add_tag(sw_tags *to, const char *key, size_t key_len, const char *value, size_t len) {
    to->tags[to->tags_count++] = (spanwire_tag){key, key_len, value, len};
}

/* Takes ownership of one reference to `text`. */
static zend_string *keep(sw_tags *to, zend_string *text) { return to->kept[to->kept_count++] = text; }

/* Returns false if its __toString() threw. */
static bool add_object(sw_tags *to, const char *key, size_t key_len, zend_object *object) {
    if (!object->ce->__tostring) return true;
    /* A copy: that code may assign to the variable that holds the object. */
    zval own;
    ZVAL_OBJ_COPY(&own, object);
    zend_string *text = zval_try_get_string(&own);
    if (text) {
        keep(to, text);
        add_tag(to, key, key_len, ZSTR_VAL(text), ZSTR_LEN(text));
    }
    zval_ptr_dtor(&own);
    return text != NULL;
}

bool sw_tags_add(sw_tags *to, const char *key, size_t key_len, zval *value) {
    bool may_change = Z_ISREF_P(value);
    ZVAL_DEREF(value);
    switch (Z_TYPE_P(value)) {
        case IS_LONG:
            to->metrics[to->metrics_count++] = (spanwire_metric){key, key_len, (double)Z_LVAL_P(value)};
            return true;
        case IS_DOUBLE:
            to->metrics[to->metrics_count++] = (spanwire_metric){key, key_len, Z_DVAL_P(value)};
            return true;
        case IS_TRUE:
        case IS_FALSE:
            if (Z_TYPE_P(value) == IS_TRUE) add_tag(to, key, key_len, ZEND_STRL("true"));
            else add_tag(to, key, key_len, ZEND_STRL("false"));
            return true;
        case IS_STRING:
            if (may_change) keep(to, zend_string_copy(Z_STR_P(value)));
            add_tag(to, key, key_len, Z_STRVAL_P(value), Z_STRLEN_P(value));
            return true;
        case IS_OBJECT:
            return add_object(to, key, key_len, Z_OBJ_P(value));
        default:
            return true;
    }
}

bool sw_tags_collect(sw_tags *to, HashTable *from) {
    size_t count = from ? zend_hash_num_elements(from) : 0;
    to->tags_count = to->metrics_count = to->kept_count = 0;
    to->tags = to->tags_here;
    to->metrics = to->metrics_here;
    to->kept = to->kept_here;
    if (count > SW_ON_STACK) {
        to->tags = safe_emalloc(count, sizeof *to->tags, 0);
        to->metrics = safe_emalloc(count, sizeof *to->metrics, 0);
        to->kept = safe_emalloc(count, 2 * sizeof *to->kept, 0);
    }
    if (!count) return true;
    zend_ulong number;
    zend_string *key;
    zval *value;
    ZEND_HASH_FOREACH_KEY_VAL(from, number, key, value) {
        /* What most tags are. */
        if (key && Z_TYPE_P(value) == IS_STRING) {
            add_tag(to, ZSTR_VAL(key), ZSTR_LEN(key), Z_STRVAL_P(value), Z_STRLEN_P(value));
            continue;
        }
        if (key && Z_TYPE_P(value) == IS_DOUBLE) {
            to->metrics[to->metrics_count++] = (spanwire_metric){ZSTR_VAL(key), ZSTR_LEN(key), Z_DVAL_P(value)};
            continue;
        }
        /* PHP turns a key such as '404' into an integer. */
        if (!key) key = keep(to, zend_long_to_str((zend_long)number));
        if (!sw_tags_add(to, ZSTR_VAL(key), ZSTR_LEN(key), value)) return false;
    }
    ZEND_HASH_FOREACH_END();
    return true;
}
