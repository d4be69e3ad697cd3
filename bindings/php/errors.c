/*
 * Marks spans as failed: by exceptions that the script passes or that are in flight, and by errors that end the script,
 * including those that PHP makes of uncaught exceptions. Runs no code of the script, except its error handler if the
 * script has changed an exception's trace to another type.
 */
#include "php_spanwire.h"

#include <Zend/zend_exceptions.h>
#include <Zend/zend_generators.h>
#include <stdio.h>
#include <string.h>

#include "span.h"

/* Maximum length of a fatal error's stack, which is written without PHP's memory: there may be none left. */
#define SW_TRACE_MAX 4096

/* A part of a text that something else owns. */
typedef struct {
    const char *at;
    size_t len;
} text;

static void set_error(spanwire_span span, text type, text message, text stack) {
    sw.span_set_error_n(span, type.at, type.len, message.at, message.len, stack.at, stack.len);
}

static text text_of(zend_string *string) {
    return string ? (text){ZSTR_VAL(string), ZSTR_LEN(string)} : (text){NULL, 0};
}

void sw_errors_set_texts(spanwire_span span, zend_string *type, zend_string *message, zend_string *stack) {
    set_error(span, text_of(type), text_of(message), text_of(stack));
}

/* ---- Exceptions ---- */

/* Copies a property of Exception or Error. A normal read would call __get() if the script has unset the property. */
static void copy_property(zval *to, zend_class_entry *base, zend_object *exception, const char *name, size_t len) {
    zend_property_info *info = zend_hash_str_find_ptr(&base->properties_info, name, len);
    ZVAL_NULL(to);
    if (info && !(info->flags & ZEND_ACC_STATIC)) ZVAL_COPY_DEREF(to, OBJ_PROP(exception, info->offset));
}

/* In the name of an anonymous class, the place of its declaration follows a NUL. */
static text class_name(const zend_class_entry *ce) { return (text){ZSTR_VAL(ce->name), strlen(ZSTR_VAL(ce->name))}; }

void sw_errors_set_exception(spanwire_span span, zend_object *exception) {
    /* exit() and the destruction of a suspended fiber are internal exceptions, not errors. */
    if (!instanceof_function(exception->ce, zend_ce_throwable)) return;
    zend_class_entry *base = zend_get_exception_base(exception);
    zval message, trace;
    copy_property(&message, base, exception, ZEND_STRL("message"));
    copy_property(&trace, base, exception, ZEND_STRL("trace"));
    zend_string *stack = Z_TYPE(trace) == IS_ARRAY ? zend_trace_to_string(Z_ARRVAL(trace), true) : NULL;
    set_error(span, class_name(exception->ce), text_of(Z_TYPE(message) == IS_STRING ? Z_STR(message) : NULL),
              text_of(stack));
    if (stack) zend_string_release(stack);
    zval_ptr_dtor(&message);
    zval_ptr_dtor(&trace);
}

/* ---- Uncaught exceptions ---- */

#define SW_UNCAUGHT "Uncaught "
#define SW_THROWN "\n  thrown"
#define SW_STACK "\nStack trace:\n"
#define SW_NEXT "\n\nNext "

/* Cuts `from` before its last `mark` and sets `behind` to what follows the mark. Returns false if there is none. */
static bool cut_last(text *from, const char *mark, size_t mark_len, text *behind) {
    const char *end = from->at + from->len;
    const char *found = zend_memnrstr(from->at, mark, mark_len, end);
    if (!found) return false;
    *behind = (text){found + mark_len, (size_t)(end - found) - mark_len};
    from->len = (size_t)(found - from->at);
    return true;
}

static bool cut_end(text *from, const char *end, size_t len) {
    if (from->len < len || memcmp(from->at + from->len - len, end, len) != 0) return false;
    from->len -= len;
    return true;
}

/* Whether `name` is the name of an exception's class. Allocates nothing and loads no class. */
static bool is_throwable(text name) {
    char lower[256];
    if (name.len == 0 || name.len >= sizeof lower) return false;
    zend_str_tolower_copy(lower, name.at, name.len);
    zend_class_entry *ce = zend_hash_str_find_ptr(EG(class_table), lower, name.len);
    return ce && instanceof_function(ce, zend_ce_throwable);
}

/* Parses `CLASS: MESSAGE in FILE:LINE` and the stack; the last one of a chain of exceptions is the uncaught one. A
 * class with its own __toString() may give any text. */
static void set_uncaught(spanwire_span span, text said, zend_string *file, uint32_t line) {
    text stack = {NULL, 0}, head = said, ignored;
    cut_end(&head, ZEND_STRL(SW_THROWN));
    char number[32];
    size_t number_len = (size_t)snprintf(number, sizeof number, ":%u", (unsigned)line);
    if (cut_last(&head, ZEND_STRL(SW_STACK), &stack) && cut_end(&head, number, number_len) && file &&
        cut_end(&head, ZSTR_VAL(file), ZSTR_LEN(file)) && cut_end(&head, ZEND_STRL(" in "))) {
        if (cut_last(&head, ZEND_STRL(SW_NEXT), &ignored)) head = ignored;
    } else {
        head = said;
        cut_end(&head, ZEND_STRL(SW_THROWN));
        stack = (text){NULL, 0};
    }
    const char *end = head.at + head.len, *colon = zend_memnstr(head.at, ZEND_STRL(": "), end);
    text type = {head.at, (size_t)((colon ? colon : end) - head.at)};
    text message = {colon ? colon + 2 : end, colon ? (size_t)(end - colon) - 2 : 0};
    type.len = strnlen(type.at, type.len);
    if (!stack.at && !is_throwable(type)) {
        type = (text){ZEND_STRL("Uncaught exception")};
        message = head;
    }
    set_error(span, type, message, stack);
}

/* ---- Errors that end a script ---- */

static void (*next_error_cb)(int, zend_string *, const uint32_t, zend_string *);

static uint32_t line_of(const zend_execute_data *frame) {
    const zend_op *before = EG(opline_before_exception);
    if (!frame->opline) return frame->func->op_array.opcodes[0].lineno;
    if (EG(exception) && frame->opline->opcode == ZEND_HANDLE_EXCEPTION && before) return before->lineno;
    return frame->opline->lineno;
}

/* Writes the stack as exceptions show it, without arguments. The place of the error is the first line, unless the error
 * is in an internal function. */
static text write_trace(char *buffer, size_t size) {
    size_t len = 0;
    int number = 0;
    const zend_function *called = NULL;
    for (zend_execute_data *frame = EG(current_execute_data); frame; frame = frame->prev_execute_data) {
        frame = zend_generator_check_placeholder_frame(frame); /* those that wait in a `yield from` */
        if (!frame->func) continue;
        bool user = ZEND_USER_CODE(frame->func->type);
        if (user && len < size) {
            const char *class = called && called->common.scope ? ZSTR_VAL(called->common.scope->name) : NULL;
            const char *name = called && called->common.function_name ? ZSTR_VAL(called->common.function_name) : NULL;
            int wrote = snprintf(buffer + len, size - len, "#%d %s(%u)%s%s%s%s%s\n", number++,
                                 ZSTR_VAL(frame->func->op_array.filename), (unsigned)line_of(frame), name ? ": " : "",
                                 class ? class : "", class ? "::" : "", name ? name : "", name ? "()" : "");
            len += wrote > 0 ? (size_t)wrote : 0;
        }
        called = frame->func;
    }
    if (len < size) len += (size_t)snprintf(buffer + len, size - len, "#%d {main}", number);
    return (text){buffer, len < size ? len : size - 1};
}

static void mark_open_spans(int type, zend_string *file, uint32_t line, zend_string *message) {
    text said = text_of(message);
    bool uncaught = said.len >= strlen(SW_UNCAUGHT) && memcmp(said.at, ZEND_STRL(SW_UNCAUGHT)) == 0;
    char buffer[SW_TRACE_MAX];
    text stack = uncaught ? (text){NULL, 0} : write_trace(buffer, sizeof buffer);
    text kind = type == E_PARSE ? (text){ZEND_STRL("ParseError")} : (text){ZEND_STRL("Fatal error")};
    for (sw_node *node = SW_G(newest); node; node = node->older) {
        if (uncaught) {
            text rest = {said.at + strlen(SW_UNCAUGHT), said.len - strlen(SW_UNCAUGHT)};
            set_uncaught(node->handle, rest, file, line);
        } else {
            set_error(node->handle, kind, said, stack);
        }
    }
}

/* Called after the script's error handler, if that did not handle the error. After an error that ends the script, only
 * its shutdown functions still run. */
static void on_error(int type, zend_string *file, const uint32_t line, zend_string *message) {
    const int fatal = E_ERROR | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR | E_PARSE;
    if ((type & fatal) && message && SW_G(newest)) mark_open_spans(type & E_ALL, file, line, message);
    next_error_cb(type, file, line, message);
}

void sw_errors_start(void) {
    next_error_cb = zend_error_cb;
    zend_error_cb = on_error;
}

void sw_errors_stop(void) {
    /* An extension that hooked in later still calls our hook, and restores it when it ends. */
    if (zend_error_cb == on_error) zend_error_cb = next_error_cb;
}
