/*
 * Makes the library's list of settings from INI values. As with PHP's own tracer, the environment overrides php.ini.
 * Values that are set for a directory or at run time override the environment: they count as the host's code. Defaults
 * that PHP knows better than the library rank below all of these.
 */
#include "php_spanwire.h"

#include <SAPI.h>
#include <stdlib.h>
#include <string.h>

/* What an empty text means: php.ini turns `off`, `no`, `false` and `none` without quotes into an empty text. */
#define SW_TEXT ""
#define SW_SWITCH "false"
#define SW_LEVEL "off"
#define SW_LIST "none"

/* INI name, setting, what the empty text means, who may change it. */
#define SW_SETTINGS(X) \
    X("datadog.service", "DD_SERVICE", SW_TEXT, PHP_INI_PERDIR) \
    X("datadog.env", "DD_ENV", SW_TEXT, PHP_INI_PERDIR) \
    X("datadog.version", "DD_VERSION", SW_TEXT, PHP_INI_PERDIR) \
    X("datadog.tags", "DD_TAGS", SW_TEXT, PHP_INI_PERDIR) \
    X("datadog.hostname", "DD_HOSTNAME", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.trace.report_hostname", "DD_TRACE_REPORT_HOSTNAME", SW_SWITCH, PHP_INI_SYSTEM) \
    X("datadog.external_env", "DD_EXTERNAL_ENV", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.git_repository_url", "DD_GIT_REPOSITORY_URL", SW_TEXT, PHP_INI_PERDIR) \
    X("datadog.git_commit_sha", "DD_GIT_COMMIT_SHA", SW_TEXT, PHP_INI_PERDIR) \
    X("datadog.trace.enabled", "DD_TRACE_ENABLED", SW_SWITCH, PHP_INI_PERDIR) \
    X("datadog.trace.agent_url", "DD_TRACE_AGENT_URL", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.agent_host", "DD_AGENT_HOST", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.trace.agent_port", "DD_TRACE_AGENT_PORT", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.trace.128_bit_traceid_generation_enabled", "DD_TRACE_128_BIT_TRACEID_GENERATION_ENABLED", SW_SWITCH, \
      PHP_INI_SYSTEM) \
    X("datadog.trace.partial_flush_enabled", "DD_TRACE_PARTIAL_FLUSH_ENABLED", SW_SWITCH, PHP_INI_SYSTEM) \
    X("datadog.trace.partial_flush_min_spans", "DD_TRACE_PARTIAL_FLUSH_MIN_SPANS", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.trace.propagation_style", "DD_TRACE_PROPAGATION_STYLE", SW_LIST, PHP_INI_SYSTEM) \
    X("datadog.trace.propagation_style_extract", "DD_TRACE_PROPAGATION_STYLE_EXTRACT", SW_LIST, PHP_INI_SYSTEM) \
    X("datadog.trace.propagation_style_inject", "DD_TRACE_PROPAGATION_STYLE_INJECT", SW_LIST, PHP_INI_SYSTEM) \
    X("datadog.trace.propagation_extract_first", "DD_TRACE_PROPAGATION_EXTRACT_FIRST", SW_SWITCH, PHP_INI_SYSTEM) \
    X("datadog.trace.propagation_behavior_extract", "DD_TRACE_PROPAGATION_BEHAVIOR_EXTRACT", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.trace.x_datadog_tags_max_length", "DD_TRACE_X_DATADOG_TAGS_MAX_LENGTH", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.trace.baggage_max_items", "DD_TRACE_BAGGAGE_MAX_ITEMS", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.trace.baggage_max_bytes", "DD_TRACE_BAGGAGE_MAX_BYTES", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.trace.baggage_tag_keys", "DD_TRACE_BAGGAGE_TAG_KEYS", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.trace.sample_rate", "DD_TRACE_SAMPLE_RATE", SW_TEXT, PHP_INI_PERDIR) \
    X("datadog.trace.sampling_rules", "DD_TRACE_SAMPLING_RULES", SW_TEXT, PHP_INI_PERDIR) \
    X("datadog.trace.rate_limit", "DD_TRACE_RATE_LIMIT", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.span_sampling_rules", "DD_SPAN_SAMPLING_RULES", SW_TEXT, PHP_INI_PERDIR) \
    X("datadog.span_sampling_rules_file", "DD_SPAN_SAMPLING_RULES_FILE", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.apm_tracing_enabled", "DD_APM_TRACING_ENABLED", SW_SWITCH, PHP_INI_SYSTEM) \
    X("datadog.trace.debug", "DD_TRACE_DEBUG", SW_SWITCH, PHP_INI_ALL) \
    X("datadog.trace.log_level", "DD_TRACE_LOG_LEVEL", SW_LEVEL, PHP_INI_SYSTEM) \
    X("datadog.trace.startup_logs", "DD_TRACE_STARTUP_LOGS", SW_SWITCH, PHP_INI_SYSTEM) \
    X("datadog.trace.log_file", "DD_TRACE_LOG_FILE", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.trace.log_directory", "DD_TRACE_LOG_DIRECTORY", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.trace.log_file_size_bytes", "DD_TRACE_LOG_FILE_SIZE_BYTES", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.trace.once_logs", "DD_TRACE_ONCE_LOGS", SW_SWITCH, PHP_INI_SYSTEM) \
    X("datadog.trace.debug_abandoned_spans", "DD_TRACE_DEBUG_ABANDONED_SPANS", SW_SWITCH, PHP_INI_SYSTEM) \
    X("datadog.trace.abandoned_span_timeout", "DD_TRACE_ABANDONED_SPAN_TIMEOUT", SW_TEXT, PHP_INI_SYSTEM) \
    X("spanwire.log_file_backups", "SPANWIRE_LOG_FILE_BACKUPS", SW_TEXT, PHP_INI_SYSTEM) \
    X("spanwire.log_file_mode", "SPANWIRE_LOG_FILE_MODE", SW_TEXT, PHP_INI_SYSTEM) \
    X("spanwire.log_sinks", "SPANWIRE_LOG_SINKS", SW_LIST, PHP_INI_SYSTEM) \
    X("spanwire.log_dialect", "SPANWIRE_LOG_DIALECT", SW_TEXT, PHP_INI_SYSTEM) \
    X("spanwire.flush_interval_ms", "SPANWIRE_FLUSH_INTERVAL_MS", SW_TEXT, PHP_INI_SYSTEM) \
    X("spanwire.flush_bytes", "SPANWIRE_FLUSH_BYTES", SW_TEXT, PHP_INI_SYSTEM) \
    X("spanwire.payload_max", "SPANWIRE_PAYLOAD_MAX", SW_TEXT, PHP_INI_SYSTEM) \
    X("spanwire.queue_max", "SPANWIRE_QUEUE_MAX", SW_TEXT, PHP_INI_SYSTEM) \
    X("spanwire.queue_max_chunks", "SPANWIRE_QUEUE_MAX_CHUNKS", SW_TEXT, PHP_INI_SYSTEM) \
    X("spanwire.memory_max", "SPANWIRE_MEMORY_MAX", SW_TEXT, PHP_INI_SYSTEM) \
    X("spanwire.connect_timeout_ms", "SPANWIRE_CONNECT_TIMEOUT_MS", SW_TEXT, PHP_INI_SYSTEM) \
    X("spanwire.request_timeout_ms", "SPANWIRE_REQUEST_TIMEOUT_MS", SW_TEXT, PHP_INI_SYSTEM) \
    X("spanwire.retry_for_ms", "SPANWIRE_RETRY_FOR_MS", SW_TEXT, PHP_INI_SYSTEM)

static const struct sw_setting {
    const char *ini;
    size_t ini_len;
    const char *name;
    const char *empty;
} table[] = {
#define X(ini, setting, empty, who) {ini, sizeof ini - 1, setting, empty},
    SW_SETTINGS(X)
#undef X
};

#define SW_DEBUG_INI "datadog.trace.debug"
#define SW_LIBRARY_INI "spanwire.library"

/* Settings that name a log file, in INI and environment. */
static const char *const places[][2] = {
    {"datadog.trace.log_file", "DD_TRACE_LOG_FILE"},
    {"datadog.trace.log_directory", "DD_TRACE_LOG_DIRECTORY"},
};

static ZEND_INI_MH(on_change) {
    SW_G(settings_changed) = true;
    return SUCCESS;
}

/* Debug mode belongs to the process: a change at run time switches it, and makes no other tracer. */
static ZEND_INI_MH(on_debug_change) {
    SW_G(settings_changed) = true;
    sw_debug_changed(new_value, entry->modified, stage);
    return SUCCESS;
}

#define SW_INI(name, who, handler) {name, handler, NULL, NULL, NULL, NULL, NULL, 0, sizeof name - 1, who}

static const zend_ini_entry_def ini_entries[] = {
    SW_INI(SW_LIBRARY_INI, PHP_INI_SYSTEM, NULL),
#define X(ini, setting, empty, who) SW_INI(ini, who, on_change),
    SW_SETTINGS(X)
#undef X
    {0},
};

static zend_ini_entry *entry_of(const char *ini, size_t len) {
    return zend_hash_str_find_ptr(EG(ini_directives), ini, len);
}

bool sw_settings_register(int module_number, int type) {
    if (zend_register_ini_entries_ex(ini_entries, module_number, type) != SUCCESS) return false;
    zend_ini_entry *debug = entry_of(SW_DEBUG_INI, sizeof SW_DEBUG_INI - 1);
    if (debug) debug->on_modify = on_debug_change;
    return true;
}

void sw_settings_unregister(int module_number, int type) { zend_unregister_ini_entries_ex(module_number, type); }

const char *sw_settings_library(void) {
    zend_ini_entry *entry = entry_of(SW_LIBRARY_INI, sizeof SW_LIBRARY_INI - 1);
    return entry && entry->value ? ZSTR_VAL(entry->value) : NULL;
}

bool sw_settings_log_file(void) {
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        zend_ini_entry *entry = entry_of(places[i][0], strlen(places[i][0]));
        if (entry && entry->value && ZSTR_LEN(entry->value) > 0) return true;
        const char *environment = getenv(places[i][1]);
        if (environment && *environment) return true;
    }
    return false;
}

static bool own_log_file(HashTable *own) {
    for (size_t i = 0; own && i < sizeof places / sizeof *places; i++)
        if (zend_hash_str_exists(own, places[i][1], strlen(places[i][1]))) return true;
    return false;
}

/* The configured value, without a change by the current request. */
static zend_string *configured(const zend_ini_entry *entry) {
    return entry->modified ? entry->orig_value : entry->value;
}

static void add_bytes(sw_settings *to, const char *text, size_t len) {
    if (to->len + len + 1 > to->capacity) {
        size_t capacity = (to->len + len + 1) * 2 + 512;
        to->pairs = perealloc(to->pairs, capacity, 1);
        to->capacity = capacity;
    }
    memcpy(to->pairs + to->len, text, len);
    to->pairs[to->len + len] = '\0';
    to->len += len + 1;
}

/* Texts are cut at a NUL byte, because the library reads NUL-terminated texts. */
static void add_as(sw_settings *to, const char *prefix, const char *name, const char *value) {
    if (!*value) return;
    add_bytes(to, prefix, strlen(prefix));
    to->len--; /* the name follows without a NUL */
    add_bytes(to, name, strlen(name));
    add_bytes(to, value, strlen(value));
    to->count++;
}

static void add(sw_settings *to, const char *name, const char *value) { add_as(to, "", name, value); }

/* Of several defaults for a setting the last one counts. */
static void add_default(sw_settings *to, const char *name, const char *value) {
    add_as(to, "default:", name, value);
}

static void add_configured(sw_settings *to, HashTable *own) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct sw_setting *setting = &table[i];
        if (own && zend_hash_str_exists(own, setting->name, strlen(setting->name))) continue;
        zend_ini_entry *entry = entry_of(setting->ini, setting->ini_len);
        if (!entry) continue;
        bool debug = entry->on_modify == on_debug_change;
        zend_string *value = debug ? configured(entry) : entry->value;
        if (!value) continue;
        const char *text = ZSTR_LEN(value) == 0 ? setting->empty : ZSTR_VAL(value);
        if (entry->modified && !debug) add(to, setting->name, text);
        else add_default(to, setting->name, text);
    }
}

/* The default service: of a command its script, of a server's requests the same name as dd-trace-php's. */
static void add_service(sw_settings *to) {
    const char *service = "web.request";
    if (strcmp(sapi_module.name, "cli") == 0) {
        const char *script = SG(request_info).path_translated;
        if (!script || !*script || strcmp(script, "-") == 0) return;
        const char *slash = strrchr(script, '/');
        service = slash ? slash + 1 : script;
    }
    add_default(to, "DD_SERVICE", service);
}

static bool add_own(sw_settings *to, HashTable *own) {
    zend_string *name;
    zval *value;
    ZEND_HASH_FOREACH_STR_KEY_VAL(own, name, value) {
        ZVAL_DEREF(value);
        if (!name || Z_TYPE_P(value) == IS_NULL || Z_TYPE_P(value) == IS_ARRAY) continue;
        if (Z_TYPE_P(value) == IS_TRUE || Z_TYPE_P(value) == IS_FALSE) {
            add(to, ZSTR_VAL(name), Z_TYPE_P(value) == IS_TRUE ? "true" : "false");
            continue;
        }
        /* A copy: a __toString() may assign to the variable that holds the object. */
        zval copy;
        ZVAL_COPY(&copy, value);
        zend_string *text = zval_try_get_string(&copy);
        zval_ptr_dtor(&copy);
        if (!text) return false;
        add(to, ZSTR_VAL(name), ZSTR_VAL(text));
        zend_string_release(text);
    }
    ZEND_HASH_FOREACH_END();
    return true;
}

bool sw_settings_collect(sw_settings *to, HashTable *own) {
    add(to, "SPANWIRE_LANGUAGE", "php");
    add(to, "SPANWIRE_LANGUAGE_VERSION", PHP_VERSION);
    add(to, "SPANWIRE_INTERPRETER", sapi_module.name);
    add(to, "SPANWIRE_TRACER_VERSION", PHP_SPANWIRE_VERSION);
    add_service(to);
    /* Records wait until PHP takes them. With a log file the library's default, `file,ring`, is right. */
    if (!own_log_file(own) && !sw_settings_log_file()) add_default(to, "SPANWIRE_LOG_SINKS", "ring");
    add_configured(to, own);
    return !own || add_own(to, own);
}

void sw_settings_free(sw_settings *settings) {
    if (settings->pairs) pefree(settings->pairs, 1);
    memset(settings, 0, sizeof *settings);
}
