/*
 * Two ways to receive the tracer's log, and the debug switch: a sink that spanwire calls on its log thread, and records
 * that this program polls.
 *
 * Run:   tools/stage
 *        cc -I target/stage/include examples/c/log_sink.c -o target/log_sink \
 *           -L target/stage/lib -lspanwire -Wl,-rpath,$PWD/target/stage/lib
 *        target/log_sink
 *
 * Prints:
 *   sink: debug span started: name=loud…
 *   sink: debug span finished: name=loud…
 *   sink: info shop: the till is closed
 *   poll: debug span started: name=loud…
 *   poll: debug span finished: name=loud…
 *   poll: info shop: the till is closed
 *   the sink is closed
 */
#include <stdio.h>
#include <string.h>

#include <spanwire.h>

/* Passed to the sink with each record. A release function frees it once no further call can come. */
struct shop_log {
    const char *name;
    int open;
};

static void print_record(const spanwire_log_record *record, void *userdata) {
    static const char *const levels[] = {"off", "error", "warn", "info", "debug", "trace"};
    const struct shop_log *log = userdata;
    /* `text` has time and level before the message; a logger adds its own. Both texts are valid until this function
     * returns. The rest of the log (payloads, start-up) is left out here. */
    if (strncmp(record->target, "span.", 5) != 0 && strcmp(record->target, "shop") != 0) return;
    printf("%s: %s %.*s\n", log->name, levels[record->level], (int)record->message_len, record->message);
}

static void close_log(void *userdata) { ((struct shop_log *)userdata)->open = 0; }

static void visit(spanwire_tracer tracer, const char *name) {
    spanwire_span_finish(spanwire_span_start(tracer, 0, name));
}

int main(void) {
    /* `ring` alone: nothing goes to standard error, and records wait for poll. */
    const spanwire_setting settings[] = {{"DD_TRACE_AGENT_URL", "file:///dev/null"}, {"SPANWIRE_LOG_SINKS", "ring"}};
    spanwire_tracer tracer;
    if (spanwire_tracer_new(settings, 2, &tracer, NULL) != SPANWIRE_OK) return 1;

    struct shop_log pushed = {"sink", 1}, pulled = {"poll", 1};
    spanwire_sink sink;
    if (spanwire_log_add_sink_any_thread(SPANWIRE_LEVEL_DEBUG, print_record, &pushed, close_log, &sink) != SPANWIRE_OK)
        return 1;

    visit(tracer, "quiet");
    spanwire_debug_set(1); /* or DD_TRACE_DEBUG=true; spanwire_debug_set_for(60) turns it off again after 60 s */
    visit(tracer, "loud");
    spanwire_debug_set(0);
    visit(tracer, "quiet again");
    spanwire_log_write(SPANWIRE_LEVEL_INFO, "shop", "the till is closed");

    /* Shutdown waits for the sinks too. After remove_sink has returned, ours is not called again. */
    spanwire_tracer_shutdown(tracer, 2000);
    spanwire_log_remove_sink(sink);

    size_t count;
    spanwire_log_poll(print_record, &pulled, 1000, &count); /* calls print_record on this thread */
    puts(pushed.open ? "the sink is still open" : "the sink is closed");
    spanwire_tracer_free(tracer);
    return 0;
}
