/* generations DEPTH: each process traces, logs, and forks the next one. Prints for each `generation
 * {"depth":…,"rss":…,"size":…,"descriptors":…}`, sizes in KiB, and checks what a child may do with spans of older
 * processes. A callback of the first process receives records in all of them. */
#include "check.h"
#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

static spanwire_tracer tracer;
enum { OLDER = 30 };
static spanwire_span open_ones[OLDER]; /* of this process, its parent, and so on */
static long taken;

static long of_process(const char *name) {
    char line[200], format[40];
    long value = -1;
    snprintf(format, sizeof format, "%s: %%ld", name);
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) sscanf(line, format, &value);
    if (status) fclose(status);
    return value;
}

static int descriptors(void) {
    int count = 0;
    DIR *all = opendir("/proc/self/fd");
    while (all && readdir(all)) count++;
    if (all) closedir(all);
    return count - 3;
}

static void on_record(const spanwire_log_record *record, void *userdata) {
    (void)record;
    ++*(long *)userdata;
}

static void ignore(const spanwire_log_record *record, void *userdata) {
    (void)record;
    (void)userdata;
}

static void trace(int depth) {
    for (int i = 0; i < 20; i++) {
        spanwire_span span = spanwire_span_start(tracer, 0, "work");
        CHECK(span != 0);
        for (int tag = 0; tag < 10; tag++) {
            char key[16];
            snprintf(key, sizeof key, "key.%d", tag);
            spanwire_span_set_tag(span, key, "a value of some length");
        }
        OK(spanwire_span_finish(span));
    }
    for (int older = OLDER - 1; older > 0; older--) open_ones[older] = open_ones[older - 1];
    spanwire_span child = spanwire_span_start(tracer, open_ones[1], "child of the parent's");
    CHECK(child != 0);
    OK(spanwire_span_finish(child));
    if (depth > 0) STATUS(SPANWIRE_E_FORKED, spanwire_span_finish(open_ones[1]));
    for (int older = 2; older < OLDER && older <= depth; older++) {
        spanwire_status status = spanwire_span_finish(open_ones[older]);
        CHECK(status == SPANWIRE_E_FORKED || status == SPANWIRE_E_HANDLE);
    }
    open_ones[0] = spanwire_span_start(tracer, 0, "stays open");
    for (int older = 1; older < OLDER; older++) CHECK(open_ones[0] != open_ones[older]);
    OK(spanwire_log_write(SPANWIRE_LEVEL_WARN, "host", "a line"));
    CHECK(spanwire_log_fd() >= 3 && spanwire_recorder_fd() >= 3);
    size_t count;
    OK(spanwire_log_poll(ignore, NULL, 10, &count));
    OK(spanwire_tracer_flush(tracer, 10000));
    spanwire_stats s = check_books(tracer);
    CHECK(s.spans_started == 22 && s.spans_sent == 21 && s.spans_open == 1);
    for (int i = 0; i < 1000 && taken == 0; i++) sleep_us(10000);
    CHECK(taken > 0);
    taken = 0;
}

int main(int argc, char **argv) {
    long depth = number(argc, argv, 1, 10);
    tracer = tracer_new();
    spanwire_sink sink = 0;
    OK(spanwire_log_add_sink_any_thread(SPANWIRE_LEVEL_WARN, on_record, &taken, NULL, &sink));
    for (int now = 0;; now++) {
        trace(now);
        printf("generation {\"depth\":%d,\"rss\":%ld,\"size\":%ld,\"descriptors\":%d}\n", now, of_process("VmRSS"),
               of_process("VmSize"), descriptors());
        fflush(NULL);
        if (now == depth) return verdict();
        pid_t pid = fork();
        if (pid == 0) continue;
        int status = 0;
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
        _exit(verdict());
    }
}
