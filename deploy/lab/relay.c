/*
 * Carries TCP connections from one network namespace into another.
 *
 *   relay LISTEN_NETNS LISTEN_PORT CONNECT_NETNS CONNECT_PORT
 *
 * Both ends are on 127.0.0.1; a namespace is a path, or - for the caller's. Port 0 listens on any free one. The port is
 * printed on a line of its own once connections are accepted. A socket belongs to the namespace in which it was made,
 * wherever its process goes afterwards: that is all the magic.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/tcp.h>
#include <unistd.h>

enum { BUFFER = 64 * 1024, BACKLOG = 128 };

static struct sockaddr_in target = {.sin_family = AF_INET};

static void die(const char *what)
{
    printf("%s: %s\n", what, strerror(errno));
    exit(1);
}

static void enter(const char *netns)
{
    if (!strcmp(netns, "-"))
        return;
    int fd = open(netns, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET))
        die(netns);
    close(fd);
}

static int send_all(int to, const char *data, ssize_t left)
{
    while (left > 0) {
        ssize_t n = send(to, data, left, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            data += n;
            left -= n;
        }
    }
    return 0;
}

static void hurry(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* One thread for each direction; a half-closed connection stays half-open at the other side. */
struct way {
    int from, to;
};

static void *carry(void *argument)
{
    struct way way = *(struct way *)argument;
    free(argument);
    char *buffer = malloc(BUFFER);
    ssize_t n;
    while (buffer && ((n = recv(way.from, buffer, BUFFER, 0)) > 0 || (n < 0 && errno == EINTR)))
        if (n > 0 && send_all(way.to, buffer, n))
            break;
    shutdown(way.to, SHUT_WR);
    shutdown(way.from, SHUT_RD);
    free(buffer);
    return NULL;
}

static pthread_t spawn(void *(*run)(void *), int from, int to)
{
    pthread_t thread;
    struct way *way = malloc(sizeof *way);
    if (!way)
        die("malloc");
    *way = (struct way){from, to};
    if ((errno = pthread_create(&thread, NULL, run, way)))
        die("pthread_create");
    return thread;
}

/* Ends a connection so that its client sees at once that nobody is there. */
static void reset(int fd)
{
    struct linger now = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static void *serve(void *argument)
{
    struct way way = *(struct way *)argument;
    free(argument);
    int client = way.from, server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server < 0 || connect(server, (struct sockaddr *)&target, sizeof target)) {
        if (server >= 0)
            close(server);
        reset(client);
        return NULL;
    }
    hurry(client);
    hurry(server);
    pthread_t back = spawn(carry, server, client);
    struct way *there = malloc(sizeof *there);
    if (!there)
        die("malloc");
    *there = (struct way){client, server};
    carry(there);
    pthread_join(back, NULL);
    close(client);
    close(server);
    return NULL;
}

static uint16_t port(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*end || end == text || value < 0 || value > 65535) {
        errno = EINVAL;
        die(text);
    }
    return htons(value);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 5) {
        fprintf(stderr, "usage: relay LISTEN_NETNS LISTEN_PORT CONNECT_NETNS CONNECT_PORT\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = port(argv[2])};
    here.sin_addr.s_addr = target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    target.sin_port = port(argv[4]);

    enter(argv[1]);
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, BACKLOG))
        die("listen");
    socklen_t size = sizeof here;
    if (getsockname(listener, (struct sockaddr *)&here, &size))
        die("getsockname");
    if (home < 0 || setns(home, CLONE_NEWNET))
        die("return to the first namespace");
    enter(argv[3]);
    printf("%u\n", ntohs(here.sin_port));

    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client >= 0)
            pthread_detach(spawn(serve, client, -1));
        else if (errno != EINTR && errno != ECONNABORTED)
            die("accept");
    }
}
