/* environment: another thread changes the environment while tracers are made. Variables that it does not change are
 * always read, and nothing crashes. Prints `environment {…}`. */
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_int stop, clearing;
static void *change(void *unused) {
    (void)unused;
    for (unsigned i = 0; !atomic_load(&stop); i++) {
        char name[32], value[600];
        snprintf(name, sizeof name, "HOSTVAR_%u", i % 400);
        memset(value, 'x', sizeof value);
        value[i * 37 % 599] = 0;
        value[599] = 0;
        setenv(name, value, 1);
        if (i % 3 == 0) unsetenv(name);
        if (i % 1000 == 0 && atomic_load(&clearing)) {
            clearenv();
            setenv("DD_ENV", "afterwards", 1);
        }
    }
    return NULL;
}

/* Makes tracers for this time. Returns how many did not see DD_ENV. */
static long missed, made;
static void make_tracers(int64_t ns) {
    int64_t end = monotonic_ns() + ns;
    for (long i = 0; monotonic_ns() < end; i++, made++) {
        char service[32], json[8192];
        size_t need;
        spanwire_tracer tracer = 0;
        snprintf(service, sizeof service, "shop-%ld", i);
        spanwire_setting settings[] = {{"DD_SERVICE", service}};
        OK(spanwire_tracer_new(settings, 1, &tracer, NULL));
        OK(spanwire_tracer_config_json(tracer, json, sizeof json, &need));
        missed += !strstr(json, "\"env\":\"staging\"");
        OK(spanwire_tracer_free(tracer));
    }
}

int main(void) {
    pthread_t thread;
    /* DD_ENV comes after variables that the other thread removes and adds, so that it moves in the array each time. */
    for (int i = 0; i < 400; i += 2) {
        char name[32];
        snprintf(name, sizeof name, "HOSTVAR_%d", i);
        setenv(name, "x", 1);
    }
    setenv("DD_ENV", "staging", 1);
    pthread_create(&thread, NULL, change, NULL);
    make_tracers(1000000000);
    CHECK(missed == 0 && made > 5);
    long before = made;
    atomic_store(&clearing, 1);
    make_tracers(2000000000);
    CHECK(made > before + 5);
    atomic_store(&stop, 1);
    pthread_join(thread, NULL);
    printf("environment {\"made\":%ld,\"missed\":%ld}\n", made, missed);
    return verdict();
}
