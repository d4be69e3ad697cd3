/* A host that runs the commands on its standard input, one command a line with fields separated by tabs, and prints each
 * log record that it pulls: level, logger, target, whole text, message. With it a test in Rust can run any scenario
 * through the C API without a program of its own.
 *
 *   new                               makes a tracer from the environment and the `set` lines before it
 *   set NAME VALUE                    a setting in code for the next `new`
 *   start NAME SERVICE RESOURCE TYPE TRACE_HIGH TRACE_LOW PARENT START_NS   a span; 0 0 0 for a root of its own
 *   child NAME                        a child of the last open span
 *   tag KEY VALUE, metric KEY VALUE   on the last open span, or on the record to be submitted
 *   error TYPE MESSAGE STACK          on the last open span
 *   finish END_NS                     finishes the last open span; 0 means now
 *   record NAME SERVICE RESOURCE TYPE TRACE_HIGH TRACE_LOW SPAN PARENT START_NS DURATION_NS
 *   submit                            submits all records since the last `submit`
 *   event KIND [KEY VALUE]...         integration NAME VERSION STATUS        write LEVEL TARGET TEXT
 *   level N, logger NAME N, debug 0|1, debug_for SECONDS
 *   flush MS, shutdown MS, sleep MS, fork        (the child continues the script, the parent waits and ends)
 *   leave_out WORD                    excludes memory from cores: that whose line in /proc/self/maps ends with WORD
 *   crash                             raises SIGSEGV
 *   poll                              prints the waiting records
 */
#include "check.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 256, FIELDS = 64 };

static spanwire_tracer tracer;
static spanwire_setting settings[MANY];
static size_t settings_count;
static spanwire_span open_spans[MANY];
static size_t open_count;
static spanwire_record records[MANY];
static spanwire_tag tags[MANY][MANY];
static spanwire_metric metrics[MANY][MANY];
static size_t records_count;

static char *kept(const char *text) { return strdup(text); }
static uint64_t u64(const char *text) { return strtoull(text, NULL, 0); }
static int64_t i64(const char *text) { return strtoll(text, NULL, 0); }

static void escaped(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n') fputs("\\n", stdout);
        else if (text[i] == '\t') fputs("\\t", stdout);
        else if (text[i] == '\\') fputs("\\\\", stdout);
        else putchar(text[i]);
    }
}

static void poll_records(void) {
    static char buffer[1 << 20];
    spanwire_log_record record = {.size = sizeof record};
    while (spanwire_log_take(&record, buffer, sizeof buffer, NULL) == SPANWIRE_OK) {
        printf("record\t%d\t%u\t%s\t%s\t", record.level, record.flags, record.logger, record.target);
        escaped(record.text, record.text_len);
        putchar('\t');
        escaped(record.message, record.message_len);
        putchar('\n');
    }
    fflush(stdout);
}

static spanwire_span last_open(void) { return open_count > 0 ? open_spans[open_count - 1] : 0; }

static void start(char **field) {
    spanwire_context parent = {.size = sizeof parent, .trace_id_high = u64(field[5]), .trace_id_low = u64(field[6])};
    parent.span_id = u64(field[7]);
    spanwire_span_options options = {.size = sizeof options, .start_ns = i64(field[8])};
    options.parent_context = parent.trace_id_low ? &parent : NULL;
    options.name = field[1], options.service = field[2], options.resource = field[3], options.type = field[4];
    options.name_len = options.service_len = options.resource_len = options.type_len = SPANWIRE_NUL;
    OK(spanwire_span_start_with(tracer, &options, &open_spans[open_count++]));
}

static void add_record(char **field) {
    spanwire_record *record = &records[records_count++];
    *record = (spanwire_record){.size = sizeof *record, .sampling_priority = 1};
    record->name = kept(field[1]), record->service = kept(field[2]);
    record->resource = kept(field[3]), record->type = kept(field[4]);
    record->name_len = record->service_len = record->resource_len = record->type_len = SPANWIRE_NUL;
    record->trace_id_high = u64(field[5]), record->trace_id_low = u64(field[6]);
    record->span_id = u64(field[7]), record->parent_id = u64(field[8]);
    record->start_ns = i64(field[9]), record->duration_ns = i64(field[10]);
}

static void tag(const char *key, const char *value) {
    if (records_count == 0) {
        OK(spanwire_span_set_tag(last_open(), key, value));
        return;
    }
    spanwire_record *record = &records[records_count - 1];
    tags[records_count - 1][record->tags_count++] =
        (spanwire_tag){.key = kept(key), .key_len = SPANWIRE_NUL, .value = kept(value), .value_len = SPANWIRE_NUL};
    record->tags = tags[records_count - 1];
}

static void metric(const char *key, double value) {
    if (records_count == 0) {
        OK(spanwire_span_set_metric(last_open(), key, value));
        return;
    }
    spanwire_record *record = &records[records_count - 1];
    metrics[records_count - 1][record->metrics_count++] =
        (spanwire_metric){.key = kept(key), .key_len = SPANWIRE_NUL, .value = value};
    record->metrics = metrics[records_count - 1];
}

static void submit(void) {
    OK(spanwire_span_submit(tracer, records, records_count));
    records_count = 0;
}

static void event(char **field, size_t count) {
    spanwire_tag facts[FIELDS / 2];
    size_t n = 0;
    for (size_t i = 2; i + 1 < count; i += 2)
        facts[n++] = (spanwire_tag){
            .key = field[i], .key_len = SPANWIRE_NUL, .value = field[i + 1], .value_len = SPANWIRE_NUL};
    OK(spanwire_log_event(field[1], facts, n));
}

static void leave_out(const char *word) {
    char line[512];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        size_t length = strcspn(line, "\n"), end = strlen(word);
        if (length < end || strncmp(line + length - end, word, end) != 0) continue;
        if (sscanf(line, "%lx-%lx", &from, &to) == 2) found += madvise((void *)from, to - from, MADV_DONTDUMP) == 0;
    }
    if (maps) fclose(maps);
    CHECK(found > 0);
}

/* False at the end of the script. */
static int run(char **field, size_t count) {
    const char *word = field[0];
#define IS(name, fields) (strcmp(word, name) == 0 && count >= (fields) + 1)
    if (IS("set", 2)) settings[settings_count++] = (spanwire_setting){kept(field[1]), kept(field[2])};
    else if (IS("new", 0)) OK(spanwire_tracer_new(settings, settings_count, &tracer, NULL));
    else if (IS("start", 8)) start(field);
    else if (IS("child", 1)) open_spans[open_count] = spanwire_span_start(tracer, last_open(), field[1]), open_count++;
    else if (IS("tag", 2)) tag(field[1], field[2]);
    else if (IS("metric", 2)) metric(field[1], strtod(field[2], NULL));
    else if (IS("error", 3)) OK(spanwire_span_set_error(last_open(), field[1], field[2], field[3]));
    else if (IS("finish", 1) && i64(field[1])) OK(spanwire_span_finish_at(open_spans[--open_count], i64(field[1])));
    else if (IS("finish", 1)) OK(spanwire_span_finish(open_spans[--open_count]));
    else if (IS("record", 10)) add_record(field);
    else if (IS("submit", 0)) submit();
    else if (IS("event", 1)) event(field, count);
    else if (IS("integration", 3)) OK(spanwire_tracer_report_integration(tracer, field[1], field[2], field[3]));
    else if (IS("write", 3)) OK(spanwire_log_write(atoi(field[1]), field[2], field[3]));
    else if (IS("level", 1)) OK(spanwire_log_set_level(atoi(field[1])));
    else if (IS("logger", 2)) OK(spanwire_log_set_logger_level(field[1], atoi(field[2])));
    else if (IS("debug", 1)) OK(spanwire_debug_set(atoi(field[1])));
    else if (IS("debug_for", 1)) OK(spanwire_debug_set_for((uint32_t)atoi(field[1])));
    else if (IS("flush", 1)) spanwire_tracer_flush(tracer, (uint32_t)atoi(field[1]));
    else if (IS("shutdown", 1)) spanwire_tracer_shutdown(tracer, (uint32_t)atoi(field[1]));
    else if (IS("sleep", 1)) sleep_us(atol(field[1]) * 1000);
    else if (IS("poll", 0)) poll_records();
    else if (IS("leave_out", 1)) leave_out(field[1]);
    else if (IS("crash", 0)) raise(SIGSEGV);
    else if (IS("fork", 0)) {
        fflush(stdout);
        pid_t child = fork();
        if (child > 0) {
            int status = 0;
            waitpid(child, &status, 0);
            failures += status != 0;
            return 0;
        }
    } else {
        fprintf(stderr, "no such command, or too few fields: %s\n", word);
        failures++;
    }
    return 1;
}

int main(void) {
    static char line[1 << 20];
    while (fgets(line, sizeof line, stdin)) {
        char *field[FIELDS], *rest = line;
        size_t count = 0;
        line[strcspn(line, "\n")] = '\0';
        while (count < FIELDS && (field[count] = strsep(&rest, "\t"))) count++;
        if (*line && !run(field, count)) return failures ? 1 : 0;
    }
    return failures ? 1 : 0;
}
