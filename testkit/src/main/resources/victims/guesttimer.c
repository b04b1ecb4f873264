/*
 * Runs a program and says, as the kernel that it runs on counts, how long it took and the processor time of it and
 * its children.
 *
 *   guesttimer PROGRAM ARGUMENTS...    prints "WALL_MICROS CPU_MICROS"; its exit status is the program's
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t of(struct timeval time)
{
    return time.tv_sec * 1000000L + time.tv_usec;
}

static int64_t micros(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "guesttimer PROGRAM ARGUMENTS...\n");
        return 2;
    }
    int64_t begin = micros();
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[1], argv + 1);
        fprintf(stderr, "guesttimer: %s: %s\n", argv[1], strerror(errno));
        _exit(127);
    }
    int status;
    struct rusage used;
    if (child < 0 || wait4(child, &status, 0, &used) != child) {
        fprintf(stderr, "guesttimer: %s\n", strerror(errno));
        return 126;
    }
    int64_t wall = micros() - begin;
    printf("%lld %lld\n", (long long)wall, (long long)(of(used.ru_utime) + of(used.ru_stime)));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
