/* The module: start and end of PHP, of requests and of the process, and the section of phpinfo(). */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "php_spanwire.h"

#include <ext/standard/info.h>

#include "functions_arginfo.h"
#include "headers.h"
#include "span.h"

/* How long the end of a process may wait until its last spans are sent, in milliseconds. */
#define SW_SHUTDOWN_MS 1000

ZEND_DECLARE_MODULE_GLOBALS(spanwire)

/* Whether the INI names could be registered. dd-trace-php uses the same ones, so it cannot be loaded as well. */
static bool registered;

static PHP_GINIT_FUNCTION(spanwire) {
#if defined(COMPILE_DL_SPANWIRE) && defined(ZTS)
    ZEND_TSRMLS_CACHE_UPDATE();
#endif
    memset(spanwire_globals, 0, sizeof *spanwire_globals);
    ZVAL_UNDEF(&spanwire_globals->logger);
    spanwire_globals->debug_before = -1;
}

static PHP_MINIT_FUNCTION(spanwire) {
    sw_tracer_register_class();
    sw_span_register_class();
    sw_context_register_class();
    sw_tracers_start();
    sw_errors_start();
    sw_thrown_start();
    registered = sw_settings_register(module_number, type);
    if (!registered) {
        php_error_docref(NULL, E_WARNING, "tracing is off: another extension has INI entries named datadog.*");
    } else if (!sw_library_load(sw_settings_library())) {
        php_error_docref(NULL, E_WARNING, "tracing is off: %s", sw.why);
    }
    return SUCCESS;
}

static PHP_RINIT_FUNCTION(spanwire) {
    SW_G(request)++;
    sw_stack_request_starts();
    return SUCCESS;
}

static PHP_RSHUTDOWN_FUNCTION(spanwire) {
    sw_span_request_ends();
    if (SW_G(preloading)) sw_tracers_preloaded(SW_SHUTDOWN_MS);
    SW_G(preloading) = false;
    sw_log_request_ends();
    return SUCCESS;
}

static PHP_MSHUTDOWN_FUNCTION(spanwire) {
    sw_thrown_stop();
    sw_errors_stop();
    sw_tracers_shutdown(SW_SHUTDOWN_MS);
    sw_log_process_ends();
    if (registered) sw_settings_unregister(module_number, type);
    return SUCCESS;
}

static void print_tracer(void) {
    spanwire_tracer tracer = sw_tracer_existing();
    spanwire_stats stats = {.size = sizeof stats};
    char number[32];
    if (!tracer || sw.tracer_stats(tracer, &stats) != SPANWIRE_OK) {
        php_info_print_table_row(2, "Tracer of this process", "not needed yet");
        return;
    }
#define ROW(title, count) \
    snprintf(number, sizeof number, "%llu", (unsigned long long)(count)); \
    php_info_print_table_row(2, title, number);
    ROW("Spans started", stats.spans_started)
    ROW("Spans finished", stats.spans_finished)
    ROW("Spans sent", stats.spans_sent)
    ROW("Spans dropped", stats.spans_dropped)
    ROW("Bytes occupied", stats.memory_used)
#undef ROW
}

static PHP_MINFO_FUNCTION(spanwire) {
    php_info_print_table_start();
    php_info_print_table_row(2, "Tracing with spanwire", sw.loaded ? "on" : "off");
    php_info_print_table_row(2, "Extension", PHP_SPANWIRE_VERSION);
    if (sw.loaded) {
        const char *file = sw_library_file();
        php_info_print_table_row(2, "Library", sw.version());
        php_info_print_table_row(2, "Library file", file ? file : "unknown");
        php_info_print_table_row(2, "Debug mode", sw.debug_get() ? "on" : "off");
        print_tracer();
    } else {
        php_info_print_table_row(2, "Why", registered ? sw.why : "another extension has INI entries named datadog.*");
    }
    php_info_print_table_end();
    DISPLAY_INI_ENTRIES();
}

ZEND_FUNCTION(spanwire_available) {
    ZEND_PARSE_PARAMETERS_NONE();
    RETURN_BOOL(sw.loaded);
}

ZEND_FUNCTION(spanwire_version) {
    ZEND_PARSE_PARAMETERS_NONE();
    if (!sw.loaded) RETURN_NULL();
    RETURN_STRING(sw.version());
}

zend_module_entry spanwire_module_entry = {
    STANDARD_MODULE_HEADER,
    "spanwire",
    functions,
    PHP_MINIT(spanwire),
    PHP_MSHUTDOWN(spanwire),
    PHP_RINIT(spanwire),
    PHP_RSHUTDOWN(spanwire),
    PHP_MINFO(spanwire),
    PHP_SPANWIRE_VERSION,
    PHP_MODULE_GLOBALS(spanwire),
    PHP_GINIT(spanwire),
    NULL,
    NULL,
    STANDARD_MODULE_PROPERTIES_EX,
};

#ifdef COMPILE_DL_SPANWIRE
#ifdef ZTS
ZEND_TSRMLS_CACHE_DEFINE()
#endif
ZEND_GET_MODULE(spanwire)
#endif
