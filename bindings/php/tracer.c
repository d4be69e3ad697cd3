/*
 * The tracers of the process, one for each list of settings that a request has needed, and the class Spanwire\Tracer.
 * A tracer is made when a request needs it, not when PHP starts: only then is this process the worker, and are its
 * environment and the settings of the directory known.
 */
#include "php_spanwire.h"

#include <Zend/zend_interfaces.h>
#include <string.h>
#include <time.h>

#include "counts.h"
#include "tracer_arginfo.h"

/* Below SPANWIRE_TRACERS_MAX, so that a host with many directories does not use all tracers of the process. */
#define SW_TRACERS 32

struct sw_tracer {
    /* 0: it could not be made, or was freed; the next request that needs it makes it again. */
    spanwire_tracer handle;
    /* Empty while the entry is free. */
    sw_settings settings;
    /* Objects and running requests that hold it; it is not freed while there are any. */
    uint32_t users;
    /* When it was last used; the least recently used one is freed to make room. */
    uint64_t asked;
    /* The request in which a script shut it down; 0: it runs. */
    uint64_t closed_in;
};

static sw_tracer tracers[SW_TRACERS];
static uint64_t asked;
/* Why the last tracer could not be made. The warning is given after the lock is released, because it runs the script's
 * error handler, which may need a tracer itself. */
ZEND_TLS char problem[256];
static bool warned;
#ifdef ZTS
static MUTEX_T lock;
#define LOCK() tsrm_mutex_lock(lock)
#define UNLOCK() tsrm_mutex_unlock(lock)
#else
#define LOCK()
#define UNLOCK()
#endif

zend_class_entry *sw_tracer_ce;
static zend_object_handlers handlers;

typedef struct {
    sw_tracer *tracer;
    zend_object std;
} sw_tracer_object;

static sw_tracer_object *object_of(zend_object *object) {
    return (sw_tracer_object *)((char *)object - offsetof(sw_tracer_object, std));
}

spanwire_tracer sw_tracer_handle(zend_object *object) {
    sw_tracer *tracer = object_of(object)->tracer;
    return tracer ? tracer->handle : 0;
}

static void set_problem(const char *why) { snprintf(problem, sizeof problem, "%s", why); }

/* Warns once per process, not per request. */
static void warn_of_problem(void) {
    if (!*problem) return;
    char why[sizeof problem];
    memcpy(why, problem, sizeof why);
    *problem = '\0';
    if (warned) return;
    warned = true;
    php_error_docref(NULL, E_WARNING, "no tracer: %s", why);
}

static spanwire_tracer make(const sw_settings *settings) {
    spanwire_setting *list = safe_pemalloc(settings->count, sizeof *list, sizeof *list, 1);
    const char *at = settings->pairs;
    for (size_t i = 0; i < settings->count; i++) {
        list[i].name = at;
        at += strlen(at) + 1;
        list[i].value = at;
        at += strlen(at) + 1;
    }
    spanwire_tracer handle = 0;
    spanwire_error error = {.size = sizeof error};
    if (sw.tracer_new(list, settings->count, &handle, &error) != SPANWIRE_OK) set_problem(error.message);
    pefree(list, 1);
    return handle;
}

/* Returns a free entry, or frees the least recently used tracer without users; NULL if all are in use. */
static sw_tracer *room(void) {
    sw_tracer *oldest = NULL;
    for (sw_tracer *tracer = tracers; tracer < tracers + SW_TRACERS; tracer++) {
        if (!tracer->settings.pairs) return tracer;
        if (tracer->users == 0 && (!oldest || tracer->asked < oldest->asked)) oldest = tracer;
    }
    if (oldest) {
        if (oldest->handle) sw.tracer_free(oldest->handle); /* its finished spans are still sent */
        sw_settings_free(&oldest->settings);
        memset(oldest, 0, sizeof *oldest);
    }
    return oldest;
}

/* Makes a tracer again that a script shut down in an earlier request. In that request itself it stays closed. */
static void renew(sw_tracer *tracer) {
    if (tracer->handle && (tracer->closed_in == 0 || tracer->closed_in == SW_G(request))) return;
    if (tracer->handle) sw.tracer_free(tracer->handle);
    tracer->handle = make(&tracer->settings);
    tracer->closed_in = 0;
}

static sw_tracer *find_or_make(sw_settings *settings) {
    for (sw_tracer *tracer = tracers; tracer < tracers + SW_TRACERS; tracer++) {
        if (tracer->settings.pairs && tracer->settings.len == settings->len &&
            memcmp(tracer->settings.pairs, settings->pairs, settings->len) == 0) {
            renew(tracer);
            return tracer->handle ? tracer : NULL;
        }
    }
    sw_tracer *tracer = room();
    if (!tracer) {
        set_problem("this process uses too many with different settings at a time");
        return NULL;
    }
    tracer->handle = make(settings);
    if (!tracer->handle) return NULL;
    tracer->settings = *settings;
    memset(settings, 0, sizeof *settings);
    return tracer;
}

/* Takes ownership of `settings`. */
static sw_tracer *acquire(sw_settings *settings) {
    if (CG(compiler_options) & ZEND_COMPILE_PRELOAD) SW_G(preloading) = true;
    LOCK();
    sw_tracer *tracer = find_or_make(settings);
    if (tracer) {
        tracer->users++;
        tracer->asked = ++asked;
    }
    UNLOCK();
    sw_settings_free(settings);
    return tracer;
}

static void release(sw_tracer *tracer) {
    if (!tracer) return;
    LOCK();
    tracer->users--;
    UNLOCK();
}

static sw_tracer *find_default(void) {
    sw_tracer *tracer = SW_G(tracer);
    if (tracer && !SW_G(settings_changed)) {
        LOCK();
        renew(tracer);
        UNLOCK();
        return tracer;
    }
    SW_G(settings_changed) = false;
    sw_settings settings = {0};
    sw_settings_collect(&settings, NULL);
    SW_G(tracer) = acquire(&settings);
    release(tracer);
    return SW_G(tracer);
}

static sw_tracer *default_tracer(void) {
    if (!sw.loaded) return NULL;
    sw_tracer *tracer = find_default();
    warn_of_problem();
    return tracer;
}

spanwire_tracer sw_tracer_default(void) {
    sw_tracer *tracer = default_tracer();
    return tracer ? tracer->handle : 0;
}

spanwire_tracer sw_tracer_existing(void) { return SW_G(tracer) ? SW_G(tracer)->handle : 0; }

void sw_tracers_start(void) {
#ifdef ZTS
    lock = tsrm_mutex_alloc();
#endif
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void shutdown_all(uint32_t timeout_ms) {
    uint64_t end = now_ms() + timeout_ms;
    for (sw_tracer *tracer = tracers; tracer < tracers + SW_TRACERS; tracer++) {
        if (!tracer->handle) continue;
        uint64_t now = now_ms();
        sw.tracer_shutdown(tracer->handle, now < end ? (uint32_t)(end - now) : 0);
    }
}

void sw_tracers_preloaded(uint32_t timeout_ms) {
    LOCK();
    shutdown_all(timeout_ms);
    for (sw_tracer *tracer = tracers; tracer < tracers + SW_TRACERS; tracer++) {
        if (tracer->handle) sw.tracer_free(tracer->handle);
        tracer->handle = 0;
        tracer->closed_in = 0;
    }
    UNLOCK();
}

void sw_tracers_shutdown(uint32_t timeout_ms) {
    shutdown_all(timeout_ms);
    for (sw_tracer *tracer = tracers; tracer < tracers + SW_TRACERS; tracer++) {
        sw_settings_free(&tracer->settings);
        tracer->handle = 0;
    }
#ifdef ZTS
    tsrm_mutex_free(lock);
#endif
}

static zend_object *create(zend_class_entry *ce) {
    sw_tracer_object *object = zend_object_alloc(sizeof *object, ce);
    object->tracer = NULL;
    zend_object_std_init(&object->std, ce);
    object_properties_init(&object->std, ce);
    object->std.handlers = &handlers;
    return &object->std;
}

static void destroy(zend_object *std) {
    release(object_of(std)->tracer);
    object_of(std)->tracer = NULL;
    zend_object_std_dtor(std);
}

static ZEND_METHOD(Spanwire_Tracer, get) {
    ZEND_PARSE_PARAMETERS_NONE();
    object_init_ex(return_value, sw_tracer_ce);
    sw_tracer *tracer = default_tracer();
    if (!tracer) return;
    LOCK();
    tracer->users++;
    UNLOCK();
    object_of(Z_OBJ_P(return_value))->tracer = tracer;
}

static ZEND_METHOD(Spanwire_Tracer, __construct) {
    HashTable *own = NULL;
    ZEND_PARSE_PARAMETERS_START(0, 1)
        Z_PARAM_OPTIONAL
        Z_PARAM_ARRAY_HT(own)
    ZEND_PARSE_PARAMETERS_END();
    sw_tracer_object *object = object_of(Z_OBJ_P(ZEND_THIS));
    if (!sw.loaded || object->tracer) return;
    sw_settings settings = {0};
    bool complete = sw_settings_collect(&settings, own);
    /* The __toString() of a value may have called this constructor. */
    if (complete && !object->tracer) object->tracer = acquire(&settings);
    else sw_settings_free(&settings);
    warn_of_problem();
}

static ZEND_METHOD(Spanwire_Tracer, startSpan) {
    sw_span_start(INTERNAL_FUNCTION_PARAM_PASSTHRU, sw_tracer_handle(Z_OBJ_P(ZEND_THIS)));
}

static ZEND_METHOD(Spanwire_Tracer, trace) {
    sw_span_trace(INTERNAL_FUNCTION_PARAM_PASSTHRU, sw_tracer_handle(Z_OBJ_P(ZEND_THIS)));
}

/* Clamps a time to what the library takes: at least 0, at most 49 days. */
static uint32_t timeout_of(zend_long ms) { return ms < 0 ? 0 : ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms; }

static ZEND_METHOD(Spanwire_Tracer, flush) {
    zend_long timeout = 2000;
    ZEND_PARSE_PARAMETERS_START(0, 1)
        Z_PARAM_OPTIONAL
        Z_PARAM_LONG(timeout)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_tracer tracer = sw_tracer_handle(Z_OBJ_P(ZEND_THIS));
    RETURN_BOOL(tracer && sw.tracer_flush(tracer, timeout_of(timeout)) == SPANWIRE_OK);
}

static ZEND_METHOD(Spanwire_Tracer, shutdown) {
    zend_long timeout = 1000;
    ZEND_PARSE_PARAMETERS_START(0, 1)
        Z_PARAM_OPTIONAL
        Z_PARAM_LONG(timeout)
    ZEND_PARSE_PARAMETERS_END();
    sw_tracer *tracer = object_of(Z_OBJ_P(ZEND_THIS))->tracer;
    if (!tracer || !tracer->handle) RETURN_FALSE;
    if (tracer->closed_in == 0) tracer->closed_in = SW_G(request);
    RETURN_BOOL(sw.tracer_shutdown(tracer->handle, timeout_of(timeout)) == SPANWIRE_OK);
}

static ZEND_METHOD(Spanwire_Tracer, stats) {
    ZEND_PARSE_PARAMETERS_NONE();
    array_init(return_value);
    spanwire_tracer tracer = sw_tracer_handle(Z_OBJ_P(ZEND_THIS));
    spanwire_stats stats = {.size = sizeof stats};
    if (!tracer || sw.tracer_stats(tracer, &stats) != SPANWIRE_OK) return;
#define X(name) add_assoc_long(return_value, #name, (zend_long)stats.name);
    SW_COUNTS(X)
#undef X
}

static ZEND_METHOD(Spanwire_Tracer, configJson) {
    ZEND_PARSE_PARAMETERS_NONE();
    spanwire_tracer tracer = sw_tracer_handle(Z_OBJ_P(ZEND_THIS));
    size_t need = 0;
    if (!tracer || sw.tracer_config_json(tracer, NULL, 0, &need) != SPANWIRE_OK || need == 0) RETURN_STRING("{}");
    zend_string *json = zend_string_alloc(need - 1, 0);
    if (sw.tracer_config_json(tracer, ZSTR_VAL(json), need, &need) != SPANWIRE_OK) {
        zend_string_efree(json);
        RETURN_STRING("{}");
    }
    RETURN_STR(json);
}

/* Returns null after success, else why a call failed. */
static void return_problem(zval *return_value, spanwire_status status, const spanwire_error *error) {
    if (status == SPANWIRE_OK) RETURN_NULL();
    RETURN_STRING(error->message);
}

static ZEND_METHOD(Spanwire_Tracer, writeFlare) {
    char *path;
    size_t path_len;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_PATH(path, path_len)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_tracer tracer = sw_tracer_handle(Z_OBJ_P(ZEND_THIS));
    if (!tracer) RETURN_STRING("tracing is off");
    spanwire_error error = {.size = sizeof error};
    return_problem(return_value, sw.flare_write(tracer, path, &error), &error);
}

static ZEND_METHOD(Spanwire_Tracer, sendFlare) {
    char *case_id, *email, *hostname = NULL;
    size_t case_id_len, email_len, hostname_len;
    zend_long timeout = 10000;
    ZEND_PARSE_PARAMETERS_START(2, 4)
        Z_PARAM_STRING(case_id, case_id_len)
        Z_PARAM_STRING(email, email_len)
        Z_PARAM_OPTIONAL
        Z_PARAM_STRING_OR_NULL(hostname, hostname_len)
        Z_PARAM_LONG(timeout)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_tracer tracer = sw_tracer_handle(Z_OBJ_P(ZEND_THIS));
    if (!tracer) RETURN_STRING("tracing is off");
    spanwire_error error = {.size = sizeof error};
    return_problem(return_value, sw.flare_send(tracer, case_id, email, hostname, timeout_of(timeout), &error), &error);
}

static ZEND_METHOD(Spanwire_Tracer, reportIntegration) {
    char *name, *version = NULL, *status = NULL;
    size_t name_len, version_len, status_len;
    ZEND_PARSE_PARAMETERS_START(1, 3)
        Z_PARAM_STRING(name, name_len)
        Z_PARAM_OPTIONAL
        Z_PARAM_STRING_OR_NULL(version, version_len)
        Z_PARAM_STRING_OR_NULL(status, status_len)
    ZEND_PARSE_PARAMETERS_END();
    spanwire_tracer tracer = sw_tracer_handle(Z_OBJ_P(ZEND_THIS));
    if (tracer) sw.tracer_report_integration(tracer, name, version, status);
}

void sw_tracer_register_class(void) {
    zend_class_entry ce;
    INIT_CLASS_ENTRY(ce, "Spanwire\\Tracer", class_Spanwire_Tracer_methods);
    sw_tracer_ce = zend_register_internal_class_ex(&ce, NULL);
    sw_tracer_ce->ce_flags |= ZEND_ACC_FINAL | ZEND_ACC_NO_DYNAMIC_PROPERTIES | ZEND_ACC_NOT_SERIALIZABLE;
    sw_tracer_ce->create_object = create;
    handlers = *zend_get_std_object_handlers();
    handlers.offset = offsetof(sw_tracer_object, std);
    handlers.free_obj = destroy;
    handlers.clone_obj = NULL;
}
