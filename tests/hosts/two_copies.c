/* Several copies of the library in one process: two_copies FLAG PATH...
 * FLAG is `local` or `global`, the scope that each PATH is loaded into. A PATH is a copy of the library, or a plugin that
 * contains one (built from this file with -DPLUGIN); `-` is the copy that the program itself is linked with. Every copy
 * must have its own tracers, spans, log records and table for debuggers. */
#include "check.h"
#include <dlfcn.h>

#define FUNCTIONS(X) \
    X(tracer_new) X(tracer_stats) X(tracer_shutdown) X(span_start) X(span_start_n) X(span_set_error) X(span_finish) \
    X(log_write) X(log_drain) X(process_inspect) X(debug_set) X(debug_get)

extern char spanwire_debug_root[];

#if defined PLUGIN || defined HOLDS /* the static library, whose symbols are hidden */
void *plugin_symbol(const char *name) {
#define FOUND(wanted) \
    if (strcmp(name, "spanwire_" #wanted) == 0) { \
        __typeof__(&spanwire_##wanted) function = spanwire_##wanted; \
        void *address; \
        memcpy(&address, &function, sizeof address); \
        return address; \
    }
    FUNCTIONS(FOUND)
#undef FOUND
    return strcmp(name, "spanwire_debug_root") == 0 ? spanwire_debug_root : NULL;
}
#endif
#ifndef PLUGIN
#ifdef ALONE /* linked with no copy */
#define WEAK(name) extern __typeof__(spanwire_##name) spanwire_##name __attribute__((weak));
FUNCTIONS(WEAK)
#endif

struct copy {
#define FIELD(name) __typeof__(&spanwire_##name) name;
    FUNCTIONS(FIELD)
#undef FIELD
    uint64_t root;
    spanwire_tracer tracer;
    char said[4096];
};

static void *symbol(void *library, const char *name) {
    void *(*of_plugin)(const char *name) = NULL;
    *(void **)&of_plugin = dlsym(library, "plugin_symbol");
    void *found = of_plugin ? of_plugin(name) : dlsym(library, name);
    if (!found) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return found;
}

static struct copy load(const char *path, int flag) {
    struct copy copy = {0};
    int own = strcmp(path, "-") == 0;
    void *library = dlopen(own ? NULL : path, flag | RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
#define FIND(name) \
    if (own) copy.name = spanwire_##name; \
    else *(void **)&copy.name = symbol(library, "spanwire_" #name);
    FUNCTIONS(FIND)
#undef FIND
    copy.root = (uint64_t)symbol(library, "spanwire_debug_root");
#ifndef ALONE
    /* The linker has put a copy of the library's object into this program. */
    if (own) copy.root = (uint64_t)(uintptr_t)spanwire_debug_root;
#endif
    return copy;
}

static int32_t read_own(uint64_t address, void *into, size_t length, void *userdata) {
    (void)userdata;
    memcpy(into, (void *)address, length);
    return 0;
}

static void keep(const char *text, size_t length, void *userdata) {
    snprintf(userdata, sizeof((struct copy *)0)->said, "%.*s", (int)length, text);
}

static void make(struct copy *copy, int n) {
    char service[16];
    snprintf(service, sizeof service, "copy-%d", n);
    spanwire_setting settings[] = {{"DD_SERVICE", service}, {"SPANWIRE_LOG_SINKS", "ring"},
                                   {"DD_TRACE_STARTUP_LOGS", "false"}, {"DD_TRACE_AGENT_URL", "file:///dev/null"}};
    OK(copy->tracer_new(settings, 4, &copy->tracer, NULL));
}

/* Copy number n makes n + 1 spans of each kind and leaves one open. */
static void use(struct copy *copy, int n) {
    for (int i = 0; i <= n; i++) {
        spanwire_span spans[] = {copy->span_start(copy->tracer, 0, "measured"),
                                 copy->span_start_n(copy->tracer, 0, "counted", 7)};
        for (int k = 0; k < 2; k++) {
            CHECK(spans[k]);
            OK(copy->span_set_error(spans[k], "Declined", "no card", NULL));
            OK(copy->span_finish(spans[k]));
        }
    }
    CHECK(copy->span_start(copy->tracer, 0, "open"));
    char text[32];
    snprintf(text, sizeof text, "record of copy %d", n);
    OK(copy->log_write(SPANWIRE_LEVEL_ERROR, "host", text));
}

static void check(struct copy *copy, int n) {
    spanwire_stats stats = {.size = sizeof stats};
    OK(copy->tracer_stats(copy->tracer, &stats));
    CHECK(stats.spans_started == 2u * (n + 1) + 1);
    CHECK(stats.spans_finished == 2u * (n + 1));
    CHECK(stats.spans_open == 1);
    char lines[4096] = "", wanted[32];
    size_t need = 0;
    OK(copy->log_drain(lines, sizeof lines, &need));
    snprintf(wanted, sizeof wanted, "record of copy %d", n);
    CHECK(strstr(lines, wanted));
    const char *first = strstr(lines, "record of copy");
    CHECK(first && !strstr(first + 1, "record of copy"));
    /* The table that debuggers read belongs to this copy. */
    OK(copy->process_inspect(copy->root, 0, "status", read_own, keep, copy->said));
    snprintf(wanted, sizeof wanted, "copy-%d", n);
    CHECK(strstr(copy->said, wanted) && strstr(copy->said, "Open spans: 1 "));
}

int main(int argc, char **argv) {
    enum { MOST = 4 };
    struct copy copies[MOST];
    int count = argc - 2, flag = argc > 1 && strcmp(argv[1], "global") == 0 ? RTLD_GLOBAL : RTLD_LOCAL;
    if (count < 1 || count > MOST) return 2;
    for (int n = 0; n < count; n++) copies[n] = load(argv[n + 2], flag);
    for (int n = 0; n < count; n++) make(&copies[n], n);
    for (int n = 0; n < count; n++) use(&copies[n], n);
    for (int n = 0; n < count; n++) check(&copies[n], n);
    /* Each copy has its own process-wide switches, too. */
    for (int n = 0; n < count; n++) {
        OK(copies[n].debug_set(1));
        for (int k = 0; k < count; k++) CHECK(copies[k].debug_get() == (k == n));
        OK(copies[n].debug_set(0));
    }
    for (int n = 0; n < count; n++) OK(copies[n].tracer_shutdown(copies[n].tracer, 5000));
    for (int n = 0; n < count; n++)
        for (int k = 0; k < n; k++) CHECK(copies[n].root != copies[k].root);
    return verdict();
}
#endif
