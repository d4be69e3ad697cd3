/*
 * Hands the library's log to PHP: to the script's logger, or to PHP's error log. Records wait in the library until PHP
 * takes them, at the end of a request or when the script asks: nothing calls into PHP from another thread. They are
 * copied first and handed over afterwards, because a logger may leave by longjmp, which must not cross the library's
 * frames.
 */
#include "php_spanwire.h"

#include <Zend/zend_exceptions.h>
#include <SAPI.h>
#include <php_syslog.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "records.h"

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* What the error log shows of a record, a new string; NULL without memory. PHP, or its web server, puts a date of its
 * own before each line: for that the first one is left out of what the PHP tracer writes. A line of other make gets a
 * word of who speaks instead of its time and process, which are in front. */
static char *for_error_log(const sw_record *taken) {
    const char *text = sw_record_text(taken), *message = sw_record_message(taken);
    size_t size = taken->text_len + 32;
    char *line = malloc(size);
    if (!line) return NULL;
    if (begins(message, "[ddtrace]") || begins(message, "[bgs]")) {
        const char *after = *text == '[' ? strstr(text, "] ") : NULL;
        snprintf(line, size, "%s", after && after < message ? after + 2 : message);
    } else if (taken->message_at == 0) {
        snprintf(line, size, "%s", text);
    } else {
        snprintf(line, size, "[spanwire] [%s] %s", sw_level_name(taken->level), message);
    }
    return line;
}

static void to_error_log(const sw_record *taken) {
    static const int severities[] = {LOG_NOTICE, LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_DEBUG};
    int severity = taken->level >= 0 && taken->level <= SPANWIRE_LEVEL_TRACE ? severities[taken->level] : LOG_NOTICE;
    if (taken->lost) {
        char said[96];
        snprintf(said, sizeof said, "spanwire: %llu log records were lost here", (unsigned long long)taken->lost);
        php_log_err_with_severity(said, LOG_WARNING);
    }
    char *line = for_error_log(taken);
    if (!line) return;
    /* It may leave by longjmp where PHP's memory is at its limit; then these bytes are lost, and nothing else. */
    php_log_err_with_severity(line, severity);
    free(line);
}

static void context_of(zval *context, const sw_record *taken) {
    array_init(context);
    add_assoc_stringl(context, "target", sw_record_target(taken), taken->target_len);
    add_assoc_long(context, "time_ns", (zend_long)taken->time_ns);
    add_assoc_long(context, "lost", (zend_long)taken->lost);
}

/* False: the logger threw, and what it threw is gone, or it cannot be called any more, such as a private method from
 * outside of its class. An exit() in it, or the end of the fiber it runs in, is left to take its course. */
static bool to_logger(const sw_record *taken) {
    zval arguments[3], answer;
    ZVAL_STRING(&arguments[0], sw_level_name(taken->level));
    ZVAL_STRINGL(&arguments[1], sw_record_message(taken), sw_record_message_len(taken));
    context_of(&arguments[2], taken);
    ZVAL_UNDEF(&answer);
    zval logger;
    ZVAL_COPY(&logger, &SW_G(logger)); /* it may set another one meanwhile */
    zend_result called = call_user_function(NULL, NULL, &logger, &answer, 3, arguments);
    zval_ptr_dtor(&logger);
    zval_ptr_dtor(&answer);
    for (int i = 0; i < 3; i++) zval_ptr_dtor(&arguments[i]);
    if (EG(exception)) {
        if (zend_is_unwind_exit(EG(exception)) || zend_is_graceful_exit(EG(exception))) return true;
        zend_clear_exception();
    } else if (called == SUCCESS) {
        return true;
    }
    SW_G(logger_failures)++;
    return false;
}

/* Records on their way to PHP. A logger need not return: it may exit(), fail fatally, or suspend a fiber that is never
 * resumed. So its record leaves the list before it is called, and the rest waits here for the next call. */
ZEND_TLS sw_batch waiting;
ZEND_TLS sw_record *in_hand;
/* What a script takes as an array. */
ZEND_TLS sw_batch for_script;
/* The process that these belong to: a child that a logger forks must not hand them over again. */
ZEND_TLS pid_t owner;

static void leave_to_parent(void) {
    if (owner == getpid()) return;
    owner = getpid();
    sw_batch_free(&waiting);
    sw_batch_free(&for_script);
}

static void hand_over(bool file_has_them) {
    while (waiting.first && !EG(exception)) {
        free(in_hand);
        in_hand = sw_batch_first(&waiting);
        /* After a fatal error no more of the script's code is run. */
        bool logger = !Z_ISUNDEF(SW_G(logger)) && !CG(unclean_shutdown);
        bool taken_over = logger ? to_logger(in_hand) : file_has_them && !in_hand->host_only;
        leave_to_parent();
        if (!taken_over) to_error_log(in_hand);
    }
}

/* Answers how many records it has handed over. */
static zend_long drain(void) {
    if (SW_G(draining) || !sw.loaded) return 0;
    bool file_has_them = sw_settings_log_file(), failed = false;
    leave_to_parent();
    sw_batch_take(&waiting, 0);
    size_t before = waiting.count;
    SW_G(draining) = true;
    zend_try {
        hand_over(file_has_them);
    } zend_catch {
        failed = true;
    } zend_end_try();
    SW_G(draining) = false;
    if (failed) zend_bailout();
    return (zend_long)(before - waiting.count);
}

/* Takes the logger away. Its destructor may run. */
static void forget_logger(void) {
    zval logger;
    ZVAL_COPY_VALUE(&logger, &SW_G(logger));
    ZVAL_UNDEF(&SW_G(logger));
    zval_ptr_dtor(&logger);
    if (EG(exception)) zend_clear_exception();
}

void sw_log_request_ends(void) {
    /* Without a frame on the stack an exception of the logger's would be a fatal error. */
    zend_execute_data frame = {0}, *before = EG(current_execute_data);
    SW_G(draining) = false; /* a fiber that was draining has ended */
    zend_try {
        EG(current_execute_data) = &frame;
        drain();
        if (EG(exception)) zend_clear_exception();
        forget_logger();
        drain(); /* what it left */
    } zend_end_try();
    EG(current_execute_data) = before;
    ZVAL_UNDEF(&SW_G(logger)); /* a destructor may have set one; its memory goes with the request's */
    free(in_hand);
    in_hand = NULL;
    sw_batch_free(&for_script);
}

/* What php_log_err() does, for a time when PHP has no request any more: it would build its table of time zones with
 * memory that nothing frees then. So the date is UTC, and no memory is PHP's. */
static void to_error_log_late(const char *text, uint64_t time_ns) {
    const char *name = PG(error_log);
    if (!name || strcmp(name, "syslog") == 0) {
        if (name) php_syslog(LOG_NOTICE, "%s", text);
        else if (sapi_module.log_message) sapi_module.log_message(text, LOG_NOTICE);
        return;
    }
    FILE *file = fopen(name, "ae");
    if (!file) return;
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm utc;
    char date[32] = "";
    if (gmtime_r(&seconds, &utc)) strftime(date, sizeof date, "%d-%b-%Y %H:%M:%S", &utc);
    fprintf(file, "[%s UTC] %s\n", date, text);
    fclose(file);
}

void sw_log_process_ends(void) {
    if (!sw.loaded) return;
    bool file_has_them = sw_settings_log_file();
    leave_to_parent();
    sw_batch_take(&waiting, 0);
    for (sw_record *at = waiting.first; at; at = at->next) {
        char *line = file_has_them && !at->host_only ? NULL : for_error_log(at);
        if (line) to_error_log_late(line, at->time_ns);
        free(line);
    }
    sw_batch_free(&waiting);
}

/* ---- Functions ---- */

ZEND_FUNCTION(spanwire_set_logger) {
    zval *logger;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_ZVAL(logger)
    ZEND_PARSE_PARAMETERS_END();
    zval wanted = {0};
    ZVAL_UNDEF(&wanted);
    if (Z_TYPE_P(logger) == IS_NULL) {
        RETVAL_TRUE;
    } else if (zend_is_callable(logger, 0, NULL)) {
        ZVAL_COPY(&wanted, logger);
        RETVAL_TRUE;
    } else if (Z_TYPE_P(logger) == IS_OBJECT) {
        array_init_size(&wanted, 2);
        add_next_index_zval(&wanted, logger);
        Z_ADDREF_P(logger);
        add_next_index_string(&wanted, "log");
        RETVAL_TRUE;
        if (!zend_is_callable(&wanted, 0, NULL)) {
            zval_ptr_dtor(&wanted);
            RETURN_FALSE;
        }
    } else {
        RETURN_FALSE;
    }
    zval former;
    ZVAL_COPY_VALUE(&former, &SW_G(logger));
    ZVAL_COPY_VALUE(&SW_G(logger), &wanted);
    zval_ptr_dtor(&former);
}

ZEND_FUNCTION(spanwire_drain_log) {
    ZEND_PARSE_PARAMETERS_NONE();
    RETURN_LONG(drain());
}

ZEND_FUNCTION(spanwire_take_log) {
    zend_long max = 0;
    ZEND_PARSE_PARAMETERS_START(0, 1)
        Z_PARAM_OPTIONAL
        Z_PARAM_LONG(max)
    ZEND_PARSE_PARAMETERS_END();
    leave_to_parent();
    sw_batch_free(&for_script); /* of a call that ran out of memory */
    sw_batch_take(&for_script, max > 0 ? (size_t)max : 0);
    array_init_size(return_value, (uint32_t)for_script.count);
    for (sw_record *at = for_script.first; at; at = at->next) {
        zval one;
        context_of(&one, at);
        add_assoc_string(&one, "level", sw_level_name(at->level));
        add_assoc_stringl(&one, "message", sw_record_message(at), sw_record_message_len(at));
        add_next_index_zval(return_value, &one);
    }
    sw_batch_free(&for_script);
}

ZEND_FUNCTION(spanwire_logger_failures) {
    ZEND_PARSE_PARAMETERS_NONE();
    RETURN_LONG(SW_G(logger_failures));
}

ZEND_FUNCTION(spanwire_set_log_level) {
    zend_string *name;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_STR(name)
    ZEND_PARSE_PARAMETERS_END();
    int32_t level = sw_level_of(ZSTR_VAL(name));
    if (level < 0) RETURN_FALSE;
    if (sw.loaded) sw.log_set_level(level);
    RETURN_TRUE;
}

ZEND_FUNCTION(spanwire_log) {
    zend_string *name, *message, *target = NULL;
    ZEND_PARSE_PARAMETERS_START(2, 3)
        Z_PARAM_STR(name)
        Z_PARAM_STR(message)
        Z_PARAM_OPTIONAL
        Z_PARAM_STR(target)
    ZEND_PARSE_PARAMETERS_END();
    int32_t level = sw_level_of(ZSTR_VAL(name));
    if (level <= SPANWIRE_LEVEL_OFF) RETURN_FALSE;
    /* Where records go is known once there is a tracer. */
    if (sw.loaded && sw_tracer_default()) {
        sw.log_write_n(level, target ? ZSTR_VAL(target) : "php", target ? ZSTR_LEN(target) : 3, ZSTR_VAL(message),
                       ZSTR_LEN(message));
    }
    RETURN_TRUE;
}
