/* Submits payloads of the format v0.4: a good one, the same cut at every byte, and wrong ones, whole and cut.
 * Arguments: the number of spans in the good payload, its file, the files of the wrong ones. */
#include "check.h"

static spanwire_tracer tracer;

struct payload {
    char *bytes;
    size_t length;
};

static struct payload read_file(const char *name) {
    struct payload payload = {malloc(1 << 20), 0};
    FILE *file = fopen(name, "rb");
    if (!file || !payload.bytes) exit(2);
    payload.length = fread(payload.bytes, 1, 1 << 20, file);
    fclose(file);
    return payload;
}

/* Submits a copy that ends where its memory ends, so that AddressSanitizer sees reads beyond it. */
static spanwire_status submit(const char *bytes, size_t length) {
    char *copy = malloc(length ? length : 1);
    if (!copy) exit(2);
    memcpy(copy, bytes, length);
    spanwire_status status = spanwire_trace_submit_v04(tracer, copy, length);
    memset(copy, 0, length); /* the library must have copied everything */
    free(copy);
    return status;
}

/* A refused payload is counted as invalid, and nothing of it is taken. */
static void refused(const char *bytes, size_t length, uint64_t most) {
    spanwire_stats before = stats_of(tracer);
    STATUS(SPANWIRE_E_ARGUMENT, submit(bytes, length));
    spanwire_stats after = stats_of(tracer);
    uint64_t invalid = after.dropped_invalid - before.dropped_invalid;
    CHECK(invalid >= 1 && invalid <= most);
    CHECK(after.spans_started - before.spans_started == invalid);
    CHECK(after.spans_finished - before.spans_finished == invalid);
    CHECK(after.spans_dropped - before.spans_dropped == invalid);
    CHECK(after.tags_dropped == before.tags_dropped);
}

int main(int argc, char **argv) {
    tracer = tracer_new();
    uint64_t spans = (uint64_t)number(argc, argv, 1, 0);
    struct payload good = read_file(argv[2]);
    for (size_t end = 0; end < good.length; end++) refused(good.bytes, end, spans);
    struct payload longer = {malloc(good.length + 1), good.length + 1};
    if (!longer.bytes) return 2;
    memcpy(longer.bytes, good.bytes, good.length);
    longer.bytes[good.length] = '\xc0';
    refused(longer.bytes, longer.length, spans);
    free(longer.bytes);
    for (int i = 3; i < argc; i++) {
        struct payload wrong = read_file(argv[i]);
        int before = failures;
        for (size_t end = 0; end <= wrong.length; end++) refused(wrong.bytes, end, 2);
        if (failures != before) fprintf(stderr, "in %s\n", argv[i]);
        free(wrong.bytes);
    }

    spanwire_stats before = stats_of(tracer);
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_trace_submit_v04(tracer, NULL, 3));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_trace_submit_v04(tracer, good.bytes, SIZE_MAX));
    STATUS(SPANWIRE_E_HANDLE, spanwire_trace_submit_v04(0, good.bytes, good.length));
    OK(submit("\x90", 1));
    OK(submit("\x91\x90", 2));
    CHECK(stats_of(tracer).spans_started == before.spans_started);

    OK(submit(good.bytes, good.length));
    spanwire_stats after = stats_of(tracer);
    CHECK(after.spans_started - before.spans_started == spans);
    CHECK(after.spans_finished - before.spans_finished == spans);
    CHECK(after.spans_dropped == before.spans_dropped);
    /* An unknown field, a tag without a key, a number that is not finite, a blob that is no map, two attributes. */
    CHECK(after.tags_dropped - before.tags_dropped == 6);
    CHECK(after.texts_repaired - before.texts_repaired == 1);
    check_books(tracer);

    OK(spanwire_tracer_shutdown(tracer, 10000));
    STATUS(SPANWIRE_E_CLOSED, spanwire_trace_submit_v04(tracer, good.bytes, good.length));
    after = check_closed_books(tracer);
    CHECK(after.spans_sent == spans);
    free(good.bytes);
    return verdict();
}
