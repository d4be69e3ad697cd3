/* turning_on [NAME=VALUE]...: a tracer with these settings in code, as a binding passes them, in addition to the
 * environment. Prints `config {…}`, makes two spans, writes LINES records of its own (the environment variable), and
 * shuts down. */
#include "check.h"

enum { MANY = 32 };

int main(int argc, char **argv) {
    spanwire_setting settings[MANY];
    size_t count = 0;
    for (int i = 1; i < argc && count < MANY; i++) {
        char *equals = strchr(argv[i], '=');
        if (!equals) return 2;
        *equals = '\0';
        settings[count++] = (spanwire_setting){argv[i], equals + 1};
    }
    spanwire_tracer tracer = 0;
    OK(spanwire_tracer_new(settings, count, &tracer, NULL));
    static char config[1 << 16];
    size_t need = 0;
    OK(spanwire_tracer_config_json(tracer, config, sizeof config, &need));
    printf("config %s\n", config);
    fflush(stdout);
    spanwire_span root = spanwire_span_start(tracer, 0, "checkout");
    spanwire_span child = spanwire_span_start(tracer, root, "payment");
    OK(spanwire_span_finish(child));
    OK(spanwire_span_finish(root));
    const char *lines = getenv("LINES");
    for (long i = 0; i < (lines ? atol(lines) : 0); i++) OK(spanwire_log_write(SPANWIRE_LEVEL_WARN, "app", "a line of the host's"));
    spanwire_tracer_shutdown(tracer, 5000);
    return verdict();
}
