/*
 * What the files of the extension share: the module's globals and who calls whom. No code belongs here.
 *
 *   spanwire.c  the module: start, end, requests, phpinfo     library.c  loading libspanwire and checking it
 *   settings.c  INI to settings                               tracer.c   Spanwire\Tracer, the tracers of a process
 *   span.c      Spanwire\Span                                 tags.c     arrays to tags
 *   stack.c     which span is current                         thrown.c   exceptions for the script's handler
 *   errors.c    exceptions and fatal errors to spans          debug.c    debug mode
 *   log.c       log records to PHP                            records.c  copies of log records
 */
#ifndef PHP_SPANWIRE_H
#define PHP_SPANWIRE_H

#include <php.h>
#include <stdbool.h>

#include "library.h"

#define PHP_SPANWIRE_VERSION "0.1.0"

extern zend_module_entry spanwire_module_entry;
#define phpext_spanwire_ptr &spanwire_module_entry

/* A tracer of the process; lives as long as that. */
typedef struct sw_tracer sw_tracer;

/*
 * A span as the stack of current spans sees it. It outlives the PHP object where later spans stand on it, so that spans
 * may finish in any order.
 */
typedef struct sw_node {
    spanwire_span handle;
    uint32_t refs;
    bool open;
    /* The current span when this one became it; what is current again once this one has finished. */
    struct sw_node *below;
    /* NULL once the object is gone. */
    zend_object *object;
    /* All open spans of the request. */
    struct sw_node *older, *newer;
} sw_node;

ZEND_BEGIN_MODULE_GLOBALS(spanwire)
    /* Grows with each request, so that a tracer knows in which one it was shut down. */
    uint64_t request;
    /* An INI value changed since `tracer` was looked up. */
    bool settings_changed;
    /* That of the INI values; NULL before a request has needed it. */
    sw_tracer *tracer;
    sw_node *current;
    sw_node *newest;
    /* Undefined, or what takes the log's records until the request ends. */
    zval logger;
    bool draining;
    zend_long logger_failures;
    /* The tracers of this request were made while opcache.preload ran: the process may end, or fork, with no more word
     * to its modules. */
    bool preloading;
    /* Debug mode before the request's INI values changed it; -1 while they have not. */
    int debug_before;
ZEND_END_MODULE_GLOBALS(spanwire)

ZEND_EXTERN_MODULE_GLOBALS(spanwire)
#define SW_G(v) ZEND_MODULE_GLOBALS_ACCESSOR(spanwire, v)

#if defined(ZTS) && defined(COMPILE_DL_SPANWIRE)
ZEND_TSRMLS_CACHE_EXTERN()
#endif

/* settings.c */

/* One list of settings with its texts, as malloc'ed NUL-separated pairs: `NAME\0value\0…`. */
typedef struct sw_settings {
    char *pairs;
    size_t len, capacity;
    size_t count;
} sw_settings;

bool sw_settings_register(int module_number, int type);
void sw_settings_unregister(int module_number, int type);
/* Those of the INI values and, over them, `own`, which may be NULL. False: `own` holds a value that threw. */
bool sw_settings_collect(sw_settings *to, HashTable *own);
void sw_settings_free(sw_settings *settings);
/* Whether a log file is set by INI or environment: then records are not copied to PHP's error log. */
bool sw_settings_log_file(void);
const char *sw_settings_library(void);

/* tracer.c */

extern zend_class_entry *sw_tracer_ce;
void sw_tracer_register_class(void);
/* The INI values' tracer, made now if need be; its handle is 0 while tracing is off. */
spanwire_tracer sw_tracer_default(void);
/* That tracer if it exists: does not make one. */
spanwire_tracer sw_tracer_existing(void);
void sw_tracers_start(void);
/* Shuts all of them down within this time together; they are made anew when a request needs them. */
void sw_tracers_preloaded(uint32_t timeout_ms);
/* Shuts all of them down for good. */
void sw_tracers_shutdown(uint32_t timeout_ms);

/* span.c */

extern zend_class_entry *sw_span_ce;
void sw_span_register_class(void);
/* Tracer::startSpan(), once it knows its tracer. */
void sw_span_start(INTERNAL_FUNCTION_PARAMETERS, spanwire_tracer tracer);
/* Finishes what is open. */
void sw_span_request_ends(void);

/* errors.c */

/* From here on an error that ends a script marks the spans that are open at that moment. */
void sw_errors_start(void);
void sw_errors_stop(void);

/* thrown.c */

/* From here on an exception that goes to the script's set_exception_handler() does the same. */
void sw_thrown_start(void);
void sw_thrown_stop(void);

/* log.c */

void sw_log_request_ends(void);
/* The last records, when there is no request any more. */
void sw_log_process_ends(void);

/* debug.c */

/* An INI value for debug mode changed in a running process; `for_request`: until the request ends. */
void sw_debug_changed(zend_string *value, bool for_request, int stage);

#endif
