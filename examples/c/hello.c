/*
 * The smallest traced program: a `payment` inside a `checkout`, sent to an Agent, or printed if none is set.
 *
 * Run:   tools/stage
 *        cc -I target/stage/include examples/c/hello.c -o target/hello \
 *           -L target/stage/lib -lspanwire -Wl,-rpath,$PWD/target/stage/lib
 *        target/hello                                                # prints the trace
 *        DD_TRACE_AGENT_URL=http://localhost:8126 target/hello       # sends it
 *        DD_TRACE_DEBUG=true target/hello                            # logs to standard error
 *
 * Prints:
 *   {"trace_id":"…","spans":[{"name":"checkout"…},{"name":"payment"…"card":"visa"…"amount":42.5…}]}
 *   2 spans finished, 2 sent
 */
#include <inttypes.h>
#include <stdio.h>

#include <spanwire.h>

int main(void) {
    /* `default:` makes it a default, which DD_TRACE_AGENT_URL in the environment overrides. */
    const spanwire_setting settings[] = {
        {"DD_SERVICE", "shop"},
        {"default:DD_TRACE_AGENT_URL", "file:///dev/stdout"},
    };
    spanwire_tracer tracer;
    spanwire_error error = {.size = sizeof error};
    if (spanwire_tracer_new(settings, 2, &tracer, &error) != SPANWIRE_OK) {
        fprintf(stderr, "no tracer: %s\n", error.message);
        return 1;
    }

    /* Span calls need no check: a start that fails returns 0, and span calls with 0 do nothing. */
    spanwire_span checkout = spanwire_span_start(tracer, 0, "checkout");
    spanwire_span payment = spanwire_span_start(tracer, checkout, "payment");
    spanwire_span_set_tag(payment, "card", "visa");
    spanwire_span_set_metric(payment, "amount", 42.5);
    spanwire_span_finish(payment);
    spanwire_span_finish(checkout);

    /* The one call to check: it waits up to two seconds until all spans are sent. */
    spanwire_status status = spanwire_tracer_shutdown(tracer, 2000);
    if (status != SPANWIRE_OK) fprintf(stderr, "not everything left: %s\n", spanwire_status_text(status));

    spanwire_stats stats = {.size = sizeof stats};
    spanwire_tracer_stats(tracer, &stats);
    printf("%" PRIu64 " spans finished, %" PRIu64 " sent\n", stats.spans_finished, stats.spans_sent);
    spanwire_tracer_free(tracer);
    return status == SPANWIRE_OK ? 0 : 1;
}
