/* linked: the smallest program, to be linked with the shared or the static library. */
#include <spanwire.h>
#include <stdio.h>

int main(void) {
    const spanwire_setting settings[] = {{"DD_TRACE_AGENT_URL", "file:///dev/null"}};
    spanwire_tracer tracer;
    if (spanwire_tracer_new(settings, 1, &tracer, NULL) != SPANWIRE_OK) return 1;
    if (spanwire_span_finish(spanwire_span_start(tracer, 0, "linked")) != SPANWIRE_OK) return 2;
    if (spanwire_tracer_shutdown(tracer, 2000) != SPANWIRE_OK) return 3;
    printf("spanwire %s, ABI %u\n", spanwire_version(), (unsigned)spanwire_abi_version());
    return 0;
}
