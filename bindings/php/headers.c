/*
 * Headers and baggage between PHP's arrays and the library.
 *
 * Into the library go arrays: $_SERVER, getallheaders(), or the headers of a PSR-7 message. An object's __toString() can
 * run any code of the script before the library reads the headers. The call's frame keeps the array alive, but not what
 * a reference in it points to: therefore every value is kept until then.
 *
 * Out of the library come texts, not callbacks: making an array can exceed PHP's memory limit, which leaves a callback
 * with longjmp().
 */
#include "headers.h"

#include <ext/standard/url.h>
#include <string.h>

#define SW_CGI "HTTP_"

void sw_headers_free(sw_headers *to) {
    for (size_t i = 0; i < to->kept_count; i++) zend_string_release(to->kept[i]);
    if (to->headers != to->headers_here) {
        efree(to->headers);
        efree(to->kept);
    }
}

/* Makes room for one more header and its text. */
static void grow(sw_headers *to) {
    if (to->count < to->capacity) return;
    bool here = to->headers == to->headers_here;
    to->headers = safe_erealloc(here ? NULL : to->headers, to->capacity, 2 * sizeof *to->headers, 0);
    to->kept = safe_erealloc(here ? NULL : to->kept, to->capacity, 2 * sizeof *to->kept, 0);
    if (here) {
        memcpy(to->headers, to->headers_here, sizeof to->headers_here);
        memcpy(to->kept, to->kept_here, sizeof to->kept_here);
    }
    to->capacity *= 2;
}

/* Adds a header whose value is a text, a number or an object with __toString(); others are left out. */
static bool add(sw_headers *to, zend_string *name, zval *value) {
    ZVAL_DEREF(value);
    bool is_text = Z_TYPE_P(value) == IS_STRING || Z_TYPE_P(value) == IS_LONG;
    if (!is_text && (Z_TYPE_P(value) != IS_OBJECT || !Z_OBJCE_P(value)->__tostring)) return true;
    zval own;
    ZVAL_COPY(&own, value);
    zend_string *text = zval_try_get_string(&own);
    zval_ptr_dtor(&own);
    if (!text) return false;
    grow(to);
    to->kept[to->kept_count++] = text;
    to->headers[to->count++] = (spanwire_header){ZSTR_VAL(name), ZSTR_LEN(name), ZSTR_VAL(text), ZSTR_LEN(text)};
    return true;
}

/* Adds a header for each value of a list, as PSR-7 has them. */
static bool add_list(sw_headers *to, zend_string *name, zval *list) {
    zval own, *value;
    bool complete = true;
    ZVAL_COPY(&own, list);
    ZEND_HASH_FOREACH_VAL(Z_ARRVAL(own), value) {
        complete = add(to, name, value);
        if (!complete) break;
    }
    ZEND_HASH_FOREACH_END();
    zval_ptr_dtor(&own);
    return complete;
}

bool sw_headers_collect(sw_headers *to, HashTable *from) {
    to->count = to->kept_count = 0;
    to->capacity = SW_HEADERS_HERE;
    to->headers = to->headers_here;
    to->kept = to->kept_here;
    /* In $_SERVER of a request, other names are variables of the server and the environment, such as TRACEPARENT. */
    bool only_cgi = zend_hash_str_exists(from, ZEND_STRL("REQUEST_METHOD"));
    zend_string *name;
    zval *value;
    ZEND_HASH_FOREACH_STR_KEY_VAL(from, name, value) {
        if (!name || (only_cgi && strncmp(ZSTR_VAL(name), ZEND_STRL(SW_CGI)) != 0)) continue;
        ZVAL_DEREF(value);
        if (!(Z_TYPE_P(value) == IS_ARRAY ? add_list(to, name, value) : add(to, name, value))) return false;
    }
    ZEND_HASH_FOREACH_END();
    return true;
}

/* ---- Out of the library ---- */

/* A text that the library wrote. */
typedef struct {
    char *at;
    size_t len;
    char here[2048];
} written;

/* Fills `to`, which the caller always frees. Without a handle or after a failure the text is empty. */
static void read_text(written *to, sw_text_call call, uint64_t handle) {
    to->at = to->here;
    to->len = 0;
    size_t capacity = sizeof to->here, need = 0;
    spanwire_status status = handle ? call(handle, to->at, capacity, &need) : SPANWIRE_E_NOT_FOUND;
    while (status == SPANWIRE_E_LIMIT && need > capacity) {
        if (to->at != to->here) efree(to->at);
        capacity = need;
        to->at = emalloc(capacity);
        status = call(handle, to->at, capacity, &need);
    }
    if (status == SPANWIRE_OK && need > 0) to->len = need - 1;
}

static void free_text(written *text) {
    if (text->at != text->here) efree(text->at);
}

/* Cuts the next line from the text. Returns false at its end. */
static bool next_line(char **at, char *end, char **line, size_t *len) {
    char *newline = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;
    if (!newline) return false;
    *line = *at;
    *len = (size_t)(newline - *at);
    *at = newline + 1;
    return true;
}

/* Makes an array of lines `name: value`. */
static void headers_of(zval *to, written *text) {
    array_init(to);
    char *at = text->at, *end = at + text->len, *line;
    size_t len;
    while (next_line(&at, end, &line, &len)) {
        char *colon = memchr(line, ':', len);
        if (!colon || colon + 2 > line + len) continue;
        zval value;
        ZVAL_STRINGL(&value, colon + 2, (size_t)(line + len - colon - 2));
        zend_hash_str_update(Z_ARRVAL_P(to), line, (size_t)(colon - line), &value);
    }
}

/* Returns a copy of the array in which our headers replace those of the same name in any case. */
static zend_array *merged(zend_array *theirs, zend_array *ours) {
    zend_array *all = zend_new_array(0);
    zend_ulong number;
    zend_string *name;
    zval *value;
    ZEND_HASH_FOREACH_KEY_VAL(theirs, number, name, value) {
        if (name) {
            zend_string *lower = zend_string_tolower(name);
            bool replaced = zend_hash_exists(ours, lower);
            zend_string_release(lower);
            if (replaced) continue;
        }
        /* As a copy of the array would: a reference that nothing else holds becomes a value. */
        if (Z_ISREF_P(value) && Z_REFCOUNT_P(value) == 1) value = Z_REFVAL_P(value);
        Z_TRY_ADDREF_P(value);
        if (name) zend_hash_add_new(all, name, value);
        else zend_hash_index_add_new(all, number, value);
    }
    ZEND_HASH_FOREACH_END();
    ZEND_HASH_FOREACH_STR_KEY_VAL(ours, name, value) {
        Z_TRY_ADDREF_P(value);
        zend_hash_update(all, name, value);
    }
    ZEND_HASH_FOREACH_END();
    return all;
}

void sw_headers_inject(INTERNAL_FUNCTION_PARAMETERS, sw_text_call call, uint64_t handle) {
    zval *headers = NULL;
    ZEND_PARSE_PARAMETERS_START(0, 1)
        Z_PARAM_OPTIONAL
        Z_PARAM_ZVAL(headers)
    ZEND_PARSE_PARAMETERS_END();
    zval *given = headers;
    if (given) ZVAL_DEREF(given);
    if (given && Z_TYPE_P(given) != IS_ARRAY && Z_TYPE_P(given) != IS_NULL) {
        zend_argument_type_error(1, "must be of type ?array, %s given", zend_zval_type_name(given));
        RETURN_THROWS();
    }
    written text;
    read_text(&text, call, handle);
    headers_of(return_value, &text);
    free_text(&text);
    if (!headers || !Z_ISREF_P(headers)) return;
    zend_array *all = Z_TYPE_P(given) == IS_ARRAY ? merged(Z_ARRVAL_P(given), Z_ARRVAL_P(return_value))
                                                  : zend_array_dup(Z_ARRVAL_P(return_value));
    /* What the variable held may have destructors, which may assign to it. They run when it has its new value: the
     * engine would run them before, while it points to what they destroy. */
    zval former;
    ZVAL_COPY(&former, given);
    ZEND_TRY_ASSIGN_REF_ARR(headers, all);
    zval_ptr_dtor(&former);
}

void sw_headers_inject_lines(INTERNAL_FUNCTION_PARAMETERS, sw_text_call call, uint64_t handle) {
    ZEND_PARSE_PARAMETERS_NONE();
    written text;
    read_text(&text, call, handle);
    array_init(return_value);
    char *at = text.at, *end = at + text.len, *line;
    size_t len;
    while (next_line(&at, end, &line, &len)) add_next_index_stringl(return_value, line, len);
    free_text(&text);
}

void sw_headers_baggage(INTERNAL_FUNCTION_PARAMETERS, sw_text_call call, uint64_t handle) {
    ZEND_PARSE_PARAMETERS_NONE();
    written text;
    read_text(&text, call, handle);
    array_init(return_value);
    char *at = text.at, *end = at + text.len, *line;
    size_t len;
    while (next_line(&at, end, &line, &len)) {
        char *equals = memchr(line, '=', len);
        if (!equals) continue;
        size_t value_len = (size_t)(line + len - equals - 1);
        /* Decodes in place, and writes a NUL behind the value: over the newline at the most. */
        value_len = php_raw_url_decode(equals + 1, value_len);
        size_t key_len = php_raw_url_decode(line, (size_t)(equals - line));
        zval value;
        ZVAL_STRINGL(&value, equals + 1, value_len);
        zend_symtable_str_update(Z_ARRVAL_P(return_value), line, key_len, &value);
    }
    free_text(&text);
}

void sw_headers_text(INTERNAL_FUNCTION_PARAMETERS, sw_text_call call, uint64_t handle) {
    ZEND_PARSE_PARAMETERS_NONE();
    char text[260];
    size_t need = 0;
    if (!handle || call(handle, text, sizeof text, &need) != SPANWIRE_OK) RETURN_NULL();
    RETURN_STRINGL(text, need - 1);
}

void sw_headers_get_item(INTERNAL_FUNCTION_PARAMETERS, sw_item_call call, uint64_t handle) {
    zend_string *key;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_STR(key)
    ZEND_PARSE_PARAMETERS_END();
    size_t need = 0;
    if (!handle || call(handle, ZSTR_VAL(key), NULL, 0, &need) != SPANWIRE_OK || need == 0) RETURN_NULL();
    zend_string *value = zend_string_alloc(need - 1, 0);
    if (call(handle, ZSTR_VAL(key), ZSTR_VAL(value), need, &need) != SPANWIRE_OK) {
        zend_string_efree(value);
        RETURN_NULL();
    }
    ZSTR_LEN(value) = need - 1;
    RETURN_STR(value);
}
