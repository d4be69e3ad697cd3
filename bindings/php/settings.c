/*
 * From php.ini to the library's settings. A value set in INI counts as the host's code and beats the environment; one
 * that is not set leaves the environment its word. What PHP itself knows better than the library's defaults goes below
 * the environment, as `default:…`.
 */
#include "php_spanwire.h"

#include <SAPI.h>
#include <stdlib.h>
#include <string.h>

/* What the empty text means: php.ini turns `off`, `no`, `false` and `none` without quotes into it. */
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
    X("datadog.trace.debug", "DD_TRACE_DEBUG", SW_SWITCH, PHP_INI_ALL) \
    X("datadog.trace.log_level", "DD_TRACE_LOG_LEVEL", SW_LEVEL, PHP_INI_SYSTEM) \
    X("datadog.trace.startup_logs", "DD_TRACE_STARTUP_LOGS", SW_SWITCH, PHP_INI_SYSTEM) \
    X("datadog.trace.log_file", "DD_TRACE_LOG_FILE", SW_TEXT, PHP_INI_SYSTEM) \
    X("datadog.trace.log_file_size_bytes", "DD_TRACE_LOG_FILE_SIZE_BYTES", SW_TEXT, PHP_INI_SYSTEM) \
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
#define SW_LOG_FILE_INI "datadog.trace.log_file"
#define SW_LIBRARY_INI "spanwire.library"

static ZEND_INI_MH(on_change) {
    SW_G(settings_changed) = true;
    return SUCCESS;
}

/* Debug mode belongs to the process: a change while it runs is a switch to throw, not another tracer. */
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
    zend_ini_entry *entry = entry_of(SW_LOG_FILE_INI, sizeof SW_LOG_FILE_INI - 1);
    if (entry && entry->value && ZSTR_LEN(entry->value) > 0) return true;
    const char *environment = getenv("DD_TRACE_LOG_FILE");
    return environment && *environment;
}

/* The value that is configured, whatever a request makes of it at the moment. */
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

/* Texts end at a NUL byte, since that is how the library reads them. */
static void add(sw_settings *to, const char *name, const char *value) {
    if (!*value) return;
    add_bytes(to, name, strlen(name));
    add_bytes(to, value, strlen(value));
    to->count++;
}

static void add_configured(sw_settings *to, HashTable *own) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct sw_setting *setting = &table[i];
        if (own && zend_hash_str_exists(own, setting->name, strlen(setting->name))) continue;
        zend_ini_entry *entry = entry_of(setting->ini, setting->ini_len);
        if (!entry) continue;
        zend_string *value = entry->on_modify == on_debug_change ? configured(entry) : entry->value;
        if (!value) continue;
        add(to, setting->name, ZSTR_LEN(value) == 0 ? setting->empty : ZSTR_VAL(value));
    }
}

/* A command's service is its script; requests to a server have no better common name than dd-trace-php's. */
static void add_service(sw_settings *to) {
    const char *service = "web.request";
    if (strcmp(sapi_module.name, "cli") == 0) {
        const char *script = SG(request_info).path_translated;
        if (!script || !*script || strcmp(script, "-") == 0) return;
        const char *slash = strrchr(script, '/');
        service = slash ? slash + 1 : script;
    }
    add(to, "default:DD_SERVICE", service);
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
        zend_string *rented, *text = zval_try_get_tmp_string(value, &rented);
        if (!text) return false;
        add(to, ZSTR_VAL(name), ZSTR_VAL(text));
        zend_tmp_string_release(rented);
    }
    ZEND_HASH_FOREACH_END();
    return true;
}

bool sw_settings_collect(sw_settings *to, HashTable *own) {
    add_configured(to, own);
    add(to, "SPANWIRE_LANGUAGE", "php");
    add(to, "SPANWIRE_LANGUAGE_VERSION", PHP_VERSION);
    add(to, "SPANWIRE_INTERPRETER", sapi_module.name);
    add(to, "SPANWIRE_TRACER_VERSION", PHP_SPANWIRE_VERSION);
    add_service(to);
    /* Records wait for PHP to fetch them. With a log file the library's own default, `file,ring`, is right. */
    bool own_file = own && zend_hash_str_exists(own, "DD_TRACE_LOG_FILE", sizeof "DD_TRACE_LOG_FILE" - 1);
    if (!own_file && !sw_settings_log_file()) add(to, "default:SPANWIRE_LOG_SINKS", "ring");
    return !own || add_own(to, own);
}

void sw_settings_free(sw_settings *settings) {
    if (settings->pairs) pefree(settings->pairs, 1);
    memset(settings, 0, sizeof *settings);
}
