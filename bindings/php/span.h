/* Declarations that span.c shares with start.c, stack.c, errors.c, tags.c and attributes.c. */
#ifndef SPANWIRE_PHP_SPAN_H
#define SPANWIRE_PHP_SPAN_H

#include "php_spanwire.h"

/* span.c */

typedef struct {
    /* NULL: the span could not be started. */
    sw_node *node;
    zend_object std;
} sw_span_object;

static inline sw_span_object *sw_span_object_of(zend_object *object) {
    return (sw_span_object *)((char *)object - offsetof(sw_span_object, std));
}

/* Returns the handle of an open span; 0 once it has finished. */
spanwire_span sw_span_open(zend_object *object);

/* stack.c */

void sw_stack_start(void);
void sw_stack_request_starts(void);
/* Removes finished spans from the top of the stack. Returns what sw_stack_current() does. */
sw_node *sw_stack_settle(void);
/* Returns the current span's node, or NULL; the reference stays the stack's. */
static inline sw_node *sw_stack_current(void) {
    sw_node *top = SW_G(current);
    return !top || top->open ? top : sw_stack_settle();
}
/* Makes a node for a span that is about to start. It is made first: if PHP's memory is at its limit, the span would
 * stay open without an owner. */
sw_node *sw_stack_make(void);
/* Assigns the node to a span that has started; `object` holds a reference. */
void sw_stack_push(sw_node *node, spanwire_span handle, zend_object *object, bool activate);
/* Call when its span has finished. */
void sw_stack_close(sw_node *node);
/* Releases a reference; NULL does nothing. */
void sw_stack_release(sw_node *node);

/* errors.c */

/* Marks the span as failed, with the exception's class, message and stack. */
void sw_errors_set_exception(spanwire_span span, zend_object *exception);
void sw_errors_set_texts(spanwire_span span, zend_string *type, zend_string *message, zend_string *stack);

/* tags.c */

enum { SW_ON_STACK = 16 };

/* Tags for one call of the library. Texts without another owner are kept until the library has copied them: at most a
 * key and a value for each tag. */
typedef struct {
    spanwire_tag *tags;
    spanwire_metric *metrics;
    size_t tags_count, metrics_count;
    zend_string **kept;
    size_t kept_count;
    spanwire_tag tags_here[SW_ON_STACK];
    spanwire_metric metrics_here[SW_ON_STACK];
    zend_string *kept_here[2 * SW_ON_STACK];
} sw_tags;

/* Fills `to`, which the caller always frees. NULL gives no tags. Returns false if an object's __toString() threw. */
bool sw_tags_collect(sw_tags *to, HashTable *from);
/* Adds one tag; sw_tags_collect() has made room for it. Returns false if an object's __toString() threw. */
bool sw_tags_add(sw_tags *to, const char *key, size_t key_len, zval *value);
void sw_tags_free_kept(sw_tags *to);
static inline void sw_tags_free(sw_tags *to) {
    if (to->kept_count || to->tags != to->tags_here) sw_tags_free_kept(to);
}

/* attributes.c implements setAttribute(), setAttributes(), addEvent() and addLink(). */

void sw_attributes_set_one(INTERNAL_FUNCTION_PARAMETERS);
void sw_attributes_set(INTERNAL_FUNCTION_PARAMETERS);
void sw_attributes_add_event(INTERNAL_FUNCTION_PARAMETERS);
void sw_attributes_add_link(INTERNAL_FUNCTION_PARAMETERS);

#endif
