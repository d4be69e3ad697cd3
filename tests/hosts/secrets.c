/* secrets FILE BAD [FOLDER N]: passes each text of a file to a call through which it could reach the log. A record of the file is a
 * place, a name and a value, separated by the byte 0x1f and ended by 0x1e. Flushes half-way, so that a test can
 * change the agent. Writes a flare into the folder after every N records. */
#include "check.h"

static spanwire_tracer tracer;

/* The last spans stay open for a while, so that flares list them. */
static spanwire_span held[32];
static unsigned next_held;

static void hold(spanwire_span span) {
    spanwire_span *place = &held[next_held++ % (sizeof held / sizeof *held)];
    if (*place) OK(spanwire_span_finish(*place));
    *place = span;
}

static void write_flare(const char *folder, long number) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%ld.zip", folder, number);
    OK(spanwire_flare_write(tracer, path, NULL));
}

static void put(char place, const char *name, const char *value) {
    spanwire_span span = 0;
    spanwire_tag field = {name, strlen(name), value, strlen(value)};
    if (strchr("trmsnop", place)) span = spanwire_span_start(tracer, 0, place == 'n' ? value : "work");
    switch (place) {
    case 't': OK(spanwire_span_set_tag(span, name, value)); break;
    case 'r': OK(spanwire_span_set_resource(span, value)); break;
    case 'm': OK(spanwire_span_set_error(span, "Error", value, NULL)); break;
    case 's': OK(spanwire_span_set_error(span, "Error", "failed", value)); break;
    case 'n': break;
    case 'o': OK(spanwire_span_set_service(span, value)); break;
    case 'p': OK(spanwire_span_set_type(span, value)); break;
    case 'w': OK(spanwire_log_write(SPANWIRE_LEVEL_WARN, "app", value)); break;
    case 'e': OK(spanwire_log_event("cache.miss", &field, 1)); break;
    case 'i': OK(spanwire_tracer_report_integration(tracer, value, "1.0", "ok")); break;
    case 'v': OK(spanwire_tracer_report_integration(tracer, "redis", "1.0", value)); break;
    default: CHECK(!"a place that is known");
    }
    if (span) hold(span);
}

static char *read_all(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) exit(2);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = calloc(1, (size_t)size + 1);
    CHECK(fread(text, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    return text;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    char *text = read_all(argv[1]);
    /* A setting that does not exist, and one with an invalid value, each with a secret as its value. */
    char *bad = read_all(argv[2]);
    spanwire_setting settings[] = {{"DD_API_KEY", bad}, {"DD_TRACE_PARTIAL_FLUSH_MIN_SPANS", bad}, {"DD_TRACE_X", bad}};
    OK(spanwire_tracer_new(settings, 3, &tracer, NULL));
    long records = 0, half = 0;
    for (char *at = text; (at = strchr(at, 0x1e)); at++) half++;
    half /= 2;
    for (char *at = text, *end; (end = strchr(at, 0x1e)); at = end + 1) {
        char *name = strchr(at, 0x1f) + 1, *value = strchr(name, 0x1f) + 1;
        value[-1] = *end = 0;
        put(*at, name, value);
        if (++records % 16 == 0) sleep_us(2000);
        if (records == half) spanwire_tracer_flush(tracer, 3000);
        if (argc > 4 && records % number(argc, argv, 4, 1) == 0) write_flare(argv[3], records);
    }
    for (int n = 0; n < 32; n++) hold(0);
    char config[65536];
    size_t need = 0;
    OK(spanwire_tracer_config_json(tracer, config, sizeof config, &need));
    printf("config %s\n", config);
    spanwire_tracer_flush(tracer, 1500);
    spanwire_tracer_shutdown(tracer, 500);
    printf("secrets {\"records\":%ld}\n", records);
    free(bad);
    free(text);
    return verdict();
}
