/* Reads contexts out of headers, starts a span with each, and writes the headers of a child. Takes commands on standard
 * input, a word and its texts on each line, percent-encoded; prints what it got in the same form.
 *
 *   tracer NAME VALUE …   a tracer with these settings serves the following rows
 *   header NAME VALUE     a header of the next row
 *   baggage KEY TEXT      an item that the child's baggage gets
 *   row NAME              runs the row; its span has this name */
#include "check.h"

#define HEADERS 256

static char *texts[2 * HEADERS + 2];

static void print_text(const char *text, size_t length) {
    putchar(' ');
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'))
            putchar(byte);
        else
            printf("%%%02x", byte);
    }
}

static char *decoded(char *text) {
    char *to = text;
    for (const char *from = text; *from; from++) {
        unsigned byte;
        if (*from == '%' && sscanf(from + 1, "%2x", &byte) == 1) {
            *to++ = (char)byte;
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = 0;
    return text;
}

/* Splits a line at its blanks, and returns the number of words. */
static int split(char *line, char **words, int max) {
    int count = 0;
    for (char *word = line; word && count < max; count++) {
        char *next = strpbrk(word, " \n");
        if (next) *next++ = 0;
        words[count] = word;
        word = next && *next ? next : NULL;
    }
    for (int i = 0; i < count; i++) decoded(words[i]);
    return count;
}

static void print_header(const spanwire_header *header, void *count) {
    ++*(int *)count;
    printf("header");
    print_text(header->name, header->name_len);
    print_text(header->value, header->value_len);
    putchar('\n');
    CHECK(header->name[header->name_len] == 0 && header->value[header->value_len] == 0);
    CHECK(!memchr(header->value, '\n', header->value_len) && !memchr(header->value, '\r', header->value_len));
}

static void print_item(const spanwire_tag *item, void *unused) {
    (void)unused;
    printf("item");
    print_text(item->key, item->key_len);
    print_text(item->value, item->value_len);
    putchar('\n');
}

/* The lines of spanwire_span_inject_text() are the headers that the callback gets. */
static void check_text(spanwire_span span, int headers) {
    static char text[65536];
    size_t need = 0, asked = 0;
    OK(spanwire_span_inject_text(span, text, sizeof text, &need));
    OK(spanwire_span_inject_text(span, NULL, 0, &asked));
    CHECK(need == strlen(text) + 1 && asked == need);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) headers--;
    CHECK(headers == 0);
    if (need > 1) {
        STATUS(SPANWIRE_E_LIMIT, spanwire_span_inject_text(span, text, need - 1, &asked));
        CHECK(asked == need && text[0] == 0);
    }
}

static void run_row(spanwire_tracer tracer, const char *name, spanwire_header *headers, size_t count, char **items,
                    int items_count) {
    spanwire_context_handle context = 7;
    OK(spanwire_context_extract(tracer, headers, count, &context));
    printf("row");
    print_text(name, strlen(name));
    printf("\nhandle %d\n", context != 0);
    spanwire_context ids = {.size = sizeof ids};
    if (context && spanwire_context_get(context, &ids) == SPANWIRE_OK) {
        printf("context %016" PRIx64 "%016" PRIx64 " %016" PRIx64 " ", ids.trace_id_high, ids.trace_id_low, ids.span_id);
        printf(ids.flags & SPANWIRE_CONTEXT_HAS_PRIORITY ? "%d\n" : "none\n", (int)ids.sampling_priority);
    }
    OK(spanwire_context_each_baggage(context, print_item, NULL));

    spanwire_span_options options = {.size = sizeof options};
    options.context_handle = context;
    options.name = name;
    options.name_len = SPANWIRE_NUL;
    spanwire_span root = 0;
    OK(spanwire_span_start_with(tracer, &options, &root));
    OK(spanwire_context_free(context));
    spanwire_span child = spanwire_span_start(tracer, root, "child");
    for (int i = 0; i + 1 < items_count; i += 2) OK(spanwire_span_set_baggage(child, items[i], items[i + 1]));
    spanwire_context own = {.size = sizeof own};
    OK(spanwire_span_context(child, &own));
    printf("child %016" PRIx64 "%016" PRIx64 " %016" PRIx64 "\n", own.trace_id_high, own.trace_id_low, own.span_id);
    int injected = 0;
    OK(spanwire_span_inject(child, print_header, &injected));
    check_text(child, injected);
    OK(spanwire_span_finish(child));
    OK(spanwire_span_finish(root));
}

int main(void) {
    static char line[1 << 16];
    static char *lines[4 * HEADERS];
    spanwire_header headers[HEADERS];
    char *items[2 * HEADERS];
    spanwire_tracer tracer = 0, tracers[64];
    size_t count = 0, held = 0;
    int items_count = 0, made = 0;
    while (fgets(line, sizeof line, stdin)) {
        char *copy = strdup(line);
        CHECK(held < 4 * HEADERS);
        lines[held++] = copy;
        int words = split(copy, texts, 2 * HEADERS + 2);
        if (!strcmp(texts[0], "tracer")) {
            spanwire_setting settings[HEADERS];
            for (int i = 1; i + 1 < words; i += 2) settings[i / 2] = (spanwire_setting){texts[i], texts[i + 1]};
            OK(spanwire_tracer_new(settings, (size_t)(words - 1) / 2, &tracer, NULL));
            tracers[made++] = tracer;
        } else if (!strcmp(texts[0], "header")) {
            CHECK(count < HEADERS);
            headers[count++] = (spanwire_header){texts[1], strlen(texts[1]), words > 2 ? texts[2] : "", SPANWIRE_NUL};
        } else if (!strcmp(texts[0], "baggage")) {
            items[items_count++] = texts[1];
            items[items_count++] = words > 2 ? texts[2] : (char *)"";
        } else {
            run_row(tracer, texts[1], headers, count, items, items_count);
            while (held) free(lines[--held]);
            count = 0;
            items_count = 0;
        }
    }
    fflush(stdout);
    for (int i = 0; i < made; i++) OK(spanwire_tracer_shutdown(tracers[i], 20000));
    return verdict();
}
