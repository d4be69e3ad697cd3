/* Declarations that context.c, headers.c and span.c share. */
#ifndef SPANWIRE_PHP_HEADERS_H
#define SPANWIRE_PHP_HEADERS_H

#include "php_spanwire.h"

/* headers.c */

enum { SW_HEADERS_HERE = 32 };

/* The headers of a request for one call of the library, and the texts that are kept until it has read them. */
typedef struct {
    spanwire_header *headers;
    zend_string **kept;
    size_t count, kept_count, capacity;
    spanwire_header headers_here[SW_HEADERS_HERE];
    zend_string *kept_here[SW_HEADERS_HERE];
} sw_headers;

/* Fills `to`, which the caller always frees, with the headers of $_SERVER or of an array of names and values. Returns
 * false if an object's __toString() threw. */
bool sw_headers_collect(sw_headers *to, HashTable *from);
void sw_headers_free(sw_headers *to);

/* A function of the library that writes a text about a span or a context. */
typedef spanwire_status (*sw_text_call)(uint64_t handle, char *buffer, size_t capacity, size_t *need);

/* Implement inject(), injectLines() and baggage() of Span and Context. */
void sw_headers_inject(INTERNAL_FUNCTION_PARAMETERS, sw_text_call call, uint64_t handle);
void sw_headers_inject_lines(INTERNAL_FUNCTION_PARAMETERS, sw_text_call call, uint64_t handle);
void sw_headers_baggage(INTERNAL_FUNCTION_PARAMETERS, sw_text_call call, uint64_t handle);

/* Implements origin(). */
void sw_headers_text(INTERNAL_FUNCTION_PARAMETERS, sw_text_call call, uint64_t handle);

/* Implements getBaggage() and getTag(). */
typedef spanwire_status (*sw_item_call)(uint64_t handle, const char *key, char *buffer, size_t capacity, size_t *need);
void sw_headers_get_item(INTERNAL_FUNCTION_PARAMETERS, sw_item_call call, uint64_t handle);

/* context.c */

extern zend_class_entry *sw_context_ce;
void sw_context_register_class(void);
/* The handle of an object of this class, which stays valid as long as the object. */
spanwire_context_handle sw_context_handle(zend_object *object);

#endif
