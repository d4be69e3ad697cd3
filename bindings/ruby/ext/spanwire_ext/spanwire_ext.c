/* Loads the extension. lib/spanwire/extension.rb gives it the library's functions and puts its methods to use. */
#include "spanwire_ext.h"

#include <ruby/ractor.h>

struct sw_library sw;

static rb_ractor_local_key_t main_ractor;

bool sw_in_main_ractor(void) { return rb_ractor_local_storage_value(main_ractor) == Qtrue; }

/* Extension.attach(addresses): takes the address of each function of FUNCTIONS. */
static VALUE attach(VALUE self, VALUE addresses) {
    struct sw_library found;
    long at = 0;
    Check_Type(addresses, T_ARRAY);
#define X(name) found.name = (__typeof__(found.name))NUM2ULL(rb_ary_entry(addresses, at++));
    SW_FUNCTIONS(X)
#undef X
    sw = found;
    return self;
}

RUBY_FUNC_EXPORTED void Init_spanwire_ext(void) {
    /* Its data are written here alone. */
    rb_ext_ractor_safe(true);
    main_ractor = rb_ractor_local_storage_value_newkey();
    rb_ractor_local_storage_value_set(main_ractor, Qtrue);

    VALUE extension = rb_const_get(rb_const_get(rb_cObject, rb_intern("Spanwire")), rb_intern("Extension"));
    VALUE functions = rb_ary_new();
#define X(name) rb_ary_push(functions, ID2SYM(rb_intern(#name)));
    SW_FUNCTIONS(X)
#undef X
    rb_define_const(extension, "FUNCTIONS", rb_obj_freeze(functions));
    rb_define_const(extension, "BUILT_FOR", rb_obj_freeze(rb_utf8_str_new_cstr(GEM_VERSION)));
    rb_define_singleton_method(extension, "attach", attach, 1);
    sw_know_encodings();
    sw_define_span(extension);
    sw_define_start(extension);
}
