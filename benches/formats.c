/* What a format costs: the spans of benches/instructions, row `one`, in one format. benches/formats counts under callgrind.
 *
 *   formats 0.4|0.5|1.0|otlp|otlp-gzip TRACES [FILE]
 *
 * A thread of this program is the Agent; it writes payloads to the file. Prints how many bytes the payloads had, without what
 * precedes the spans in the first one. Ends with 1 if a span was not sent, or was sent in another format. */
#include "agent.h"
#include "spans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    if (argc != 3 && argc != 4) return 2;
    if (argc == 4 && !(agent_kept = fopen(argv[3], "wb"))) return 2;
    int otlp = !strncmp(argv[1], "otlp", 4);
    long traces = strtol(argv[2], NULL, 10);
    agent_info = "{\"endpoints\":[\"/v0.4/traces\",\"/v0.5/traces\",\"/v1.0/traces\"]}";
    char url[64];
    snprintf(url, sizeof url, "%s://127.0.0.1:%u", otlp ? "otlp+http" : "http", agent_start());
    const spanwire_setting settings[] = {
        {"DD_SERVICE", "bench-service"},
        {"DD_TRACE_AGENT_URL", url},
        {"DD_TRACE_AGENT_PROTOCOL_VERSION", otlp ? "0.4" : argv[1]},
        {"OTEL_EXPORTER_OTLP_COMPRESSION", strcmp(argv[1], "otlp-gzip") ? "none" : "gzip"},
        {"SPANWIRE_FLUSH_INTERVAL_MS", "3600000"},
        {"SPANWIRE_LOG_SINKS", "ring"},
    };
    if (spanwire_tracer_new(settings, sizeof settings / sizeof *settings, &tracer, NULL) != SPANWIRE_OK) return 1;
    if (spanwire_tracer_start(tracer) != SPANWIRE_OK) return 1;
    /* The worker takes the answer to `/info` when it next wakes. */
    while (!otlp && !atomic_load(&agent_infos)) usleep(1000);
    usleep(1500000);
    for (long i = 0; i < traces; i++) {
        trace10(in_one);
        if (i % 50 == 49 && spanwire_tracer_flush(tracer, 60000) != SPANWIRE_OK) return 1;
    }
    spanwire_stats stats = {.size = sizeof stats};
    if (spanwire_tracer_flush(tracer, 60000) != SPANWIRE_OK) return 1;
    spanwire_tracer_stats(tracer, &stats);
    spanwire_tracer_shutdown(tracer, 10000);
    if (agent_kept && fclose(agent_kept)) return 1;
    printf("%s %lu\n", agent_path, atomic_load(&agent_bytes));
    const char *path = otlp ? "/v1/traces" : argv[1][0] == '1' ? "/v1.0/traces" : argv[1][2] == '5' ? "/v0.5/traces" : "/v0.4/traces";
    return stats.spans_sent == (uint64_t)traces * 10 && !strcmp(agent_path, path) ? 0 : 1;
}
