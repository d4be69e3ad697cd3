/* Sends the traces of a file, a payload of the format v0.4, once the worker knows what the agent takes.
 * Arguments: the file, its number of spans; `blind`: does not wait for what the agent says of itself. The log goes to the
 * ring, in JSON and at level debug. */
#include "check.h"

int main(int argc, char **argv) {
    static char payload[1 << 23];
    FILE *file = fopen(argv[1], "rb");
    if (!file) return 2;
    size_t length = fread(payload, 1, sizeof payload, file);
    fclose(file);
    spanwire_tracer tracer = tracer_new();
    OK(spanwire_tracer_start(tracer));
    if (argc < 4) wait_for_info();
    OK(spanwire_trace_submit_v04(tracer, payload, length));
    OK(spanwire_tracer_flush(tracer, 30000));
    OK(spanwire_tracer_shutdown(tracer, 30000));
    spanwire_stats after = check_closed_books(tracer);
    CHECK(after.spans_sent == (uint64_t)number(argc, argv, 2, 0));
    return verdict();
}
