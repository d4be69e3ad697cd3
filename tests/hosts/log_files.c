/* log_files SCENARIO ID …: writes numbered lines to the log file that the environment names.
 *
 *   lines ID COUNT        COUNT lines, with occasional pauses
 *   until ID FILE         lines until FILE exists
 *   user ID FILE          the same as user 65534
 *   small ID COUNT BYTES  COUNT lines with a limit of BYTES for the size of files
 *
 * A line is `id=… n=… sum=…` with a filling of varying length, whose sum shows whether the line is complete. Prints
 * `log {"id":…,"lines":…}`. */
#include "check.h"
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static spanwire_tracer tracer;
static long id, lines;

/* The sum of the filling's bytes; tests/log_files.rs computes it again. */
static void write_line(void) {
    char text[512], filling[300];
    unsigned length = (unsigned)(lines * 37 + id * 11) % 280, sum = 0;
    for (unsigned i = 0; i < length; i++) sum += (unsigned)(filling[i] = (char)('a' + (i + lines) % 26));
    filling[length] = 0;
    snprintf(text, sizeof text, "id=%ld n=%ld sum=%u [%s] end", id, lines, sum, filling);
    OK(spanwire_log_write(SPANWIRE_LEVEL_INFO, "count", text));
    lines++;
}

/* Losses at the end are reported before the next line. So give the log time, and write that line. */
static void finish(void) {
    sleep_us(200000);
    write_line();
    OK(spanwire_tracer_shutdown(tracer, 10000));
    printf("log {\"id\":%ld,\"lines\":%ld}\n", id, lines);
}

static void count_to(long count) {
    while (lines < count) {
        write_line();
        if (lines % 32 == 0) sleep_us(1000);
    }
}

static void until(const char *file) {
    while (access(file, F_OK) != 0) {
        for (int i = 0; i < 16; i++) write_line();
        sleep_us(2000);
    }
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    const char *scenario = argv[1];
    id = number(argc, argv, 2, 0);
    if (!strcmp(scenario, "user") && setuid(65534) != 0) return 3;
    if (!strcmp(scenario, "small")) {
        struct rlimit limit = {(rlim_t)number(argc, argv, 4, 0), RLIM_INFINITY};
        CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
        CHECK(signal(SIGXFSZ, SIG_DFL) != SIG_ERR); /* it would end the process */
    }
    tracer = tracer_new();
    if (!strcmp(scenario, "lines") || !strcmp(scenario, "small"))
        count_to(number(argc, argv, 3, 1000));
    else
        until(argv[3]);
    finish();
    return verdict();
}
