/*
 * The C extension of the gem: the calls that every span makes, without the cost of the ffi gem. It reads Ruby's strings
 * in place.
 *
 * Its methods are prepended to those of lib/spanwire. What is rare or needs a conversion they leave to them, by `super`.
 * Between reading a string and the library's return they run no Ruby code and make no object: nothing raises, and no
 * string changes or moves.
 */
#ifndef SPANWIRE_EXT_H
#define SPANWIRE_EXT_H

#include <ruby.h>
#include <ruby/encoding.h>
#include <stdbool.h>

#include "abi.h"

_Static_assert(sizeof(long) == 8, "a handle fits a Fixnum");

/* The functions that the extension calls. It is not linked to the library: Extension.attach gets the addresses from the
 * ffi gem, so that both call the same copy. */
#define SW_FUNCTIONS(X) \
    X(span_start_with) X(span_set_tag_n) X(span_set_metric_n) X(span_set_tags) X(span_finish)

struct sw_library {
#define X(name) __typeof__(&spanwire_##name) name;
    SW_FUNCTIONS(X)
#undef X
};

extern struct sw_library sw;

/* Tags of a span beyond this number are left to Ruby. They are on the stack: 3.5 KiB. */
#define SW_TAGS 64

/* Texts and numbers of a Hash. The texts are in Ruby's memory. */
typedef struct {
    /* False after a tag that is left to Ruby. */
    bool complete;
    size_t texts_count, numbers_count;
    spanwire_tag texts[SW_TAGS];
    spanwire_metric numbers[SW_TAGS];
} sw_tags;

/* Call it once, before the functions below. */
void sw_know_encodings(void);

/* Where a text is, if the library takes it as it is: a String or Symbol in UTF-8, US-ASCII or BINARY. Otherwise returns
 * false. The address is valid until Ruby code runs or an object is made. */
bool sw_text_of(VALUE value, const char **bytes, size_t *size);

/* What becomes of a value of a tag. */
typedef enum { SW_NOTHING, SW_TEXT, SW_NUMBER, SW_OTHER } sw_kind;

/* Reads the value of a tag into `text` or `number`. SW_NOTHING is nil; SW_OTHER is left to Ruby. */
sw_kind sw_value_of(VALUE value, spanwire_tag *text, double *number);

/* Reads a Hash of tags. Returns false if it is left to Ruby. */
bool sw_tags_of(VALUE hash, sw_tags *to);

/* Defines the modules with the methods. */
void sw_define_span(VALUE extension);
void sw_define_start(VALUE extension);

/* Whether this is the main Ractor. In another one Ruby's methods decide. */
bool sw_in_main_ractor(void);

/* Reads a handle, 0 if there is none, from an instance variable. */
static inline uint64_t sw_handle(VALUE object, ID name) {
    VALUE handle = rb_ivar_get(object, name);
    return FIXNUM_P(handle) ? (uint64_t)FIX2LONG(handle) : 0;
}

#endif
