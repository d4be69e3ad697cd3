/* From PHP's values to tags: numbers become metrics, the rest becomes text where it can. */
#include "php_spanwire.h"

#include "span.h"

void sw_tags_free(sw_tags *to) {
    for (size_t i = 0; i < to->made_count; i++) zend_string_release(to->made[i]);
    if (to->tags != to->tags_here) {
        efree(to->tags);
        efree(to->metrics);
        efree(to->made);
    }
}

static void add_tag(sw_tags *to, const char *key, size_t key_len, const char *value, size_t len) {
    to->tags[to->tags_count++] = (spanwire_tag){key, key_len, value, len};
}

bool sw_tags_add(sw_tags *to, const char *key, size_t key_len, zval *value) {
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
            add_tag(to, key, key_len, Z_STRVAL_P(value), Z_STRLEN_P(value));
            return true;
        case IS_OBJECT: {
            if (!Z_OBJCE_P(value)->__tostring) return true;
            zend_string *text = zval_try_get_string(value);
            if (!text) return false;
            to->made[to->made_count++] = text;
            add_tag(to, key, key_len, ZSTR_VAL(text), ZSTR_LEN(text));
            return true;
        }
        default:
            return true;
    }
}

bool sw_tags_collect(sw_tags *to, HashTable *from) {
    size_t count = from ? zend_hash_num_elements(from) : 0;
    to->tags_count = to->metrics_count = to->made_count = 0;
    to->tags = to->tags_here;
    to->metrics = to->metrics_here;
    to->made = to->made_here;
    if (count > SW_ON_STACK) {
        to->tags = safe_emalloc(count, sizeof *to->tags, 0);
        to->metrics = safe_emalloc(count, sizeof *to->metrics, 0);
        to->made = safe_emalloc(2 * count, sizeof *to->made, 0);
    }
    if (!count) return true;
    zend_ulong number;
    zend_string *key;
    zval *value;
    ZEND_HASH_FOREACH_KEY_VAL(from, number, key, value) {
        if (!key) continue; /* a list has no names to give */
        if (!sw_tags_add(to, ZSTR_VAL(key), ZSTR_LEN(key), value)) return false;
    }
    ZEND_HASH_FOREACH_END();
    (void)number;
    return true;
}
