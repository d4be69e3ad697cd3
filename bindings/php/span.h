/* What span.c shares with the stack of current spans and with the making of tags. */
#ifndef SPANWIRE_PHP_SPAN_H
#define SPANWIRE_PHP_SPAN_H

#include "php_spanwire.h"

/* stack.c */

void sw_stack_start(void);
void sw_stack_request_starts(void);
/* The current span's node, or NULL; the stack's own share of it. */
sw_node *sw_stack_current(void);
/* A node for a span that is about to start: made before it, because PHP's memory may be at its limit, and a span that
 * nobody holds would stay open. */
sw_node *sw_stack_make(void);
/* Gives it to a span that has started; `object` holds a share of it. */
void sw_stack_push(sw_node *node, spanwire_span handle, zend_object *object, bool activate);
/* Its span has finished. */
void sw_stack_close(sw_node *node);
/* Gives a share of a node back; NULL does nothing. */
void sw_stack_release(sw_node *node);

/* errors.c */

/* Marks the span as failed with what every exception has. */
void sw_errors_set_exception(spanwire_span span, zend_object *exception);
void sw_errors_set_texts(spanwire_span span, zend_string *type, zend_string *message, zend_string *stack);

/* tags.c */

enum { SW_ON_STACK = 16 };

/* Tags on their way to the library. Texts that nothing else holds are kept until it has copied them: at most a key and
 * a value for each tag. */
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

/* Fills `to`, which the caller frees in any case. NULL gives none. False: an object's __toString() threw. */
bool sw_tags_collect(sw_tags *to, HashTable *from);
/* Adds one, if there is room: sw_tags_collect() has made it. False likewise. */
bool sw_tags_add(sw_tags *to, const char *key, size_t key_len, zval *value);
void sw_tags_free(sw_tags *to);

#endif
