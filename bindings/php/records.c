/* Copies log records out of the library. Knows nothing of PHP. */
#include "records.h"

#include <stdlib.h>
#include <strings.h>

/* Runs inside the library: plain malloc, since PHP's may leave by longjmp. */
static void take(const spanwire_log_record *from, void *userdata) {
    sw_batch *to = userdata;
    size_t target_len = strlen(from->target);
    sw_record *taken = malloc(sizeof *taken + target_len + from->text_len + 2);
    if (!taken) {
        to->lost += 1 + from->lost;
        return;
    }
    *taken = (sw_record){
        .time_ns = from->time_ns,
        .lost = from->lost + to->lost,
        .level = from->level,
        .host_only = (from->flags & SPANWIRE_LOG_HOST_ONLY) != 0,
        .target_len = target_len,
        .text_len = from->text_len,
        .message_at = (size_t)(from->message - from->text),
    };
    to->lost = 0;
    memcpy(taken->bytes, from->target, target_len + 1);
    memcpy(taken->bytes + target_len + 1, from->text, from->text_len);
    taken->bytes[target_len + 1 + from->text_len] = '\0';
    *to->end = taken;
    to->end = &taken->next;
    to->count++;
}

void sw_batch_take(sw_batch *to, size_t max) {
    if (!to->first) to->end = &to->first;
    if (sw.loaded) sw.log_poll(take, to, max, NULL);
}

sw_record *sw_batch_first(sw_batch *from) {
    sw_record *taken = from->first;
    from->first = taken->next;
    if (!from->first) from->end = &from->first;
    from->count--;
    return taken;
}

void sw_batch_free(sw_batch *of) {
    while (of->first) {
        sw_record *next = of->first->next;
        free(of->first);
        of->first = next;
    }
    of->count = 0;
}

static const struct {
    const char *name;
    int32_t level;
} levels[] = {
    /* PSR-3's names; the first of a level is the one that records are given. */
    {"error", SPANWIRE_LEVEL_ERROR}, {"emergency", SPANWIRE_LEVEL_ERROR}, {"alert", SPANWIRE_LEVEL_ERROR},
    {"critical", SPANWIRE_LEVEL_ERROR}, {"warning", SPANWIRE_LEVEL_WARN}, {"warn", SPANWIRE_LEVEL_WARN},
    {"info", SPANWIRE_LEVEL_INFO}, {"notice", SPANWIRE_LEVEL_INFO}, {"debug", SPANWIRE_LEVEL_DEBUG},
    {"trace", SPANWIRE_LEVEL_TRACE}, {"off", SPANWIRE_LEVEL_OFF},
};

int32_t sw_level_of(const char *name) {
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcasecmp(levels[i].name, name) == 0) return levels[i].level;
    return -1;
}

const char *sw_level_name(int32_t level) {
    if (level == SPANWIRE_LEVEL_TRACE) return "debug"; /* PSR-3 has no lower one */
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (levels[i].level == level) return levels[i].name;
    return "debug";
}
