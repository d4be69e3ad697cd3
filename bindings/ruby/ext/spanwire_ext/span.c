/* The methods of Spanwire::Span that most spans use. */
#include "spanwire_ext.h"

static ID id_handle;

/* Span#set_tag and #[]=. */
static VALUE set_tag(VALUE self, VALUE key, VALUE value) {
    VALUE arguments[] = {key, value};
    if (!sw_in_main_ractor()) return rb_call_super(2, arguments);
    uint64_t span = sw_handle(self, id_handle);
    spanwire_tag text;
    double number;
    sw_kind kind = sw_value_of(value, &text, &number);
    if (kind == SW_NOTHING || kind == SW_OTHER || !sw_text_of(key, &text.key, &text.key_len))
        return rb_call_super(2, arguments);
    if (kind == SW_TEXT) sw.span_set_tag_n(span, text.key, text.key_len, text.value, text.value_len);
    else sw.span_set_metric_n(span, text.key, text.key_len, number);
    RB_GC_GUARD(key);
    RB_GC_GUARD(value);
    return self;
}

/* Span#set_tags. */
static VALUE set_tags(VALUE self, VALUE hash) {
    sw_tags tags;
    if (!sw_in_main_ractor() || !RTEST(hash)) return rb_call_super(1, &hash);
    uint64_t span = sw_handle(self, id_handle);
    if (!sw_tags_of(hash, &tags)) return rb_call_super(1, &hash);
    sw.span_set_tags(span, tags.texts, tags.texts_count);
    for (size_t i = 0; i < tags.numbers_count; i++)
        sw.span_set_metric_n(span, tags.numbers[i].key, tags.numbers[i].key_len, tags.numbers[i].value);
    RB_GC_GUARD(hash);
    return self;
}

/* Span#finish. A time is left to Ruby, and so are arguments that are wrong. */
static VALUE finish(int argc, VALUE *argv, VALUE self) {
    if (argc > 1 || (argc == 1 && RTEST(argv[0])) || !sw_in_main_ractor()) return rb_call_super(argc, argv);
    sw.span_finish(sw_handle(self, id_handle));
    return Qnil;
}

void sw_define_span(VALUE extension) {
    id_handle = rb_intern("@handle");
    VALUE module = rb_define_module_under(extension, "SpanMethods");
    rb_define_method(module, "set_tag", set_tag, 2);
    rb_define_method(module, "[]=", set_tag, 2);
    rb_define_method(module, "set_tags", set_tags, 1);
    rb_define_method(module, "finish", finish, -1);
}
