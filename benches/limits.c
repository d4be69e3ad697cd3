/* What the steps that a span cannot do without cost on this machine: nanoseconds, each the least of nine runs. benches/limits
 * compiles and runs this. */
#include <pthread.h>
#include <spanwire.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t word;
static uint64_t plain, seen;
static char from[512], to[1 << 16];
static size_t at;
static struct timespec now;

static double cpu_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Nothing around the step is kept in registers, and none of it is left out. */
#define ROW(name, step) \
    do { \
        double least = 1e9; \
        for (int run = 0; run < 9; run++) { \
            double begin = cpu_ns(); \
            for (int i = 0; i < 200000; i++) { \
                step; \
                __asm__ volatile("" ::: "memory"); \
            } \
            double each = (cpu_ns() - begin) / 200000; \
            if (each < least) least = each; \
        } \
        printf("%s %.1f\n", name, least > empty ? least - empty : 0); \
        if (empty < 0) empty = least; \
    } while (0)

static void append(size_t bytes) {
    if (at + bytes > sizeof to) at = 0;
    memcpy(to + at, from, bytes);
    at += bytes;
}

/* As a check of UTF-8 does it for text that is ASCII. */
static int is_ascii(const char *text, size_t bytes) {
    uint64_t all = 0, part;
    for (size_t i = 0; i + 8 <= bytes; i += 8) memcpy(&part, text + i, 8), all |= part;
    return !(all & 0x8080808080808080u);
}

int main(void) {
    double empty = -1;
    memset(from, 'v', sizeof from);
    ROW("loop", );
    ROW("call-into-the-library", seen += (uintptr_t)spanwire_version());
    ROW("clock_gettime", clock_gettime(CLOCK_REALTIME, &now));
#ifdef __x86_64__
    ROW("processor's-counter", seen += __rdtsc());
#endif
    ROW("compare-and-swap", plain = 0; atomic_compare_exchange_strong(&word, &plain, 0));
    ROW("uncontended-mutex", pthread_mutex_lock(&mutex); pthread_mutex_unlock(&mutex));
    ROW("malloc-and-free", void *volatile block = malloc(300); free(block));
    ROW("ASCII-check-of-40-bytes", seen += (uint64_t)is_ascii(from, 40));
    ROW("append-10-bytes", append(10));
    ROW("append-40-bytes", append(40));
    ROW("append-300-bytes", append(300));
    return seen == 1;
}
