/* stack: calls every function on a stack of its own, filled with a pattern before, and measures how much of it was
 * used: as the first call of a process, as one of many, and as the first call in a forked child. */
#include "check.h"
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { SIZE = 1 << 18, PAINT = 0xA5, KIB = 1024, MANY = 3000 };
static unsigned char *stack;
static ucontext_t outside, inside;
static void (*measured)(void);

static void run_measured(void) {
    measured();
    swapcontext(&inside, &outside);
}

/* The bytes of stack that a call uses. */
static long used_by(void (*call)(void)) {
    memset(stack, PAINT, SIZE);
    measured = call;
    getcontext(&inside);
    inside.uc_stack.ss_sp = stack;
    inside.uc_stack.ss_size = SIZE;
    inside.uc_link = &outside;
    makecontext(&inside, run_measured, 0);
    swapcontext(&outside, &inside);
    long untouched = 0;
    while (untouched < SIZE && stack[untouched] == PAINT) untouched++;
    return SIZE - untouched;
}

static spanwire_tracer tracer;
static spanwire_span span, many[MANY];
static char text[25001], out[65536];
static unsigned char blob[20006] = {0x81, 0xa1, 'k', 0xda, 20000 >> 8, 20000 & 255};
static size_t need, count;
static spanwire_context context = {.size = sizeof context};
static spanwire_span_options options = {.size = sizeof options, .name = "with", .name_len = 4};
static const spanwire_tag tag = {"key", 3, "caf\xe9", 4};
static const spanwire_value values[] = {{.type = SPANWIRE_VALUE_FLOATING, .floating = 0.1}, {.type = SPANWIRE_VALUE_FLOATING, .floating = 1e300}};
static const spanwire_attribute attributes[] = {
    {.key = "caf\xe9", .key_len = 4, .type = SPANWIRE_VALUE_TEXT, .text = text, .text_len = 20000},
    {.key = "list", .key_len = 4, .type = SPANWIRE_VALUE_ARRAY, .values = values, .values_count = 2}};
static const spanwire_span_link span_link = {.size = sizeof span_link, .trace_id_low = 1, .span_id = 2, .attributes = attributes, .attributes_count = 2};
static const spanwire_span_event span_event = {.size = sizeof span_event, .name = "caf\xe9", .name_len = 4, .attributes = attributes, .attributes_count = 2};
static spanwire_record record = {.size = sizeof record, .trace_id_low = 1, .span_id = 2, .name = "record", .name_len = 6};
static spanwire_log_record log_record = {.size = sizeof log_record};
static spanwire_sink sink;
static spanwire_stats stats = {.size = sizeof stats};
static const char payload[] = "\x91\x91\x83\xa8trace_id\x01\xa7span_id\x02\xabspan_events\x91\x81\xa4name\xa1" "e";
static uint32_t packed[] = {76 + 4, 0, 0, 0, 1, 0, 2, 0, 0, 0, 1, 0, 1, 0, 0, 4, 0, 0, 0, 0, 0, 0x6b636170};

static void ignore_record(const spanwire_log_record *it, void *userdata) { (void)it, (void)userdata; }
static void ignore_event(const spanwire_recorder_event *it, void *userdata) { (void)it, (void)userdata; }
static void ignore_text(const char *it, size_t length, void *userdata) { (void)it, (void)length, (void)userdata; }
static int32_t own_memory(uint64_t address, void *into, size_t length, void *userdata) {
    FILE *memory = fopen("/proc/self/mem", "r");
    int good = memory && !fseek(memory, (long)address, SEEK_SET) && fread(into, 1, length, memory) == length;
    (void)userdata;
    if (memory) fclose(memory);
    return good;
}

#define CALLS(X) \
    X(8, start, span = spanwire_span_start(tracer, 0, "span")) \
    X(8, start_n, spanwire_span_finish(spanwire_span_start_n(tracer, span, "span", 4))) \
    X(8, start_with, spanwire_span one; spanwire_span_start_with(tracer, &options, &one); spanwire_span_finish(one)) \
    X(8, grow, for (int i = 0; i < MANY; i++) many[i] = spanwire_span_start(tracer, i % 2 ? many[0] : 0, "many")) \
    X(8, partial_flush, for (int i = 1; i < MANY; i++) spanwire_span_finish(many[i])) \
    X(8, set_tag, spanwire_span_set_tag(span, "key", "value")) \
    X(8, set_long_tag, spanwire_span_set_tag(span, "long", text)) \
    X(8, set_tag_n, spanwire_span_set_tag_n(span, "\xe9", 1, "caf\xe9", 4)) \
    X(8, set_metric, spanwire_span_set_metric(span, "number", 1e300)) \
    X(8, set_metric_n, spanwire_span_set_metric_n(span, "number n", 8, 1)) \
    X(8, set_tags, spanwire_span_set_tags(span, &tag, 1)) \
    X(8, get_tag, spanwire_span_get_tag(span, "number", out, sizeof out, &need)) \
    X(8, remove_tag, spanwire_span_remove_tag(span, "key")) \
    X(8, gaps, for (int i = 0; i < 3000; i++) { snprintf(out, 64, "k%d", i % 300); spanwire_span_set_tag(span, out, text + i); }) \
    X(8, set_service, spanwire_span_set_service(span, "service")) \
    X(8, set_resource, spanwire_span_set_resource(span, text)) \
    X(8, set_resource_n, spanwire_span_set_resource_n(span, "caf\xe9", 4)) \
    X(8, set_type, spanwire_span_set_type(span, "web")) \
    X(8, set_name, spanwire_span_set_name(span, text)) \
    X(8, set_error, spanwire_span_set_error(span, "type", "message", text)) \
    X(8, set_error_n, spanwire_span_set_error_n(span, "t", 1, "m", 1, "s", 1)) \
    X(8, set_error_flag, spanwire_span_set_error_flag(span, 1)) \
    X(8, set_meta_struct, spanwire_span_set_meta_struct(span, "blob", blob, sizeof blob)) \
    X(8, set_attributes, spanwire_span_set_attributes(span, attributes, 2)) \
    X(8, add_link, spanwire_span_add_link(span, &span_link)) \
    X(8, add_event, spanwire_span_add_event(span, &span_event)) \
    X(8, set_priority, spanwire_span_set_priority(span, 2)) \
    X(8, span_context, spanwire_span_context(span, &context)) \
    X(8, id_text, spanwire_span_id_text(span, SPANWIRE_ID_TRACE_HEX, out, sizeof out, &need)) \
    X(8, log_correlation, spanwire_log_correlation(0, span, SPANWIRE_LOG_FIELDS_JSON, out, sizeof out, &need)) \
    X(8, unknown_parent, spanwire_span_finish(spanwire_span_start(tracer, 12345, "orphan"))) \
    X(8, finish, spanwire_span_finish(span)) \
    X(8, finish_at, spanwire_span_finish_at(spanwire_span_start(tracer, 0, "at"), 1)) \
    X(8, discard, spanwire_span_discard(spanwire_span_start(tracer, 0, "discarded"))) \
    X(8, submit, spanwire_span_submit(tracer, &record, 1)) \
    X(8, submit_packed, spanwire_span_submit_packed(tracer, packed, sizeof packed)) \
    X(8, submit_v04, spanwire_trace_submit_v04(tracer, payload, sizeof payload - 1)) \
    X(32, tracer_new, spanwire_tracer_new(NULL, 0, &tracer, NULL)) \
    X(32, tracer_new_other, spanwire_tracer other; make_other(&other); spanwire_tracer_free(other)) \
    X(32, tracer_start, spanwire_tracer_start(tracer)) \
    X(32, stats, spanwire_tracer_stats(tracer, &stats)) \
    X(32, config_json, spanwire_tracer_config_json(tracer, out, sizeof out, &need)) \
    X(32, report_integration, spanwire_tracer_report_integration(tracer, "redis", "1", "ok")) \
    X(32, version, spanwire_version(); spanwire_abi_version(); spanwire_status_text(-1)) \
    X(32, debug_set, spanwire_debug_set(0)) \
    X(32, debug_set_for, spanwire_debug_set_for(0); spanwire_debug_set(0)) \
    X(32, debug_get, spanwire_debug_get()) \
    X(32, log_set_level, spanwire_log_set_level(SPANWIRE_LEVEL_INFO)) \
    X(32, log_set_logger_level, spanwire_log_set_logger_level("a.b", SPANWIRE_LEVEL_INFO)) \
    X(32, log_write, spanwire_log_write(SPANWIRE_LEVEL_INFO, "target", text)) \
    X(32, log_write_n, spanwire_log_write_n(SPANWIRE_LEVEL_WARN, "t", 1, "x", 1)) \
    X(32, log_event, spanwire_log_event("kind", &tag, 1)) \
    X(32, log_add_sink, spanwire_log_add_sink_any_thread(SPANWIRE_LEVEL_INFO, ignore_record, NULL, NULL, &sink)) \
    X(32, log_remove_sink, spanwire_log_remove_sink(sink)) \
    X(32, log_take, spanwire_log_take(&log_record, out, sizeof out, &need)) \
    X(32, log_poll, spanwire_log_poll(ignore_record, NULL, 3, &count)) \
    X(32, log_drain, spanwire_log_drain(out, sizeof out, &need)) \
    X(32, log_fd, spanwire_log_fd()) \
    X(32, recorder_read, spanwire_recorder_read(ignore_event, NULL, 100, &count)) \
    X(32, recorder_fd, spanwire_recorder_fd()) \
    X(32, inspect, spanwire_process_inspect(root_address(), 0, "status", own_memory, ignore_text, NULL)) \
    X(96, flare_write, char path[64]; snprintf(path, sizeof path, "/tmp/spanwire-stack-%d.zip", (int)getpid()); \
        spanwire_flare_write(tracer, path, NULL); unlink(path)) \
    X(32, flare_send, spanwire_flare_send(tracer, "12", "user@example.com", NULL, 0, NULL)) \
    X(32, after_fork_child, spanwire_process_after_fork_child()) \
    X(32, flush, spanwire_tracer_flush(tracer, 5000)) \
    X(32, shutdown, spanwire_tracer_shutdown(tracer, 5000)) \
    X(32, free, spanwire_tracer_free(tracer))

static uint64_t root_address(void) {
    extern const char spanwire_debug_root[];
    return (uint64_t)(uintptr_t)spanwire_debug_root;
}

/* Settings of every kind: texts, lists, numbers, a file for the log. */
static void make_other(spanwire_tracer *other) {
    static const spanwire_setting settings[] = {
        {"DD_SERVICE", "other"}, {"DD_ENV", "test"}, {"DD_VERSION", "1"}, {"DD_TAGS", "a:1,b:2,c:3"},
        {"DD_TRACE_AGENT_URL", "http://localhost:8126"}, {"DD_TRACE_SAMPLE_RATE", "0.5"}, {"DD_TRACE_DEBUG", "perhaps"},
        {"DD_TRACE_PARTIAL_FLUSH_MIN_SPANS", "77"}, {"SPANWIRE_MEMORY_MAX", "1234567"}, {"no such", "setting"}};
    OK(spanwire_tracer_new(settings, sizeof settings / sizeof *settings, other, NULL));
}

#define DEFINE(limit, name, ...) static void call_##name(void) { __VA_ARGS__; }
CALLS(DEFINE)
static const struct { const char *name; int limit; void (*call)(void); } calls[] = {
#define ENTRY(limit, name, ...) {#name, limit, call_##name},
    CALLS(ENTRY)};
enum { COUNT = sizeof calls / sizeof *calls };

static void measure(int n, const char *when) {
    long used = used_by(calls[n].call);
    printf("%-8s %-22s %6ld\n", when, calls[n].name, used);
    fflush(stdout);
    check_that(used <= (long)calls[n].limit * KIB, __FILE__, __LINE__, calls[n].name, (int)used, calls[n].limit * KIB);
}

static void each_in_a_child(const char *when) {
    for (int n = 0; n < COUNT; n++) {
        pid_t child = fork();
        if (child == 0) {
            failures = 0;
            measure(n, when);
            _exit(failures != 0);
        }
        int status = -1;
        waitpid(child, &status, 0);
        check_that(status == 0, __FILE__, __LINE__, calls[n].name, status, 0);
    }
}

int main(void) {
    stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != MAP_FAILED);
    memset(text, 'x', sizeof text - 1);
    each_in_a_child("first");
    tracer = tracer_new();
    span = spanwire_span_start(tracer, 0, "inherited");
    each_in_a_child("forked");
    OK(spanwire_span_finish(span));
    for (int n = 0; n < COUNT; n++) measure(n, "running");
    return verdict();
}
