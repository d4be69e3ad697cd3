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
#include <arpa/inet.h>
#include <pthread.h>
#include <spanwire.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const NAMES[] = {"web.request", "app.handler", "db.query"};
static const char *const RESOURCES[] = {"GET /users/{id}", "UsersController#show", "SELECT name FROM users WHERE id = ?"};
static const char *const TYPES[] = {"web", "worker", "sql"};
static const char *const TAGS[][2] = {
    {"component", "rack"}, {"http.url", "https://example.com/users/1234567?page=2"}, {"span.kind", "server"}};
#define TAG_COUNT (sizeof TAGS / sizeof *TAGS)

static spanwire_tracer tracer;

/* Reads one request after another and answers each of them. */
static void *answer(void *socket) {
    static char buffer[1 << 16];
    int connection = (int)(intptr_t)socket;
    for (;;) {
        size_t held = 0;
        char *end = NULL;
        while (!end) {
            if (held == sizeof buffer - 1) return NULL;
            ssize_t got = read(connection, buffer + held, sizeof buffer - 1 - held);
            if (got <= 0) return NULL;
            held += (size_t)got;
            buffer[held] = 0;
            end = strstr(buffer, "\r\n\r\n");
        }
        const char *length = strcasestr(buffer, "content-length:");
        size_t body = length && length < end ? strtoul(length + 15, NULL, 10) : 0;
        size_t read_of_body = held - (size_t)(end + 4 - buffer);
        while (read_of_body < body) {
            ssize_t got = read(connection, buffer, sizeof buffer);
            if (got <= 0) return NULL;
            read_of_body += (size_t)got;
        }
        static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        if (write(connection, reply, sizeof reply - 1) < 0) return NULL;
    }
}

static void *accept_all(void *listener) {
    for (;;) {
        int connection = accept((int)(intptr_t)listener, NULL, NULL);
        pthread_t thread;
        if (connection < 0 || pthread_create(&thread, NULL, answer, (void *)(intptr_t)connection)) return NULL;
        pthread_detach(thread);
    }
}

/* Starts the Agent and returns its port; 0 if that fails. */
static unsigned agent(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_t thread;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 16) ||
        getsockname(listener, (struct sockaddr *)&address, &size) ||
        pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)listener))
        return 0;
    return ntohs(address.sin_port);
}

static spanwire_span by_calls(spanwire_span parent, int kind) {
    spanwire_span span = spanwire_span_start(tracer, parent, NAMES[kind]);
    spanwire_span_set_service(span, "bench-service");
    spanwire_span_set_resource(span, RESOURCES[kind]);
    spanwire_span_set_type(span, TYPES[kind]);
    for (size_t i = 0; i < TAG_COUNT; i++) spanwire_span_set_tag(span, TAGS[i][0], TAGS[i][1]);
    spanwire_span_set_metric(span, "bench.rows", 42.5);
    return span;
}

static spanwire_span in_one(spanwire_span parent, int kind) {
    static const spanwire_metric rows = {"bench.rows", 10, 42.5};
    spanwire_tag tags[TAG_COUNT];
    for (size_t i = 0; i < TAG_COUNT; i++)
        tags[i] = (spanwire_tag){TAGS[i][0], strlen(TAGS[i][0]), TAGS[i][1], strlen(TAGS[i][1])};
    spanwire_span_options options = {.size = sizeof options, .parent = parent};
    options.name = NAMES[kind], options.name_len = strlen(NAMES[kind]);
    options.service = "bench-service", options.service_len = 13;
    options.resource = RESOURCES[kind], options.resource_len = strlen(RESOURCES[kind]);
    options.type = TYPES[kind], options.type_len = strlen(TYPES[kind]);
    options.tags = tags, options.tags_count = TAG_COUNT;
    options.metrics = &rows, options.metrics_count = 1;
    spanwire_span span = 0;
    spanwire_span_start_with(tracer, &options, &span);
    return span;
}

/* A root, 3 children, 2 grandchildren each. */
static void trace(spanwire_span (*start)(spanwire_span, int)) {
    spanwire_span root = start(0, 0);
    for (int i = 0; i < 3; i++) {
        spanwire_span child = start(root, 1);
        for (int j = 0; j < 2; j++) spanwire_span_finish(start(child, 2));
        spanwire_span_finish(child);
    }
    spanwire_span_finish(root);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    const char *row = argv[1];
    long traces = strtol(argv[2], NULL, 10);
    int single = !strcmp(row, "single"), one = !strcmp(row, "one"), disabled = !strcmp(row, "disabled");
    int debug = !strcmp(row, "debug");
    long spans = single ? 1 : 10;
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", agent());
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
        else trace(one ? in_one : by_calls);
        if (!disabled && i % (500 / spans) == 0 && spanwire_tracer_flush(tracer, 60000) != SPANWIRE_OK) return 1;
    }
    spanwire_stats stats = {.size = sizeof stats};
    if (spanwire_tracer_flush(tracer, 60000) != SPANWIRE_OK && !disabled) return 1;
    spanwire_tracer_stats(tracer, &stats);
    spanwire_tracer_shutdown(tracer, 10000);
    return stats.spans_sent == (disabled ? 0 : (uint64_t)(traces * spans)) ? 0 : 1;
}
