/*
 * Declarations that the files of the extension share: the module's globals and functions. No code.
 *
 *   spanwire.c  the module: start, end, requests, phpinfo     library.c  loading libspanwire and checking it
 *   settings.c  INI to settings                               tracer.c   Spanwire\Tracer, the tracers of a process
 *   start.c     startSpan() and trace()                       span.c     Spanwire\Span
 *   stack.c     which span is current                         tags.c     arrays to tags
 *   context.c   Spanwire\Context                              headers.c  headers and baggage from and to arrays
 *   attributes.c  typed attributes, events and links
 *   errors.c    exceptions and fatal errors to spans          thrown.c   exceptions for the script's handler
 *   log.c       log records to PHP                            records.c  copies of log records
 *   debug.c     debug mode
 */
#ifndef PHP_SPANWIRE_H
#define PHP_SPANWIRE_H

#include <php.h>
#include <stdbool.h>

#include "library.h"

#define PHP_SPANWIRE_VERSION "0.1.0"

extern zend_module_entry spanwire_module_entry;
#define phpext_spanwire_ptr &spanwire_module_entry

/* An entry of the list of tracers; lives as long as the process. */
typedef struct sw_tracer sw_tracer;

/*
 * A span, perhaps on the stack of current spans. It outlives its PHP object while later spans are above it, so that spans may
 * finish in any order.
 */
typedef struct sw_node {
    spanwire_span handle;
    uint32_t refs;
    bool open;
    /* The span that was current before, and is again after this one has finished. */
    struct sw_node *below;
    /* NULL once the object is destroyed. */
    zend_object *object;
    /* All open spans of the request. */
    struct sw_node *older, *newer;
} sw_node;

ZEND_BEGIN_MODULE_GLOBALS(spanwire)
    /* Number of the request, to know in which one a tracer was shut down. */
    uint64_t request;
    /* An INI value changed since `tracer` was looked up. */
    bool settings_changed;
    /* The tracer of the INI values; NULL before a request has needed it. */
    sw_tracer *tracer;
    sw_node *current;
    sw_node *newest;
    /* Undefined, or the callable that receives log records until the request ends. */
    zval logger;
    bool draining;
    zend_long logger_failures;
    /* Tracers of this request were made while opcache.preload ran: the process may end or fork afterwards without
     * informing its modules. */
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
/* Collects the INI values and, over them, `own`, which may be NULL. Returns false if a value of `own` threw. */
bool sw_settings_collect(sw_settings *to, HashTable *own);
void sw_settings_free(sw_settings *settings);
/* Whether INI or environment set a log file: records then do not go to PHP's error log. */
bool sw_settings_log_file(void);
const char *sw_settings_library(void);

/* tracer.c */

extern zend_class_entry *sw_tracer_ce;
void sw_tracer_register_class(void);
/* The tracer of an object of this class; 0 while tracing is off. */
spanwire_tracer sw_tracer_handle(zend_object *object);
/* Returns the tracer of the INI values, makes it if needed; 0 while tracing is off. */
spanwire_tracer sw_tracer_default(void);
/* Returns that tracer if it exists; does not make one. */
spanwire_tracer sw_tracer_existing(void);
void sw_tracers_start(void);
/* Shuts all tracers down, within this time together. They are made again when a request needs them. */
void sw_tracers_preloaded(uint32_t timeout_ms);
/* Shuts all tracers down at the end of the process. */
void sw_tracers_shutdown(uint32_t timeout_ms);

/* span.c */

extern zend_class_entry *sw_span_ce;
void sw_span_register_class(void);
/* Finishes all open spans. */
void sw_span_request_ends(void);

/* start.c */

/* Implements Tracer::startSpan(). */
void sw_span_start(INTERNAL_FUNCTION_PARAMETERS, spanwire_tracer tracer);
/* Implements Tracer::trace(). */
void sw_span_trace(INTERNAL_FUNCTION_PARAMETERS, spanwire_tracer tracer);

/* errors.c */

/* From now on an error that ends a script marks the spans that are open at that moment. */
void sw_errors_start(void);
void sw_errors_stop(void);

/* thrown.c */

/* From now on an exception that goes to the handler of set_exception_handler() does the same. */
void sw_thrown_start(void);
void sw_thrown_stop(void);

/* log.c */

void sw_log_request_ends(void);
/* Hands over the last records, after the last request. */
void sw_log_process_ends(void);

/* debug.c */

/* An INI value for debug mode changed in a running process; `for_request`: until the request ends. */
void sw_debug_changed(zend_string *value, bool for_request, int stage);

#endif
