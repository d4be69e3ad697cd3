/* Texts and numbers of Ruby's values. What they become is what Spanwire::Text and Spanwire::Scratch make of them. */
#include "spanwire_ext.h"

/* The largest integer up to which a double holds all. */
#define SW_EXACT (1LL << 53)

/* A bit for each encoding whose texts the library takes as they are. */
static uint32_t taken;

void sw_know_encodings(void) {
    taken = 1u << rb_utf8_encindex() | 1u << rb_usascii_encindex() | 1u << rb_ascii8bit_encindex();
}

bool sw_text_of(VALUE value, const char **bytes, size_t *size) {
    if (SYMBOL_P(value)) value = rb_sym2str(value);
    else if (!RB_TYPE_P(value, T_STRING)) return false;
    int encoding = RB_ENCODING_GET(value);
    if (encoding >= 32 || !(taken >> encoding & 1)) return false;
    *bytes = RSTRING_PTR(value);
    *size = (size_t)RSTRING_LEN(value);
    return true;
}

sw_kind sw_value_of(VALUE value, spanwire_tag *text, double *number) {
    if (sw_text_of(value, &text->value, &text->value_len)) return SW_TEXT;
    if (FIXNUM_P(value)) {
        long integer = FIX2LONG(value);
        *number = (double)integer;
        return integer >= -SW_EXACT && integer <= SW_EXACT ? SW_NUMBER : SW_OTHER;
    }
    if (RB_FLOAT_TYPE_P(value)) {
        *number = RFLOAT_VALUE(value);
        return SW_NUMBER;
    }
    if (NIL_P(value)) return SW_NOTHING;
    if (value != Qtrue && value != Qfalse) return SW_OTHER;
    text->value = value == Qtrue ? "true" : "false";
    text->value_len = value == Qtrue ? 4 : 5;
    return SW_TEXT;
}

/* Adds a tag; ends the walk at one that is left to Ruby. */
static int add(VALUE key, VALUE value, VALUE argument) {
    sw_tags *to = (sw_tags *)argument;
    spanwire_tag *text = &to->texts[to->texts_count];
    spanwire_metric *number = &to->numbers[to->numbers_count];
    sw_kind kind = sw_value_of(value, text, &number->value);
    if (kind == SW_NOTHING) return ST_CONTINUE;
    to->complete = kind == SW_TEXT     ? sw_text_of(key, &text->key, &text->key_len)
                   : kind == SW_NUMBER ? sw_text_of(key, &number->key, &number->key_len)
                                       : false;
    if (!to->complete) return ST_STOP;
    if (kind == SW_TEXT) to->texts_count++;
    else to->numbers_count++;
    return ST_CONTINUE;
}

bool sw_tags_of(VALUE hash, sw_tags *to) {
    to->complete = true;
    to->texts_count = to->numbers_count = 0;
    if (!RTEST(hash)) return true;
    /* A class of its own may have an `each` of its own. */
    if (!RB_TYPE_P(hash, T_HASH) || RBASIC_CLASS(hash) != rb_cHash || RHASH_SIZE(hash) > SW_TAGS) return false;
    rb_hash_foreach(hash, add, (VALUE)to);
    return to->complete;
}
