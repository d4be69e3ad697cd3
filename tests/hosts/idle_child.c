/* idle_child: forks while the agent's answer to /info is late. The child runs nothing of the library before its first
 * span. Prints `child {"idle":THREADS,"busy":THREADS}`, each counted in the child, which then waits for up to 20 seconds
 * until the file argv[1] exists. */
#include "check.h"
#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

static int threads(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/task");
    for (struct dirent *entry; folder && (entry = readdir(folder));) count += entry->d_name[0] != '.';
    if (folder) closedir(folder);
    return count;
}

static void send_one(spanwire_tracer tracer) {
    OK(spanwire_span_finish(spanwire_span_start(tracer, 0, "work")));
    OK(spanwire_tracer_flush(tracer, 30000));
}

int main(int argc, char **argv) {
    spanwire_tracer tracer = tracer_new();
    send_one(tracer);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        /* The first call in the child, which makes its state. Longer than the worker sleeps at most. */
        stats_of(tracer);
        sleep_us(1200000);
        int idle = threads();
        send_one(tracer);
        printf("child {\"idle\":%d,\"busy\":%d}\n", idle, threads());
        for (int i = 0; argc > 1 && i < 2000 && access(argv[1], F_OK) != 0; i++) sleep_us(10000);
        OK(spanwire_tracer_shutdown(tracer, 10000));
        fflush(stdout);
        _exit(failures ? 1 : 0);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    OK(spanwire_tracer_shutdown(tracer, 10000));
    check_closed_books(tracer);
    return verdict();
}
