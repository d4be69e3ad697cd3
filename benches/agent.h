/* A small Agent for the drivers in this folder: it reads payloads and answers 200. */
#ifndef SPANWIRE_BENCHES_AGENT_H
#define SPANWIRE_BENCHES_AGENT_H
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Requests that had a body, and the bytes of these bodies. */
static atomic_ulong agent_payloads, agent_bytes;
/* Requests without a body, and what they are answered. */
static atomic_ulong agent_infos;
static const char *agent_info = "{}";
/* The path of the last request with a body. */
static char agent_path[64];
/* If it is set, bodies are written there, each behind its length in four bytes. For one connection. */
static FILE *agent_kept;

static void agent_keep(const void *bytes, size_t size) {
    if (agent_kept && fwrite(bytes, 1, size, agent_kept) != size) abort();
}

/* Reads one request after another and answers each of them. */
static void *agent_answer(void *socket) {
    int connection = (int)(intptr_t)socket;
    size_t size = 1 << 18;
    char *buffer = malloc(size);
    for (;;) {
        size_t held = 0;
        char *end = NULL;
        while (!end) {
            ssize_t got = buffer && held < size - 1 ? read(connection, buffer + held, size - 1 - held) : 0;
            if (got <= 0) {
                free(buffer);
                close(connection);
                return NULL;
            }
            held += (size_t)got;
            buffer[held] = 0;
            end = strstr(buffer, "\r\n\r\n");
        }
        const char *length = strcasestr(buffer, "content-length:");
        size_t body = length && length < end ? strtoul(length + 15, NULL, 10) : 0;
        size_t of_body = held - (size_t)(end + 4 - buffer);
        if (body) {
            uint32_t length_of_body = (uint32_t)body;
            sscanf(buffer, "POST %63s", agent_path);
            agent_keep(&length_of_body, sizeof length_of_body);
            agent_keep(end + 4, of_body);
        }
        while (of_body < body) {
            ssize_t got = read(connection, buffer, size);
            if (got <= 0) break;
            of_body += (size_t)got;
            agent_keep(buffer, (size_t)got);
        }
        if (of_body < body) continue; /* the next read ends the thread */
        if (body) {
            atomic_fetch_add(&agent_payloads, 1);
            atomic_fetch_add(&agent_bytes, body);
        }
        static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        if (!body) {
            char info[256];
            int size_of_info = snprintf(info, sizeof info, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(agent_info), agent_info);
            if (write(connection, info, (size_t)size_of_info) < 0) continue;
            atomic_fetch_add(&agent_infos, 1);
        } else if (write(connection, reply, sizeof reply - 1) < 0) continue;
    }
}

static void *agent_accept(void *listener) {
    for (;;) {
        int connection = accept((int)(intptr_t)listener, NULL, NULL);
        pthread_t thread;
        if (connection < 0 || pthread_create(&thread, NULL, agent_answer, (void *)(intptr_t)connection)) return NULL;
        pthread_detach(thread);
    }
}

/* Starts the Agent on a thread and returns its port; 0 if that fails. */
static unsigned agent_start(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_t thread;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 16) ||
        getsockname(listener, (struct sockaddr *)&address, &size) ||
        pthread_create(&thread, NULL, agent_accept, (void *)(intptr_t)listener))
        return 0;
    return ntohs(address.sin_port);
}
#endif
