/*
 * The current span of each fiber: the latest one that was made current and is open. Also the list of all open spans of
 * the request.
 */
#include "php_spanwire.h"

#include <Zend/zend_extensions.h>
#include <Zend/zend_observer.h>

#include "span.h"

/* Where the current span of a fiber is kept while another fiber runs. */
static int fiber_slot = -1;

void sw_stack_release(sw_node *node) {
    while (node && --node->refs == 0) {
        sw_node *below = node->below;
        efree(node);
        node = below;
    }
}

/* Spans may finish in any order: finished ones are removed from the stack here. */
sw_node *sw_stack_settle(void) {
    sw_node *top = SW_G(current);
    while (top && !top->open) {
        sw_node *below = top->below;
        if (below) below->refs++;
        sw_stack_release(top);
        top = below;
    }
    return SW_G(current) = top;
}

sw_node *sw_stack_make(void) {
    sw_node *node = emalloc(sizeof *node);
    *node = (sw_node){0};
    return node;
}

void sw_stack_push(sw_node *node, spanwire_span handle, zend_object *object, bool activate) {
    node->handle = handle;
    node->open = true;
    node->refs = 1;
    node->object = object;
    node->older = SW_G(newest);
    if (node->older) node->older->newer = node;
    SW_G(newest) = node;
    if (activate) {
        node->below = sw_stack_current(); /* the stack's reference becomes this node's */
        SW_G(current) = node;
        node->refs++;
    }
}

void sw_stack_close(sw_node *node) {
    node->open = false;
    if (node->newer) node->newer->older = node->older;
    else SW_G(newest) = node->older;
    if (node->older) node->older->newer = node->newer;
    node->newer = node->older = NULL;
    sw_stack_current();
}

static void fiber_starts(zend_fiber_context *fiber) {
    sw_node *node = sw_stack_current();
    if (node) node->refs++;
    fiber->reserved[fiber_slot] = node;
}

static void fiber_switches(zend_fiber_context *from, zend_fiber_context *to) {
    from->reserved[fiber_slot] = SW_G(current);
    SW_G(current) = to->reserved[fiber_slot];
    to->reserved[fiber_slot] = NULL;
}

static void fiber_ends(zend_fiber_context *fiber) {
    sw_stack_release(fiber->reserved[fiber_slot]);
    fiber->reserved[fiber_slot] = NULL;
}

void sw_stack_start(void) {
    fiber_slot = zend_get_resource_handle("spanwire");
    if (fiber_slot < 0) return;
    zend_observer_fiber_init_register(fiber_starts);
    zend_observer_fiber_switch_register(fiber_switches);
    zend_observer_fiber_destroy_register(fiber_ends);
}

void sw_stack_request_starts(void) {
    SW_G(current) = NULL;
    SW_G(newest) = NULL;
}
