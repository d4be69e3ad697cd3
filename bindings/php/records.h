/* Log records that were copied out of the library, and the names of their levels. */
#ifndef SPANWIRE_PHP_RECORDS_H
#define SPANWIRE_PHP_RECORDS_H

#include <string.h>

#include "library.h"

typedef struct sw_record {
    struct sw_record *next;
    uint64_t time_ns, lost;
    int32_t level;
    /* For the error log even where a file is set, and not in the file. */
    bool host_only;
    size_t target_len, text_len;
    /* Where in the text the message begins: before it comes what PHP's log and loggers add themselves. */
    size_t message_at;
    /* Target and text, each with a NUL. */
    char bytes[];
} sw_record;

typedef struct {
    sw_record *first, **end;
    size_t count;
    /* Records there was no memory for. */
    uint64_t lost;
} sw_batch;

static inline const char *sw_record_target(const sw_record *taken) { return taken->bytes; }
static inline const char *sw_record_text(const sw_record *taken) { return taken->bytes + taken->target_len + 1; }
static inline const char *sw_record_message(const sw_record *taken) { return sw_record_text(taken) + taken->message_at; }
static inline size_t sw_record_message_len(const sw_record *taken) { return taken->text_len - taken->message_at; }

/* Takes what waits in the library, `max` records at most (0: all), and appends it. */
void sw_batch_take(sw_batch *to, size_t max);
/* Removes the first record; the caller frees it. */
sw_record *sw_batch_first(sw_batch *from);
void sw_batch_free(sw_batch *of);

/* The number of a level's name; -1 for none of them. */
int32_t sw_level_of(const char *name);
/* PSR-3's name of a level. */
const char *sw_level_name(int32_t level);

#endif
