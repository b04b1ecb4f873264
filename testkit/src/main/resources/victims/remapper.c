/*
 * A workload that changes its mappings all the time and knows what every page must hold: writes, drops (MADV_DONTNEED),
 * unmaps, maps anew, moves (mremap) and forks. Meant to be restored lazily, with its memory arriving meanwhile.
 *
 *   remapper --log FILE --go FILE [--pages 16384] [--operations 20000] [--seed 1]
 *
 * Fills its memory, logs "ready", waits until GO exists, does its operations, compares all its memory and logs one of
 *
 *   ok operations=N forks=N moves=N drops=N
 *   bad ...
 *
 * A second thread compares random pages of a region that nobody changes, all the time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / 8, RANGE_MAX = 64, CHILDREN_MAX = 4, CHILD_OPERATIONS = 100 };

/* What a page holds: zeros, words made of an id above 1, or nothing: not mapped. */
enum { ZERO = 0, UNMAPPED = 1 };

static const char *log_name, *go_name;
static uint64_t pages = 16384, operations = 20000, state = 1;
static uint64_t *memory, *still, *model;
static uint64_t next_id = 2, forks, moves, drops;
static unsigned children;
static atomic_int finished;

static void say(const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    int fd = open(log_name, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd < 0 || write(fd, line, n) != n)
        _exit(3);
    close(fd);
}

static void bad(const char *format, uint64_t page, uint64_t want, uint64_t got)
{
    char text[160];
    snprintf(text, sizeof text, format, page, want, got);
    say("bad pid=%d %s\n", getpid(), text);
    _exit(1);
}

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t roll(uint64_t below)
{
    state = mix(state + 1);
    return state % below;
}

static void fill(uint64_t *page, uint64_t id)
{
    for (unsigned i = 0; i < WORDS; i++)
        page[i] = mix(id * WORDS + i);
}

static void compare(const uint64_t *page, uint64_t number, uint64_t id)
{
    for (unsigned i = 0; i < WORDS; i++) {
        uint64_t want = id == ZERO ? 0 : mix(id * WORDS + i);
        if (page[i] != want)
            bad("page %" PRIu64 " should be %016" PRIx64 " is %016" PRIx64, number, want, page[i]);
    }
}

static void compare_mapped(uint64_t number)
{
    if (model[number] != UNMAPPED)
        compare(memory + number * WORDS, number, model[number]);
}

static void *watch_still(void *argument)
{
    uint64_t at = 1;
    (void)argument;
    while (!finished) {
        at = mix(at);
        compare(still + at % pages * WORDS, at % pages, at % pages + 2);
    }
    return NULL;
}

static int mapped(uint64_t from, uint64_t count)
{
    for (uint64_t i = from; i < from + count; i++)
        if (model[i] == UNMAPPED)
            return 0;
    return 1;
}

static void anew(uint64_t from, uint64_t count)
{
    void *at = memory + from * WORDS;
    if (mmap(at, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at)
        bad("mmap of page %" PRIu64 " for %" PRIu64 " pages: errno %" PRIu64, from, count, errno);
    for (uint64_t i = from; i < from + count; i++)
        model[i] = ZERO;
}

static void move(uint64_t from, uint64_t to, uint64_t count)
{
    void *source = memory + from * WORDS, *target = memory + to * WORDS;
    if (from < to + count && to < from + count)
        return;
    /* Across mappings that did not merge it may fail half-way (since Linux 6.17): both ranges are made anew then. */
    if (mremap(source, count * PAGE, count * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == MAP_FAILED) {
        if (errno != EFAULT)
            bad("mremap of page %" PRIu64 " to %" PRIu64 ": errno %" PRIu64, from, to, errno);
        anew(from, count);
        anew(to, count);
        return;
    }
    moves++;
    for (uint64_t i = 0; i < count; i++) {
        model[to + i] = model[from + i];
        model[from + i] = UNMAPPED;
    }
}

static void operate(void)
{
    uint64_t count = 1 + roll(RANGE_MAX), from = roll(pages - count), to = roll(pages - count);
    switch (roll(16)) {
    case 0: case 1: case 2: case 3: case 4: case 5:
        compare_mapped(from);
        return;
    case 6: case 7: case 8:
        if (model[from] == UNMAPPED)
            return;
        model[from] = next_id++;
        fill(memory + from * WORDS, model[from]);
        return;
    case 9: case 10:
        if (!mapped(from, count))
            return;
        if (madvise(memory + from * WORDS, count * PAGE, MADV_DONTNEED))
            bad("madvise of page %" PRIu64 " for %" PRIu64 ": errno %" PRIu64, from, count, errno);
        drops++;
        for (uint64_t i = from; i < from + count; i++)
            model[i] = ZERO;
        compare_mapped(from + roll(count));
        return;
    case 11:
        if (munmap(memory + from * WORDS, count * PAGE))
            bad("munmap of page %" PRIu64 " for %" PRIu64 ": errno %" PRIu64, from, count, errno);
        for (uint64_t i = from; i < from + count; i++)
            model[i] = UNMAPPED;
        return;
    case 12: case 13:
        for (uint64_t i = from; i < from + count; i++)
            if (model[i] == UNMAPPED)
                anew(i, 1);
        return;
    default:
        if (mapped(from, count))
            move(from, to, count);
    }
}

static void reap(unsigned leave)
{
    for (; children > leave; children--) {
        int status;
        if (wait(&status) < 0 || status != 0)
            bad("child: errno %" PRIu64 " status %" PRIu64 "%.0" PRIu64, errno, status, 0);
    }
}

static void fork_child(void)
{
    reap(CHILDREN_MAX - 1);
    pid_t child = fork();
    if (child < 0)
        bad("fork: errno %" PRIu64 "%.0" PRIu64 "%.0" PRIu64, errno, 0, 0);
    if (child == 0) {
        for (unsigned i = 0; i < CHILD_OPERATIONS; i++)
            operate();
        for (uint64_t i = 0; i < pages; i += 1 + roll(16))
            compare_mapped(i);
        _exit(0);
    }
    children++;
    forks++;
}

static uint64_t *map(uint64_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        _exit(4);
    return at;
}

int main(int argc, char **argv)
{
    static const struct option names[] = {{"log", 1, 0, 'l'},        {"go", 1, 0, 'g'},   {"pages", 1, 0, 'p'},
                                          {"operations", 1, 0, 'o'}, {"seed", 1, 0, 's'}, {0, 0, 0, 0}};
    int o;
    while ((o = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (o) {
        case 'l': log_name = optarg; break;
        case 'g': go_name = optarg; break;
        case 'p': pages = strtoull(optarg, NULL, 10); break;
        case 'o': operations = strtoull(optarg, NULL, 10); break;
        case 's': state = strtoull(optarg, NULL, 10); break;
        default: return 2;
        }
    }
    if (!log_name || !go_name || pages <= RANGE_MAX)
        return 2;
    memory = map(pages * PAGE);
    still = map(pages * PAGE);
    model = map(pages * sizeof *model);
    for (uint64_t i = 0; i < pages; i++) {
        model[i] = i % 7 ? next_id++ : ZERO;
        if (model[i] != ZERO)
            fill(memory + i * WORDS, model[i]);
        fill(still + i * WORDS, i + 2);
    }
    say("ready\n");
    struct timespec pause = {0, 1000000};
    while (access(go_name, F_OK))
        nanosleep(&pause, NULL);

    pthread_t watcher;
    if (pthread_create(&watcher, NULL, watch_still, NULL))
        return 5;
    for (uint64_t i = 0; i < operations; i++) {
        operate();
        if (i % 256 == 0)
            fork_child();
    }
    reap(0);
    for (uint64_t i = 0; i < pages; i++)
        compare_mapped(i);
    finished = 1;
    pthread_join(watcher, NULL);
    for (uint64_t i = 0; i < pages; i++)
        compare(still + i * WORDS, i, i + 2);
    say("ok operations=%" PRIu64 " forks=%" PRIu64 " moves=%" PRIu64 " drops=%" PRIu64 "\n", operations, forks, moves,
        drops);
    pause.tv_sec = 3600;
    nanosleep(&pause, NULL);
    return 0;
}
