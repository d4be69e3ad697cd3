/*
 * Marks open spans with an uncaught exception that goes to the handler of set_exception_handler(). PHP calls that
 * handler without informing extensions. So this file looks for a `catch` in the frames below when the exception is
 * thrown. Without such a handler PHP turns the exception into an error, which errors.c handles.
 */
#include "php_spanwire.h"

#include <Zend/zend_exceptions.h>
#include <Zend/zend_fibers.h>
#include <Zend/zend_generators.h>

#include "span.h"

static void (*next_throw_hook)(zend_object *);

/* Whether one of a chain of `catch` takes an exception of this class. A class that is not loaded has no objects. */
static bool takes(const zend_op *at, const zend_class_entry *thrown) {
    while (at->opcode == ZEND_CATCH) {
        zend_class_entry *ce =
            zend_fetch_class_by_name(Z_STR_P(RT_CONSTANT(at, at->op1)), Z_STR_P(RT_CONSTANT(at, at->op1) + 1),
                                     ZEND_FETCH_CLASS_NO_AUTOLOAD | ZEND_FETCH_CLASS_SILENT);
        if (ce && instanceof_function(thrown, ce)) return true;
        if (at->extended_value & ZEND_LAST_CATCH) return false;
        at = OP_JMP_ADDR(at, at->op2);
    }
    return false;
}

static bool catches(const zend_execute_data *frame, const zend_class_entry *thrown) {
    const zend_op_array *code = &frame->func->op_array;
    const zend_op *at = frame->opline;
    if (at && at->opcode == ZEND_HANDLE_EXCEPTION) at = EG(opline_before_exception);
    if (!at || at < code->opcodes || at >= code->opcodes + code->last) return true; /* unknown */
    uint32_t number = (uint32_t)(at - code->opcodes);
    for (int i = 0; i < code->last_try_catch; i++) {
        const zend_try_catch_element *block = &code->try_catch_array[i];
        if (number >= block->try_op && number < block->catch_op && takes(code->opcodes + block->catch_op, thrown))
            return true;
    }
    return false;
}

/* An exception that a fiber does not catch is thrown again in the frame that resumed it. log.c catches those of a
 * logger. */
static bool is_caught(const zend_class_entry *thrown) {
    if (SW_G(draining) || EG(active_fiber)) return true;
    for (zend_execute_data *frame = EG(current_execute_data); frame; frame = frame->prev_execute_data) {
        frame = zend_generator_check_placeholder_frame(frame); /* generators that wait in a `yield from` */
        if (frame->func && ZEND_USER_CODE(frame->func->type) && catches(frame, thrown)) return true;
    }
    return false;
}

static void on_throw(zend_object *exception) {
    zend_object *thrown = exception ? exception : EG(exception);
    bool handler = Z_TYPE(EG(user_exception_handler)) != IS_UNDEF;
    if (handler && SW_G(newest) && thrown && instanceof_function(thrown->ce, zend_ce_throwable) &&
        !is_caught(thrown->ce)) {
        for (sw_node *node = SW_G(newest); node; node = node->older) sw_errors_set_exception(node->handle, thrown);
    }
    if (next_throw_hook) next_throw_hook(exception);
}

void sw_thrown_start(void) {
    next_throw_hook = zend_throw_exception_hook;
    zend_throw_exception_hook = on_throw;
}

void sw_thrown_stop(void) {
    if (zend_throw_exception_hook == on_throw) zend_throw_exception_hook = next_throw_hook;
}
