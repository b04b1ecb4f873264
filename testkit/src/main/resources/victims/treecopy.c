/*
 * Copies the plain files of a directory over TCP as fast as one connection goes: what a careful person would use to move
 * a CRIU image. sendfile at one end, large reads at the other.
 *
 *   treecopy send DIRECTORY ADDRESS PORT
 *   treecopy receive DIRECTORY PORT          prints "ready" once it listens; ends when all files are complete
 *
 * For each file: u64 length of its name, u64 its size, the name, the bytes. Links are sent as S_IFLNK with their target
 * as bytes (the mode is a third u64). A name length of 0 ends the stream, answered by one byte.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 1 << 20 };

struct entry {
    uint64_t name_length, size, mode;
};

static void die(const char *what)
{
    fprintf(stderr, "treecopy: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void put(int fd, const void *data, size_t left)
{
    for (const char *at = data; left;) {
        ssize_t n = write(fd, at, left);
        if (n <= 0)
            die("write");
        at += n;
        left -= n;
    }
}

static void get(int fd, void *data, size_t left)
{
    for (char *at = data; left;) {
        ssize_t n = read(fd, at, left);
        if (n < 0)
            die("read");
        if (n == 0) {
            errno = ECONNRESET;
            die("stream ended early");
        }
        at += n;
        left -= n;
    }
}

static void send_entry(int to, int directory, const char *name)
{
    struct stat st;
    if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW))
        die(name);
    struct entry entry = {strlen(name), st.st_size, st.st_mode};
    if (S_ISLNK(st.st_mode)) {
        char target[PATH_MAX];
        ssize_t n = readlinkat(directory, name, target, sizeof target);
        if (n != st.st_size)
            die(name);
        put(to, &entry, sizeof entry);
        put(to, name, entry.name_length);
        put(to, target, n);
        return;
    }
    if (!S_ISREG(st.st_mode))
        return;
    int from = openat(directory, name, O_RDONLY);
    if (from < 0)
        die(name);
    put(to, &entry, sizeof entry);
    put(to, name, entry.name_length);
    for (off_t at = 0; at < st.st_size;)
        if (sendfile(to, from, &at, st.st_size - at) <= 0)
            die("sendfile");
    close(from);
}

static int send_tree(const char *path, const char *address, int port)
{
    DIR *directory = opendir(path);
    int to = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (!directory || to < 0 || inet_pton(AF_INET, address, &peer.sin_addr) != 1)
        die(path);
    if (connect(to, (struct sockaddr *)&peer, sizeof peer))
        die("connect");
    struct dirent *d;
    while ((d = readdir(directory)))
        send_entry(to, dirfd(directory), d->d_name);
    struct entry end = {0, 0, 0};
    put(to, &end, sizeof end);
    char done;
    get(to, &done, 1);
    return 0;
}

static void receive_entry(int from, int directory, const struct entry *entry, char *buffer)
{
    char name[NAME_MAX + 1] = "";
    if (entry->name_length > NAME_MAX) {
        errno = ENAMETOOLONG;
        die("name");
    }
    get(from, name, entry->name_length);
    if (S_ISLNK(entry->mode)) {
        char target[PATH_MAX] = "";
        if (entry->size >= sizeof target)
            die(name);
        get(from, target, entry->size);
        if (symlinkat(target, directory, name))
            die(name);
        return;
    }
    int to = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC, entry->mode & 0777);
    if (to < 0)
        die(name);
    for (uint64_t left = entry->size; left;) {
        ssize_t n = read(from, buffer, left < BUFFER ? left : BUFFER);
        if (n <= 0)
            die("stream ended early");
        put(to, buffer, n);
        left -= n;
    }
    close(to);
}

static int receive_tree(const char *path, int port)
{
    int on = 1, directory = open(path, O_RDONLY | O_DIRECTORY), listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (directory < 0 || listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 1))
        die(path);
    put(1, "ready\n", 6);
    int from = accept(listener, NULL, NULL);
    char *buffer = malloc(BUFFER);
    if (from < 0 || !buffer)
        die("accept");
    for (;;) {
        struct entry entry;
        get(from, &entry, sizeof entry);
        if (!entry.name_length)
            break;
        receive_entry(from, directory, &entry, buffer);
    }
    put(from, "", 1);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && !strcmp(argv[1], "send"))
        return send_tree(argv[2], argv[3], atoi(argv[4]));
    if (argc == 4 && !strcmp(argv[1], "receive"))
        return receive_tree(argv[2], atoi(argv[3]));
    fprintf(stderr, "usage: treecopy send DIRECTORY ADDRESS PORT | receive DIRECTORY PORT\n");
    return 2;
}
