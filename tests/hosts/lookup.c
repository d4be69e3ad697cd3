/* lookup CHILDREN [known]: forked children in which the C library's look-up of names hangs, as it does if another
 * thread of the parent held its lock at the fork. With `known` the parent has sent before. Prints `lookup {…}`. */
#include "check.h"
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t parent;
/* Number of look-ups in the parent and in children. */
static int *calls;

/* Replaces the C library's function, for the library too: a program's own definition comes first. */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found) {
    (void)host, (void)port, (void)hints;
    if (getpid() != parent) {
        __atomic_fetch_add(&calls[1], 1, __ATOMIC_SEQ_CST);
        for (;;) pause();
    }
    __atomic_fetch_add(&calls[0], 1, __ATOMIC_SEQ_CST);
    struct { struct addrinfo info; struct sockaddr_in address; } *made = calloc(1, sizeof *made);
    made->address.sin_family = AF_INET;
    made->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    made->info = (struct addrinfo){.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_addrlen = sizeof made->address,
                                   .ai_addr = (struct sockaddr *)&made->address};
    *found = &made->info;
    return 0;
}
void freeaddrinfo(struct addrinfo *made) { free(made); }

static void note(const spanwire_log_record *record, void *hangs) {
    if (strcmp(record->target, "agent.lookup") == 0) ++*(int *)hangs;
}

int main(int argc, char **argv) {
    int children = (int)number(argc, argv, 1, 3), known = argc > 2 && strcmp(argv[2], "known") == 0, silent = 0;
    parent = getpid();
    calls = mmap(NULL, 2 * sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    spanwire_tracer tracer = tracer_new();
    if (known) {
        spanwire_span_finish(spanwire_span_start(tracer, 0, "in the parent"));
        OK(spanwire_tracer_flush(tracer, 20000));
    }
    fflush(NULL);
    for (int i = 0; i < children; i++) {
        pid_t child = fork();
        if (child == 0) {
            spanwire_span_finish(spanwire_span_start(tracer, 0, "in a child"));
            spanwire_status sent = spanwire_tracer_flush(tracer, 20000);
            int hangs = 0;
            size_t count;
            spanwire_log_poll(note, &hangs, 0, &count);
            _exit(sent != SPANWIRE_OK ? 3 : hangs == !known ? 0 : 4);
        }
        int status = 0;
        CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
        silent += WEXITSTATUS(status) == 3;
        CHECK(WEXITSTATUS(status) == 0);
    }
    CHECK(calls[0] == known && calls[1] == (known ? 0 : children));
    printf("lookup {\"children\":%d,\"silent\":%d,\"hanging\":%d}\n", children, silent, calls[1]);
    spanwire_tracer_shutdown(tracer, 5000);
    check_closed_books(tracer);
    return verdict();
}
