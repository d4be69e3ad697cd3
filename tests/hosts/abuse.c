/* abuse RANDOM: passes everything that a binding can pass by mistake. Each call returns a status, or makes the
 * correction that the header promises. RANDOM is the number of random handles. Also run under valgrind. */
#include "check.h"
#include <errno.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

static spanwire_tracer tracer;

/* Calls every function that takes a span with an invalid handle. `wanted` is the status of each. */
static void every_call_refuses(spanwire_span span, spanwire_status wanted) {
    char text[64];
    size_t need;
    spanwire_context context = {.size = sizeof context};
    spanwire_tag tag = {"k", 1, "v", 1};
    STATUS(wanted, spanwire_span_set_tag(span, "k", "v"));
    STATUS(wanted, spanwire_span_set_tag_n(span, "k", 1, "v", 1));
    STATUS(wanted, spanwire_span_set_metric(span, "k", 1));
    STATUS(wanted, spanwire_span_set_metric_n(span, "k", 1, 1));
    STATUS(wanted, spanwire_span_set_tags(span, &tag, 1));
    STATUS(wanted, spanwire_span_remove_tag(span, "k"));
    STATUS(wanted, spanwire_span_set_service(span, "s"));
    STATUS(wanted, spanwire_span_set_resource(span, "r"));
    STATUS(wanted, spanwire_span_set_resource_n(span, "r", 1));
    STATUS(wanted, spanwire_span_set_type(span, "t"));
    STATUS(wanted, spanwire_span_set_name(span, "n"));
    STATUS(wanted, spanwire_span_set_error(span, "t", "m", "s"));
    STATUS(wanted, spanwire_span_set_error_flag(span, 1));
    STATUS(wanted, spanwire_span_set_meta_struct(span, "k", "\x80", 1));
    spanwire_attribute attribute = {.key = "k", .key_len = 1};
    spanwire_span_link link = {.size = sizeof link, .trace_id_low = 1, .span_id = 1};
    spanwire_span_event event = {.size = sizeof event, .name = "e", .name_len = 1};
    STATUS(wanted, spanwire_span_set_attributes(span, &attribute, 1));
    STATUS(wanted, spanwire_span_add_link(span, &link));
    STATUS(wanted, spanwire_span_add_event(span, &event));
    STATUS(wanted, spanwire_span_set_priority(span, 1));
    STATUS(wanted, spanwire_span_finish(span));
    STATUS(wanted, spanwire_span_finish_at(span, 1));
    STATUS(wanted, spanwire_span_discard(span));
    STATUS(span ? wanted : SPANWIRE_E_NOT_FOUND, spanwire_span_get_tag(span, "k", text, sizeof text, &need));
    /* The ids of a span that the parent of this process had open can be read, so that the child can continue the
     * trace. */
    spanwire_status of_ids = wanted == SPANWIRE_E_FORKED ? SPANWIRE_OK : SPANWIRE_E_HANDLE;
    STATUS(of_ids, spanwire_span_context(span, &context));
    STATUS(of_ids, spanwire_span_id_text(span, SPANWIRE_ID_SPAN, text, sizeof text, &need));
}

static uint64_t random64(void) {
    static uint64_t state = 88172645463325252u;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

static void wrong_handles(long randoms) {
    every_call_refuses(0, SPANWIRE_OK);
    spanwire_span finished = spanwire_span_start(tracer, 0, "finished");
    OK(spanwire_span_finish(finished));
    every_call_refuses(finished, SPANWIRE_E_HANDLE);
    spanwire_span discarded = spanwire_span_start(tracer, 0, "discarded");
    OK(spanwire_span_discard(discarded));
    every_call_refuses(discarded, SPANWIRE_E_HANDLE);
    every_call_refuses(tracer, SPANWIRE_E_HANDLE);
    every_call_refuses(UINT64_MAX, SPANWIRE_E_HANDLE);
    every_call_refuses(1, SPANWIRE_E_HANDLE);

    spanwire_span open = spanwire_span_start(tracer, 0, "open");
    CHECK(open != 0 && open < (uint64_t)1 << 53 && tracer < (uint64_t)1 << 53);
    const uint64_t no_tracers[] = {0, open, finished, UINT64_MAX, tracer + 1, tracer ^ (uint64_t)1 << 40};
    for (size_t i = 0; i < sizeof no_tracers / sizeof *no_tracers; i++) {
        uint64_t wrong = no_tracers[i];
        spanwire_stats stats = {.size = sizeof stats};
        char text[64];
        size_t need;
        spanwire_span out = 7;
        spanwire_span_options options = {.size = sizeof options, .name = "n", .name_len = 1};
        CHECK(spanwire_span_start(wrong, 0, "n") == 0);
        CHECK(spanwire_span_start_n(wrong, 0, "n", 1) == 0);
        STATUS(SPANWIRE_E_HANDLE, spanwire_span_start_with(wrong, &options, &out));
        CHECK(out == 0);
        STATUS(SPANWIRE_E_HANDLE, spanwire_tracer_start(wrong));
        STATUS(SPANWIRE_E_HANDLE, spanwire_tracer_flush(wrong, 10));
        STATUS(SPANWIRE_E_HANDLE, spanwire_tracer_shutdown(wrong, 10));
        STATUS(SPANWIRE_E_HANDLE, spanwire_tracer_stats(wrong, &stats));
        STATUS(SPANWIRE_E_HANDLE, spanwire_tracer_config_json(wrong, text, sizeof text, &need));
        STATUS(SPANWIRE_E_HANDLE, spanwire_tracer_report_integration(wrong, "a", "1", "ok"));
        STATUS(SPANWIRE_E_HANDLE, spanwire_span_submit(wrong, NULL, 0));
        STATUS(wrong ? SPANWIRE_E_HANDLE : SPANWIRE_OK, spanwire_tracer_free(wrong));
    }
    for (long i = 0; i < randoms; i++) {
        /* Arbitrary values, values below 2^53, and the open span's own handle with one bit changed. */
        uint64_t wrong = i % 3 == 0 ? random64() : i % 3 == 1 ? random64() >> 11 : open ^ (uint64_t)1 << random64() % 64;
        if (wrong == open || wrong == tracer || wrong == 0) continue;
        check_that(spanwire_span_set_tag(wrong, "k", "v") != SPANWIRE_OK, __FILE__, __LINE__, "a random handle is refused", 0, 0);
        check_that(spanwire_span_finish(wrong) != SPANWIRE_OK, __FILE__, __LINE__, "a random handle is refused", 0, 0);
        check_that(spanwire_tracer_free(wrong) != SPANWIRE_OK, __FILE__, __LINE__, "a random handle is refused", 0, 0);
    }
    /* An invalid parent starts a new trace and is counted, so that every request is traced. */
    const uint64_t no_parents[] = {finished, discarded, tracer, UINT64_MAX, random64()};
    for (size_t i = 0; i < sizeof no_parents / sizeof *no_parents; i++) {
        spanwire_span orphan = spanwire_span_start(tracer, no_parents[i], "orphan");
        CHECK(orphan != 0);
        OK(spanwire_span_finish(orphan));
    }
    OK(spanwire_span_finish(open));
}

static void null_pointers(void) {
    spanwire_span span = spanwire_span_start(tracer, 0, NULL); /* a span without a name is started */
    CHECK(span != 0);
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_tracer_new(NULL, 0, NULL, NULL));
    spanwire_tracer out = 7;
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_tracer_new(NULL, 1, &out, NULL));
    CHECK(out == 0);
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_tracer_stats(tracer, NULL));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_start_with(tracer, NULL, &span));
    spanwire_span_options options = {.size = sizeof options, .name = "n", .name_len = 1};
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_start_with(tracer, &options, NULL));
    span = spanwire_span_start(tracer, 0, "span");
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_tag(span, NULL, "v"));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_tag(span, "", "v"));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_tag_n(span, NULL, 1, "v", 1));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_tag_n(span, NULL, SPANWIRE_NUL, "v", 1));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_tag_n(span, "k", 0, "v", 1));
    OK(spanwire_span_set_tag(span, "null", NULL));
    OK(spanwire_span_set_tag_n(span, "null too", SPANWIRE_NUL, NULL, 5));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_metric(span, NULL, 1));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_tags(span, NULL, 3));
    OK(spanwire_span_set_tags(span, NULL, 0));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_remove_tag(span, NULL));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_get_tag(span, NULL, NULL, 0, NULL));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_get_tag(span, "null", NULL, 0, NULL));
    OK(spanwire_span_set_service(span, NULL));
    OK(spanwire_span_set_resource(span, NULL));
    OK(spanwire_span_set_resource_n(span, NULL, 9));
    OK(spanwire_span_set_type(span, NULL));
    OK(spanwire_span_set_name(span, NULL));
    OK(spanwire_span_set_error(span, NULL, NULL, NULL));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_meta_struct(span, NULL, "\x80", 1));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_meta_struct(span, "k", NULL, 1));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_attributes(span, NULL, 1));
    OK(spanwire_span_set_attributes(span, NULL, 0));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_add_link(span, NULL));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_add_event(span, NULL));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_context(span, NULL));
    spanwire_context small = {.size = 0};
    STATUS(SPANWIRE_E_VERSION, spanwire_span_context(span, &small));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_id_text(span, SPANWIRE_ID_SPAN, NULL, 0, NULL));
    size_t need = 0;
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_id_text(span, 99, NULL, 0, &need));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_submit(tracer, NULL, 3));
    OK(spanwire_span_submit(tracer, NULL, 0));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_submit_packed(tracer, NULL, 3));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_submit_packed(tracer, "\xff\xff\xff\xff garbage", 12));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_poll(NULL, NULL, 9, NULL));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_drain(NULL, 0, NULL));
    OK(spanwire_log_write(SPANWIRE_LEVEL_INFO, NULL, NULL));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_write(-77, "target", "text"));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_write(SPANWIRE_LEVEL_OFF, "target", "text"));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_event(NULL, NULL, 0));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_event("kind", NULL, 5));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_set_level(1000));
    spanwire_sink sink = 7;
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_add_sink_any_thread(SPANWIRE_LEVEL_INFO, NULL, NULL, NULL, NULL));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_add_sink_any_thread(SPANWIRE_LEVEL_INFO, NULL, NULL, NULL, &sink));
    CHECK(sink == 0);
    OK(spanwire_log_remove_sink(0));
    STATUS(SPANWIRE_E_NOT_FOUND, spanwire_log_remove_sink(12345));
    STATUS(SPANWIRE_E_NOT_FOUND, spanwire_log_remove_sink(span));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_tracer_report_integration(tracer, NULL, NULL, NULL));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_tracer_config_json(tracer, NULL, 0, NULL));
    OK(spanwire_tracer_config_json(tracer, NULL, 0, &need));
    CHECK(need > 1);
    spanwire_process_after_fork_child(); /* not a forked child: no effect */
    CHECK(spanwire_status_text(SPANWIRE_E_HANDLE) != NULL && spanwire_status_text(-12345) != NULL);
    OK(spanwire_log_set_level(SPANWIRE_LEVEL_INFO));
    OK(spanwire_span_finish(span));
}

/* If nothing is found, outputs stay unchanged. A call without any output is refused. */
static void outputs_of_what_is_not_there(void) {
    spanwire_span span = spanwire_span_start(tracer, 0, "outputs"), finished = spanwire_span_start(tracer, 0, "gone");
    OK(spanwire_span_set_tag(span, "there", "v"));
    OK(spanwire_span_finish(finished));
    const spanwire_span spans[] = {span, 0, finished};
    const spanwire_status wanted[] = {SPANWIRE_E_NOT_FOUND, SPANWIRE_E_NOT_FOUND, SPANWIRE_E_HANDLE};
    for (int i = 0; i < 3; i++) {
        char text[8] = "before";
        size_t need = 77;
        STATUS(wanted[i], spanwire_span_get_tag(spans[i], "missing", text, sizeof text, &need));
        STATUS(wanted[i], spanwire_span_get_tag(spans[i], "missing", text, sizeof text, NULL));
        STATUS(wanted[i], spanwire_span_get_tag(spans[i], "missing", text, 0, NULL));
        STATUS(wanted[i], spanwire_span_get_tag(spans[i], "missing", NULL, 0, &need));
        STATUS(wanted[i], spanwire_span_get_tag(spans[i], "missing", NULL, 99, &need));
        CHECK(!strcmp(text, "before") && need == 77);
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_get_tag(spans[i], "missing", NULL, 0, NULL));
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_get_tag(spans[i], "there", NULL, 99, NULL));
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_id_text(spans[i], SPANWIRE_ID_SPAN, NULL, 99, NULL));
    }
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_tracer_config_json(tracer + 1, NULL, 99, NULL));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_drain(NULL, 99, NULL));
    char text[8] = "before";
    size_t need = 77;
    spanwire_log_record record = {.size = sizeof record};
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_take(NULL, text, sizeof text, &need));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_take(&record, NULL, 8, &need));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_take(NULL, NULL, 0, NULL));
    CHECK(!strcmp(text, "before") && need == 77);
    OK(spanwire_span_discard(span));
}

/* Impossible lengths. The library must not read through them. */
static void odd_lengths(void) {
    const size_t odd[] = {SIZE_MAX - 1, SIZE_MAX / 2 + 1};
    const char k = 'k'; /* one byte without a NUL after it */
    spanwire_span span = spanwire_span_start(tracer, 0, "lengths");
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        size_t n = odd[i];
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_tag_n(span, &k, n, "v", 1));
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_tag_n(span, &k, 1, &k, n));
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_metric_n(span, &k, n, 1));
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_resource_n(span, &k, n));
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_error_n(span, &k, n, NULL, 0, NULL, 0));
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_error_n(span, NULL, 0, NULL, 0, &k, n));
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_write_n(SPANWIRE_LEVEL_DEBUG, &k, n, &k, 1));
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_write_n(SPANWIRE_LEVEL_DEBUG, &k, 1, &k, n));
        spanwire_span nameless = spanwire_span_start_n(tracer, span, &k, n);
        CHECK(nameless != 0); /* an invalid name counts as none */
        OK(spanwire_span_discard(nameless));
        spanwire_tag tag = {&k, n, "v", 1}, value = {"v", 1, &k, n};
        spanwire_metric metric = {&k, n, 1};
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_tags(span, &tag, 1));
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_tags(span, &value, 1));
        spanwire_span_options options = {.size = sizeof options, .name = &k, .name_len = n};
        spanwire_span out = 7;
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_start_with(tracer, &options, &out));
        CHECK(out == 0);
        options.name_len = 1, options.tags = &tag, options.tags_count = 1, options.metrics = &metric, options.metrics_count = 1;
        OK(spanwire_span_start_with(tracer, &options, &out)); /* without that tag and that number */
        OK(spanwire_span_discard(out));
        spanwire_record record = {.size = sizeof record, .trace_id_low = 1, .span_id = 1, .name = &k, .name_len = n};
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_submit(tracer, &record, 1));
    }
    const size_t counts[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 + 1, SIZE_MAX / sizeof(spanwire_tag)};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        spanwire_tag tag = {"k", 1, "v", 1};
        spanwire_metric metric = {"k", 1, 1};
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_tags(span, &tag, counts[i]));
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_log_event("kind", &tag, counts[i]));
        spanwire_span_options options = {.size = sizeof options, .name = "n", .name_len = 1, .tags = &tag, .tags_count = counts[i]};
        spanwire_span out = 7;
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_start_with(tracer, &options, &out));
        CHECK(out == 0);
        spanwire_record record = {.size = sizeof record, .trace_id_low = 1, .span_id = 1, .name = &k, .name_len = 1,
                                  .metrics = &metric, .metrics_count = counts[i]};
        STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_submit(tracer, &record, 1));
    }
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_submit_packed(tracer, &k, SIZE_MAX));
    STATUS(SPANWIRE_E_LIMIT, spanwire_span_set_meta_struct(span, "k", &k, SIZE_MAX));
    STATUS(SPANWIRE_E_LIMIT, spanwire_span_set_meta_struct(span, "k", &k, SPANWIRE_META_STRUCT_MAX + 1));
    OK(spanwire_span_set_tag(span, "k", "some text"));
    char text[16] = "untouched";
    size_t need = 0;
    STATUS(SPANWIRE_E_LIMIT, spanwire_span_get_tag(span, "k", text, 0, &need));
    CHECK(need == 10 && !strcmp(text, "untouched"));
    STATUS(SPANWIRE_E_LIMIT, spanwire_span_get_tag(span, "k", text, 9, &need));
    CHECK(need == 10 && !strcmp(text, ""));
    OK(spanwire_span_get_tag(span, "k", text, SIZE_MAX, &need));
    CHECK(need == 10 && !strcmp(text, "some text"));
    OK(spanwire_span_finish(span));
}

static void odd_texts(void) {
    spanwire_span span = spanwire_span_start(tracer, 0, "texts");
    OK(spanwire_span_set_tag(span, "latin1", "caf\xe9"));
    OK(spanwire_span_set_tag(span, "key\xff", "odd key"));
    OK(spanwire_span_set_tag_n(span, "nul", 3, "a\0b", 3));
    OK(spanwire_span_set_tag_n(span, "empty", 5, "", 0));
    OK(spanwire_span_set_tag_n(span, "empty too", 9, "never read", 0));
    OK(spanwire_span_set_tag_n(span, "measured", SPANWIRE_NUL, "yes", SIZE_MAX));
    OK(spanwire_span_set_resource_n(span, "surrogate \xed\xa0\x80", SPANWIRE_NUL));
    OK(spanwire_span_set_error(span, "\xc3", "\xf0\x9f\x98", "\xfe\xff"));
    size_t large = 10 * 1024 * 1024;
    char *text = malloc(large + 1);
    CHECK(text != NULL);
    memset(text, 'a', large);
    text[large] = 0;
    OK(spanwire_span_set_tag(span, "10 MiB", text));
    OK(spanwire_span_set_tag_n(span, "10 MiB too", SPANWIRE_NUL, text, large));
    for (size_t i = 0; i + 3 <= large; i += 3) memcpy(text + i, "\xe2\x82\xac", 3);
    text[large - large % 3] = 0;
    OK(spanwire_span_set_tag(span, "euros", text)); /* cut between characters */
    OK(spanwire_span_set_tag(span, text, "a key of 10 MiB"));
    OK(spanwire_span_set_resource(span, text));
    OK(spanwire_span_set_name(span, text));
    OK(spanwire_span_set_service(span, text));
    OK(spanwire_span_set_error(span, text, text, text));
    free(text);
    OK(spanwire_span_set_name(span, "texts"));
    OK(spanwire_span_finish(span));
}

static void odd_numbers(void) {
    spanwire_span span = spanwire_span_start(tracer, 0, "numbers");
    const double odd[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 5e-324, 1.7976931348623157e308, 9007199254740993.0};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        char key[] = {'n', (char)('0' + i), 0};
        spanwire_status status = spanwire_span_set_metric(span, key, odd[i]);
        CHECK(status == (i > 2 ? SPANWIRE_OK : SPANWIRE_E_ARGUMENT));
    }
    const int64_t ends[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        spanwire_span_options options = {.size = sizeof options, .name = "times", .name_len = 5, .parent = span, .start_ns = ends[i]};
        for (size_t j = 0; j < sizeof ends / sizeof *ends; j++) {
            spanwire_span timed = 0;
            spanwire_status status = spanwire_span_start_with(tracer, &options, &timed);
            CHECK(status == SPANWIRE_OK || timed == 0);
            if (timed && spanwire_span_finish_at(timed, ends[j]) != SPANWIRE_OK) OK(spanwire_span_finish(timed));
        }
    }
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_priority(span, INT32_MIN));
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_set_priority(span, 3));
    OK(spanwire_span_set_priority(span, 2));
    OK(spanwire_span_set_error_flag(span, INT32_MIN));
    OK(spanwire_span_finish(span));
}

static void too_many(void) {
    spanwire_span span = spanwire_span_start(tracer, 0, "tags");
    int kept = 0, refused = 0;
    for (int i = 0; i < 10000; i++) {
        char key[32];
        snprintf(key, sizeof key, "key %d", i);
        spanwire_status status = spanwire_span_set_tag(span, key, "v");
        kept += status == SPANWIRE_OK;
        refused += status == SPANWIRE_E_LIMIT;
    }
    CHECK(kept == 1024 && refused == 10000 - 1024);
    OK(spanwire_span_set_tag(span, "key 5", "a known key can still change"));
    char *many = calloc(5000, 40);
    spanwire_tag *tags = calloc(5000, sizeof *tags);
    for (int i = 0; i < 5000; i++) {
        snprintf(many + i * 40, 40, "more %d", i);
        tags[i] = (spanwire_tag){many + i * 40, SPANWIRE_NUL, "v", 1};
    }
    CHECK(spanwire_span_set_tags(span, tags, 5000) == SPANWIRE_E_LIMIT);
    spanwire_span_options options = {.size = sizeof options, .name = "tags at once", .name_len = SPANWIRE_NUL, .tags = tags, .tags_count = 5000};
    spanwire_span at_once = 0;
    spanwire_span_start_with(tracer, &options, &at_once);
    CHECK(at_once != 0);
    OK(spanwire_span_finish(at_once));
    OK(spanwire_span_finish(span));
    free(tags);
    free(many);
    for (int i = 0; i < 200; i++) { /* above the limit of tracers: a status, and the first ones keep working */
        char name[32];
        snprintf(name, sizeof name, "service %d", i);
        spanwire_setting settings[] = {{"DD_SERVICE", name}, {"DD_TRACE_AGENT_URL", "http://127.0.0.1:1"}};
        spanwire_tracer one = 7;
        spanwire_status status = spanwire_tracer_new(settings, 2, &one, NULL);
        CHECK(status == SPANWIRE_OK || (status == SPANWIRE_E_LIMIT && one == 0));
        if (i > 100) CHECK(status == SPANWIRE_E_LIMIT);
    }
    spanwire_setting odd[] = {{NULL, "x"}, {"DD_SERVICE", NULL}, {"", ""}, {"NO_SUCH", "\xff"}, {"DD_TRACE_DEBUG", "perhaps"}};
    spanwire_tracer one = 0;
    spanwire_error error = {.size = sizeof error};
    spanwire_tracer_new(odd, 5, &one, &error);
}

static void sizes_of_structs(void) {
    spanwire_span out = 0;
    spanwire_span_options options = {.size = 0, .name = "n", .name_len = 1};
    STATUS(SPANWIRE_E_VERSION, spanwire_span_start_with(tracer, &options, &out));
    options.size = SIZE_MAX;
    STATUS(SPANWIRE_E_VERSION, spanwire_span_start_with(tracer, &options, &out));
    CHECK(out == 0);
    struct {
        spanwire_span_options known;
        uint64_t later;
    } newer = {{.size = sizeof newer, .name = "n", .name_len = 1}, 0};
    OK(spanwire_span_start_with(tracer, &newer.known, &out)); /* an unknown field that is zero */
    OK(spanwire_span_discard(out));
    newer.later = 1;
    STATUS(SPANWIRE_E_VERSION, spanwire_span_start_with(tracer, &newer.known, &out));
    spanwire_stats stats = {.size = 0};
    STATUS(SPANWIRE_E_VERSION, spanwire_tracer_stats(tracer, &stats));
    stats.size = 24; /* a host with an older, smaller struct gets the fields that it knows */
    stats.spans_open = 77;
    OK(spanwire_tracer_stats(tracer, &stats));
    CHECK(stats.spans_started > 0 && stats.spans_open == 77);
    spanwire_record record = {.size = 0};
    STATUS(SPANWIRE_E_VERSION, spanwire_span_submit(tracer, &record, 1));
    spanwire_context no_ids = {.size = sizeof no_ids};
    options = (spanwire_span_options){.size = sizeof options, .name = "n", .name_len = 1, .parent_context = &no_ids};
    STATUS(SPANWIRE_E_ARGUMENT, spanwire_span_start_with(tracer, &options, &out));
}

__attribute__((unused)) static void a_child_of_a_fork(void) {
    spanwire_span mine = spanwire_span_start(tracer, 0, "mine");
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        failures = 0;
        every_call_refuses(mine, SPANWIRE_E_FORKED);
        _exit(verdict());
    }
    int status = 0;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    OK(spanwire_span_finish(mine));
}

/* The corrections, cuts and drops above were counted. */
static void counts(void) {
    spanwire_stats stats = stats_of(tracer);
    CHECK(stats.texts_repaired >= 6);
    CHECK(stats.texts_cut >= 9);
    CHECK(stats.tags_dropped >= (10000 - 1024) + 5000 + (5000 - 1024));
    CHECK(stats.parents_unknown == 5);
    CHECK(stats.dropped_invalid >= 7);
}

int main(int argc, char **argv) {
    errno = 77;
    CHECK(spanwire_tracer_flush(7, 1) == SPANWIRE_E_HANDLE); /* before the first tracer */
    CHECK(spanwire_span_finish(7) == SPANWIRE_E_HANDLE);
    tracer = tracer_new();
    wrong_handles(number(argc, argv, 1, 1000000));
    null_pointers();
    outputs_of_what_is_not_there();
    odd_lengths();
    odd_texts();
    odd_numbers();
    too_many();
    sizes_of_structs();
    counts();
    CHECK(errno == 77); /* no call of the library has changed it */
#ifndef __SANITIZE_ADDRESS__ /* malloc of GCC 12's libasan can hang in a forked child */
    a_child_of_a_fork();
#endif
    OK(spanwire_tracer_shutdown(tracer, 10000));
    OK(spanwire_tracer_shutdown(tracer, 10000));
    CHECK(spanwire_span_start(tracer, 0, "after the end") == 0);
    check_closed_books(tracer);
    OK(spanwire_tracer_free(tracer));
    STATUS(SPANWIRE_E_HANDLE, spanwire_tracer_free(tracer));
    STATUS(SPANWIRE_E_HANDLE, spanwire_tracer_flush(tracer, 1));
    every_call_refuses(tracer, SPANWIRE_E_HANDLE);
    return verdict();
}
