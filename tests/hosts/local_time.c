/* local_time CHILDREN: two threads of the parent call localtime() all the time, like those of a logging server, while
 * it forks. Each child makes its first tracer, in a dialect whose lines have the local time, and logs. No child may
 * hang on the lock that was held at the fork. */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int stop;

static void *busy(void *unused) {
    while (!stop) {
        time_t now = time(NULL);
        struct tm local;
        localtime_r(&now, &local);
    }
    return unused;
}

static int child(void) {
    alarm(10); /* ends a child that hangs */
    spanwire_tracer tracer = tracer_new();
    OK(spanwire_log_write(SPANWIRE_LEVEL_WARN, "child", "what time is it"));
    char line[4096];
    OK(spanwire_log_drain(line, sizeof line, NULL));
    CHECK(strstr(line, "what time is it"));
    OK(spanwire_tracer_shutdown(tracer, 1000));
    return verdict();
}

int main(int argc, char **argv) {
    long children = number(argc, argv, 1, 100), hung = 0;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, busy, NULL);
    for (long n = 0; n < children && hung < 3; n++) {
        pid_t pid = fork();
        if (pid == 0) _exit(child());
        int status = 0;
        CHECK(waitpid(pid, &status, 0) == pid);
        hung += WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    stop = 1;
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    printf("local_time {\"hung\":%ld}\n", hung);
    return verdict();
}
