/*
 * The init of a PID namespace that holds memory, and writes to some of it.
 *
 *   guestholder MIB PAGES_PER_SECOND
 *
 * Prints the PID of that init, as this program's own namespace numbers it, once all memory is filled, and leaves it
 * running in a session of its own without any file of the terminal. Every page is unlike every other and unlike zero.
 * The writes go round the memory page by page, in bursts 100 times a second.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / 8, BURSTS = 100 };

static void die(const char *what)
{
    fprintf(stderr, "guestholder: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void hold(size_t pages, long per_second, int ready)
{
    uint64_t *memory = NULL;
    if (pages) {
        memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            die("mmap");
    }
    for (size_t i = 0; i < pages * WORDS; i++)
        memory[i] = (i + 1) * 0x9e3779b97f4a7c15u;
    if (write(ready, "r", 1) != 1)
        die("pipe");
    close(ready);
    if (!pages || !per_second)
        for (;;)
            pause();
    const struct timespec rest = {.tv_nsec = 1000000000 / BURSTS};
    size_t at = 0;
    for (;;) {
        for (long i = 0; i < per_second / BURSTS; i++) {
            memory[at * WORDS]++;
            at = (at + 1) % pages;
        }
        nanosleep(&rest, NULL);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "guestholder MIB PAGES_PER_SECOND\n");
        return 2;
    }
    size_t pages = strtoul(argv[1], NULL, 10) << 8;
    long per_second = strtol(argv[2], NULL, 10);
    int ready[2];
    if (pipe(ready) || unshare(CLONE_NEWPID))
        die("pipe or unshare");
    pid_t init = fork();
    if (init < 0)
        die("fork");
    if (init == 0) {
        int null = open("/dev/null", O_RDWR);
        if (null < 0 || setsid() < 0 || chdir("/") || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
            _exit(1);
        close(null);
        close(ready[0]);
        hold(pages, per_second, ready[1]);
    }
    close(ready[1]);
    char byte;
    if (read(ready[0], &byte, 1) != 1) {
        fprintf(stderr, "guestholder: the init ended before its memory was filled\n");
        return 1;
    }
    printf("%d\n", init);
    return 0;
}
