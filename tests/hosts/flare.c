/* flare WHAT …: makes flares.
 *   write PATH             leaves two spans open and writes a flare
 *   write_twice PATH       the second one finds the file there
 *   refused PATH           writes one that cannot be written
 *   first PATH             writes one before any span and any thread
 *   send CASE EMAIL MS     sends a flare
 *   arguments              what is refused
 *   closed PATH            after a shutdown a flare can be written and not sent
 *   two CASE EMAIL         sends two from two threads
 *   family CASE EMAIL N    sends one from each of N forked children, at the same time
 *   fork CASE EMAIL        forks while a flare is sent; the child sends one, too
 *   leave CASE EMAIL       shuts down and ends while a flare is sent
 *   wait                   leaves two spans open, prints `ready {}`, and waits for the end of standard input
 *   small PATH             writes a flare where files may have 2 KiB
 * Prints `flare {"status": …, "message": …}` for each. */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static spanwire_tracer tracer;

static void print_result(spanwire_status status, const char *message) {
    printf("flare {\"status\":%d,\"message\":\"", (int)status);
    for (const char *at = message; *at; at++) {
        if (*at == '"' || *at == '\\') putchar('\\');
        putchar(*at);
    }
    printf("\"}\n");
    fflush(stdout);
}

static spanwire_status write_flare(const char *path) {
    spanwire_error error = {.size = sizeof error};
    spanwire_status status = spanwire_flare_write(tracer, path, &error);
    CHECK(error.status == status);
    CHECK((status == SPANWIRE_OK) == (error.message[0] == 0));
    print_result(status, error.message);
    return status;
}

static spanwire_status send_flare(const char *case_id, const char *email, uint32_t timeout_ms) {
    spanwire_error error = {.size = sizeof error};
    spanwire_status status = spanwire_flare_send(tracer, case_id, email, "web-1", timeout_ms, &error);
    CHECK(error.status == status);
    print_result(status, error.message);
    return status;
}

static void work(void) {
    spanwire_span root = spanwire_span_start(tracer, 0, "checkout");
    for (int n = 0; n < 3; n++) {
        spanwire_span query = spanwire_span_start(tracer, root, "mysql.query");
        OK(spanwire_span_set_tag(query, "db.password", "hunter2hunter2"));
        OK(spanwire_span_finish(query));
    }
    OK(spanwire_span_finish(root));
    spanwire_span open = spanwire_span_start(tracer, 0, "endless");
    OK(spanwire_span_set_resource(open, "GET /orders?token=abcdef0123456789abcdef"));
    CHECK(spanwire_span_start(tracer, open, "endless.child") != 0);
    OK(spanwire_log_write(SPANWIRE_LEVEL_WARN, "shop", "the till is stuck, password=hunter2hunter2"));
}

static void arguments(void) {
    spanwire_error error = {.size = sizeof error};
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_flare_write(tracer, NULL, &error));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_flare_write(tracer, "", NULL));
    STATUS(SPANWIRE_E_HANDLE, spanwire_flare_write(tracer + 1, "/tmp/never", &error));
    STATUS(SPANWIRE_E_HANDLE, spanwire_flare_write(0, "/tmp/never", &error));
    CHECK(error.message[0] != 0);
    STATUS(SPANWIRE_E_IO, spanwire_flare_write(tracer, "/no/such/folder/flare.zip", &error));
    CHECK(strstr(error.message, "no such file or directory") != NULL);
    STATUS(SPANWIRE_E_IO, spanwire_flare_write(tracer, "/dev/full", &error));
    const char *cases[] = {NULL, "", "0", "12x", "-1", "12-with-nothing"};
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_flare_send(tracer, cases[n], "a@example.com", NULL, 0, &error));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_flare_send(tracer, "12", NULL, NULL, 0, &error));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_flare_send(tracer, "12", "", NULL, 0, NULL));
    STATUS(SPANWIRE_E_HANDLE, spanwire_flare_send(0, "12", "a@example.com", NULL, 0, NULL));
}

static char **words;

static void *send_one(void *unused) {
    (void)unused;
    OK(send_flare(words[2], words[3], 30000));
    return NULL;
}

static void two(void) {
    pthread_t threads[2];
    for (int n = 0; n < 2; n++) pthread_create(&threads[n], NULL, send_one, NULL);
    for (int n = 0; n < 2; n++) pthread_join(threads[n], NULL);
}

static void family(int children) {
    CHECK(children <= 8);
    for (int n = 0; n < children && n < 8; n++) {
        pid_t child = fork();
        if (child == 0) {
            OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "in.child")));
            OK(send_flare(words[2], words[3], 30000));
            _exit(failures != 0);
        }
        CHECK(child > 0);
    }
    for (int n = 0; n < children; n++) {
        int status = -1;
        CHECK(wait(&status) > 0 && status == 0);
    }
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    const char *what = argv[1];
    words = argv;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(what, "small") == 0) {
        struct rlimit limit = {2048, 2048};
        signal(SIGXFSZ, SIG_IGN);
        CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }
    tracer = tracer_new();
    if (strcmp(what, "arguments") == 0) {
        arguments();
        return verdict();
    }
    if (strcmp(what, "first") == 0) {
        OK(write_flare(argv[2]));
        return verdict();
    }
    work();
    if (strcmp(what, "write") == 0) {
        spanwire_tracer_flush(tracer, 5000);
        OK(write_flare(argv[2]));
    } else if (strcmp(what, "write_twice") == 0) {
        OK(write_flare(argv[2]));
        STATUS(SPANWIRE_E_IO, write_flare(argv[2]));
    } else if (strcmp(what, "small") == 0 || strcmp(what, "refused") == 0) {
        STATUS(SPANWIRE_E_IO, write_flare(argv[2]));
    } else if (strcmp(what, "send") == 0) {
        send_flare(argv[2], argv[3], (uint32_t)number(argc, argv, 4, 30000));
        /* Tracing is not disturbed, whatever became of the flare. */
        for (int n = 0; n < 100; n++) OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "after")));
    } else if (strcmp(what, "closed") == 0) {
        spanwire_tracer_shutdown(tracer, 1000);
        OK(write_flare(argv[2]));
        STATUS(SPANWIRE_E_CLOSED, send_flare("12", "a@example.com", 1000));
    } else if (strcmp(what, "two") == 0) {
        two();
    } else if (strcmp(what, "family") == 0) {
        family((int)number(argc, argv, 4, 3));
    } else if (strcmp(what, "fork") == 0) {
        STATUS(SPANWIRE_E_TIMEOUT, send_flare(argv[2], argv[3], 0));
        family(1);
        OK(send_flare(argv[2], argv[3], 30000));
    } else if (strcmp(what, "wait") == 0) {
        spanwire_tracer_flush(tracer, 5000);
        printf("ready {}\n");
        fflush(stdout);
        while (getchar() != EOF) continue;
    } else if (strcmp(what, "leave") == 0) {
        STATUS(SPANWIRE_E_TIMEOUT, send_flare(argv[2], argv[3], 0));
    } else {
        return 2;
    }
    if (strcmp(what, "closed") != 0) spanwire_tracer_shutdown(tracer, 2000);
    spanwire_stats stats = check_books(tracer);
    print_stats(stdout, &stats);
    return verdict();
}
