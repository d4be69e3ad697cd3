/* Starts spans: Spanwire::Tracer#start and Spanwire::Scope.current. */
#include "spanwire_ext.h"

static ID id_alive, id_handle, id_log, id_muted, id_scope, id_starts_on, id_thread;
static VALUE span_class, remote_context_class, null_span;

/* Scope.current: the fiber's scope, unless it has none yet or one of another thread. */
static VALUE current(VALUE self) {
    VALUE thread = rb_thread_current();
    VALUE scope = rb_thread_local_aref(thread, id_scope);
    if (!NIL_P(scope) && rb_ivar_get(scope, id_thread) == thread) return scope;
    return rb_call_super(0, NULL);
}

/* Whether the thread that takes the log runs. Log#run starts it. */
static bool log_runs(VALUE tracer) {
    VALUE thread = rb_ivar_get(rb_ivar_get(tracer, id_log), id_thread);
    return !NIL_P(thread) && RTEST(rb_funcallv(thread, id_alive, 0, NULL));
}

/* Returns false for a parent that is left to Ruby. */
static bool put_parent(spanwire_span_options *options, VALUE parent) {
    if (!RTEST(parent)) return true;
    VALUE class = rb_obj_class(parent);
    if (class == span_class) options->parent = sw_handle(parent, id_handle);
    else if (class == remote_context_class) options->context_handle = sw_handle(parent, id_handle);
    else return false;
    return true;
}

static bool put_optional(VALUE value, const char **bytes, size_t *size) {
    return !RTEST(value) || sw_text_of(value, bytes, size);
}

/* The arguments of Tracer#start. */
enum { SCOPE, NAME, SERVICE, RESOURCE, TYPE, TAGS, PARENT, START_TIME, ARGUMENTS };

/* Returns the new span, the null span if there is none, or Qundef if the call is left to Ruby. */
static VALUE started(VALUE self, const VALUE *given) {
    if (!sw_in_main_ractor()) return Qundef;
    uint64_t tracer = sw_handle(self, id_starts_on);
    if (!tracer || RTEST(rb_ivar_get(given[SCOPE], id_muted))) return null_span;
    if (RTEST(given[START_TIME]) || !log_runs(self)) return Qundef;
    /* Before anything is read of the strings: this may collect garbage, move strings, or raise. */
    VALUE span = rb_obj_alloc(span_class);
    spanwire_span_options options = {.size = sizeof options};
    sw_tags tags;
    if (!put_parent(&options, given[PARENT]) || !sw_text_of(given[NAME], &options.name, &options.name_len) ||
        !put_optional(given[SERVICE], &options.service, &options.service_len) ||
        !put_optional(given[RESOURCE], &options.resource, &options.resource_len) ||
        !put_optional(given[TYPE], &options.type, &options.type_len) || !sw_tags_of(given[TAGS], &tags))
        return Qundef;
    options.tags = tags.texts;
    options.tags_count = tags.texts_count;
    options.metrics = tags.numbers;
    options.metrics_count = tags.numbers_count;
    spanwire_span handle = 0;
    if (sw.span_start_with(tracer, &options, &handle) != 0 || !handle) return null_span;
    /* Handles are below 2^53. */
    rb_ivar_set(span, id_handle, LONG2FIX((long)handle));
    return span;
}

static VALUE start(int argc, VALUE *argv, VALUE self) {
    VALUE span = argc == ARGUMENTS ? started(self, argv) : Qundef;
    return span == Qundef ? rb_call_super(argc, argv) : span;
}

static VALUE constant(VALUE module, const char *name) {
    VALUE value = rb_const_get(module, rb_intern(name));
    rb_gc_register_mark_object(value);
    return value;
}

void sw_define_start(VALUE extension) {
    id_alive = rb_intern("alive?");
    id_handle = rb_intern("@handle");
    id_log = rb_intern("@log");
    id_muted = rb_intern("@muted");
    id_scope = rb_intern("spanwire_scope");
    id_starts_on = rb_intern("@starts_on");
    id_thread = rb_intern("@thread");
    VALUE spanwire = rb_const_get(rb_cObject, rb_intern("Spanwire"));
    span_class = constant(spanwire, "Span");
    remote_context_class = constant(spanwire, "RemoteContext");
    null_span = constant(constant(spanwire, "Tracer"), "NULL_SPAN");
    rb_define_private_method(rb_define_module_under(extension, "TracerMethods"), "start", start, -1);
    rb_define_method(rb_define_module_under(extension, "ScopeMethods"), "current", current, 0);
    /* The first object of a class that gets an instance variable allocates memory for its name. */
    rb_ivar_set(rb_obj_alloc(span_class), id_handle, INT2FIX(0));
}
