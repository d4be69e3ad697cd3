/* What spans cost, to be counted under callgrind: benches/instructions does that.
 *
 *   instructions ROW TRACES
 *
 *   calls     traces of 10 spans; a call for each of the 8 attributes of a span (trace10 of the peers' harness)
 *   one       the same spans with all attributes in the call that starts them
 *   single    traces of one span without attributes
 *   disabled  as `calls`, with tracing turned off
 *   debug     as `calls`, in debug mode with the log file DD_TRACE_LOG_FILE
 *
 * A thread of this program is the Agent: it reads payloads and answers 200. All spans are flushed after every 500, and only
 * then, so that none is dropped, buffers are used again as in a service, and all runs send the same payloads. Ends with 1 if
 * a span was not sent. */
#include "agent.h"
#include "spans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    const char *row = argv[1];
    long traces = strtol(argv[2], NULL, 10);
    int single = !strcmp(row, "single"), one = !strcmp(row, "one"), disabled = !strcmp(row, "disabled");
    int debug = !strcmp(row, "debug");
    long spans = single ? 1 : 10;
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", agent_start());
    const spanwire_setting settings[] = {
        {"DD_SERVICE", "bench-service"},
        {"DD_TRACE_AGENT_URL", url},
        {"SPANWIRE_FLUSH_INTERVAL_MS", "3600000"},
        {"DD_TRACE_ENABLED", disabled ? "false" : "true"},
        {"DD_TRACE_DEBUG", debug ? "true" : "false"},
        {"SPANWIRE_LOG_SINKS", debug ? "file" : "ring"},
    };
    if (spanwire_tracer_new(settings, sizeof settings / sizeof *settings, &tracer, NULL) != SPANWIRE_OK) return 1;
    for (long i = 0; i < traces; i++) {
        if (single) spanwire_span_finish(spanwire_span_start(tracer, 0, NAMES[0]));
        else trace10(one ? in_one : by_calls);
        if (!disabled && i % (500 / spans) == 0 && spanwire_tracer_flush(tracer, 60000) != SPANWIRE_OK) return 1;
    }
    spanwire_stats stats = {.size = sizeof stats};
    if (spanwire_tracer_flush(tracer, 60000) != SPANWIRE_OK && !disabled) return 1;
    spanwire_tracer_stats(tracer, &stats);
    spanwire_tracer_shutdown(tracer, 10000);
    return stats.spans_sent == (disabled ? 0 : (uint64_t)(traces * spans)) ? 0 : 1;
}
