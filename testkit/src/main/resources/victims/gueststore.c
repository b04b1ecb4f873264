/*
 * Stores a fixed number of items in a memcached of this machine, and says how long that took.
 *
 *   gueststore PORT CONNECTIONS ITEMS BYTES        prints the microseconds
 *
 * Each connection is a process of its own, and has two batches under way at any time: no processor of the machine is ever
 * idle, so that what is measured is how much gets done and not how long an idle processor takes to wake up.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    /* Keys repeat, so that the server does not run out of memory however many items are stored. */
    KEYS = 1000,
    BATCH = 16
};

static char *request;
static int value_bytes;

static void die(const char *what)
{
    fprintf(stderr, "gueststore: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t micros(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void send_batch(int server, long first)
{
    size_t whole = 0;
    for (long i = first; i < first + BATCH; i++) {
        whole += sprintf(request + whole, "set key%05ld 0 0 %d\r\n", i % KEYS, value_bytes);
        memset(request + whole, 'a' + i % 26, value_bytes);
        whole += value_bytes;
        request[whole++] = '\r';
        request[whole++] = '\n';
    }
    for (size_t sent = 0; sent < whole;) {
        ssize_t n = write(server, request + sent, whole - sent);
        if (n <= 0)
            die("write");
        sent += n;
    }
}

static void expect_batch(int server)
{
    static const char stored[] = "STORED\r\n";
    enum { ONE = sizeof stored - 1 };
    char answers[BATCH * ONE];
    for (size_t got = 0; got < sizeof answers;) {
        ssize_t n = read(server, answers + got, sizeof answers - got);
        if (n <= 0)
            die("no answer");
        got += n;
    }
    for (int i = 0; i < BATCH; i++) {
        if (memcmp(answers + i * ONE, stored, ONE)) {
            fprintf(stderr, "gueststore: the server answered '%.*s'\n", (int)ONE, answers + i * ONE);
            exit(1);
        }
    }
}

static void store(int port, long batches)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int server = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (server < 0 || connect(server, (struct sockaddr *)&address, sizeof address))
        die("connect");
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    send_batch(server, 0);
    for (long i = 1; i < batches; i++) {
        send_batch(server, i * BATCH);
        expect_batch(server);
    }
    expect_batch(server);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "gueststore PORT CONNECTIONS ITEMS BYTES\n");
        return 2;
    }
    int connections = atoi(argv[2]);
    value_bytes = atoi(argv[4]);
    request = malloc(BATCH * (size_t)(value_bytes + 64));
    long batches = connections < 1 ? 0 : strtol(argv[3], NULL, 10) / BATCH / connections;
    if (!request || batches < 1)
        die("malloc, or too few items");
    int64_t begin = micros();
    for (int i = 0; i < connections; i++) {
        pid_t child = fork();
        if (child < 0)
            die("fork");
        if (child == 0) {
            store(atoi(argv[1]), batches);
            _exit(0);
        }
    }
    for (int i = 0; i < connections; i++) {
        int status;
        if (wait(&status) < 0 || status) {
            fprintf(stderr, "gueststore: a connection failed\n");
            return 1;
        }
    }
    printf("%lld\n", (long long)(micros() - begin));
    return 0;
}
