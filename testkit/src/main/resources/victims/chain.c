/*
 * A workload that checks itself: memory full of known words that no codec makes smaller, a steady rate of writes, and a
 * chain of checksums over everything it reads, written to a log every step. chainref.c recomputes all of it.
 *
 *   chain --log FILE [--size-mib 64] [--pages-per-second 256] [--step-us 5000] [--threads 1] [--children 0]
 *         [--audit-pages 4] [--zero-percent 0] [--seed 1] [--pattern laps] [--phase-ms 20000] [--fill word] [--thp]
 *         [--unpaced]
 *
 * SIGTERM to the first process ends all of them at one step. A write changes one word of a page, or all of them (--fill
 * page), to what follows from the chain. Which page, within the writer's slice (--pattern):
 *
 *   laps            random order, none twice before all came once
 *   uniform         any, each time anew: rewriting is a Poisson process
 *   hot-half        as uniform, in the lower half only; -last: in the upper half; -mixed: in every other 64 KiB
 *   hot-half-laps   as laps, in the lower half only: pages are dirtied as fast as they are written
 *   skew            99 of 100 writes hit 1 % of the pages, half of those in 2 MiB clusters, half alone; others: uniform
 *   sweep           one after the other
 *   phases          each --phase-ms of steps another: none, uniform, skew, sweep, 4 times the rate in 1/4 of each 1/5
 *
 * --unpaced does the writes of a step as soon as those of the last one are done.
 *
 * Every process has THREADS writers; every writer owns a slice of memory and a chain. The processes form a ring of
 * pipes: the first writer of each mixes the chain of its left neighbour's previous step into its own, so bytes lost
 * or doubled in a pipe show as a wrong chain. Log (O_APPEND, one write per line):
 *
 *   # chain v2 size-mib=.. ...           once, before memory is filled
 *   STEP CHAIN t=SECONDS.MICROS w=PROCESS.THREAD      every step of every writer, CLOCK_REALTIME
 *   # audit w=PROCESS.THREAD step=.. sum=..           the whole slice, after SIGTERM, before the writer ends
 *
 * The program never judges time itself: a gap is what a reader finds between two lines.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
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

enum { PAGE = 4096, WORDS = PAGE / 8, MAX_PROCESSES = 64, MAX_THREADS = 64, CLUSTER = 512, HOT_RUN = 16 };
enum pattern { LAPS, UNIFORM, HOT_LOW, HOT_HIGH, HOT_MIXED, HOT_LAPS, SKEW, SWEEP, PHASES, PATTERNS };

static const char *const pattern_names[] = {
    "laps", "uniform", "hot-half", "hot-half-last", "hot-half-mixed", "hot-half-laps", "skew", "sweep",
    "phases"};
static const char *const fill_names[] = {"word", "page"};

/* What a process tells its right neighbour at the start of a step; the last step travels round the ring with it. */
struct token {
    uint64_t step, chain, last_step;
};

static struct {
    uint64_t size_mib, pages_per_second, step_us, threads, children, audit_pages, zero_percent, seed,
        phase_ms;
    unsigned pattern, whole_pages;
    int thp, unpaced;
    const char *log;
} opt = {64, 256, 5000, 1, 0, 4, 0, 1, 20000, LAPS, 0, 0, 0, NULL};

static int log_fd = -1, from_left = -1, to_right = -1;
static unsigned process;
static volatile sig_atomic_t asked_to_stop;
static _Atomic uint64_t last_step = UINT64_MAX;

static void say(const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0 || n >= (int)sizeof line || write(log_fd, line, n) != n)
        _exit(3);
}

static void die(const char *what)
{
    say("! process %u: %s: %s\n", process, what, strerror(errno));
    _exit(1);
}

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Balanced Feistel network on the smallest even number of bits that holds pages, walked until the value is in range:
 * a random order in which no page comes twice before every page came once. */
static uint64_t permute(uint64_t position, uint64_t pages, uint64_t key)
{
    unsigned half = 1;
    while (UINT64_C(1) << 2 * half < pages)
        half++;
    uint64_t mask = (UINT64_C(1) << half) - 1, x = position;
    do {
        uint64_t left = x >> half, right = x & mask;
        for (unsigned round = 0; round < 4; round++) {
            uint64_t next = left ^ (mix(key + round + (right << 8)) & mask);
            left = right;
            right = next;
        }
        x = left << half | right;
    } while (x >= pages);
    return x;
}

static uint64_t chosen_page(enum pattern pattern, uint64_t position, uint64_t pages, uint64_t identity)
{
    uint64_t dice = mix(identity ^ mix(position)), half = pages - pages / 2;
    switch (pattern) {
    case LAPS: return permute(position % pages, pages, identity ^ position / pages);
    case HOT_LOW: return dice % half;
    case HOT_HIGH: return pages - half + dice % half;
    case HOT_MIXED: return dice % half / HOT_RUN * 2 * HOT_RUN + dice % half % HOT_RUN;
    case HOT_LAPS: return permute(position % half, half, identity ^ position / half);
    case SWEEP: return position % pages;
    case SKEW: break;
    default: return dice % pages;
    }
    uint64_t again = mix(dice), hot = pages / 100 + 1, which = again % hot;
    if (dice % 100 == 0)
        return again % pages;
    if (which >= hot / 2)
        return permute(which, pages, identity);
    return permute(which / CLUSTER, pages < CLUSTER ? 1 : pages / CLUSTER, ~identity) * CLUSTER + which % CLUSTER;
}

/* Writes a second in this step, by all writers together, and how they are spread. */
static uint64_t rate_of(uint64_t step, enum pattern *pattern)
{
    static const enum pattern phases[] = {LAPS, UNIFORM, SKEW, SWEEP, UNIFORM};
    *pattern = opt.pattern;
    if (opt.pattern != PHASES)
        return opt.pages_per_second;
    uint64_t us = step * opt.step_us, phase = us / (opt.phase_ms * 1000) % 5, burst_us = opt.phase_ms * 200;
    *pattern = phases[phase];
    uint64_t times = phase < 4 ? phase != 0 : us % burst_us < burst_us / 4 ? 4 : 0;
    return times * opt.pages_per_second;
}

static void write_page(uint64_t *page, uint64_t chain)
{
    if (!opt.whole_pages)
        page[mix(chain) % WORDS] ^= chain | 1;
    else
        for (unsigned i = 0; i < WORDS; i++)
            page[i] = mix(chain + i);
}

static uint64_t page_sum(const uint64_t *page)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < WORDS; i++)
        sum = sum * 0x100000001b3u + page[i];
    return sum;
}

struct writer { unsigned thread; uint64_t *memory, pages; };

static void fill(const struct writer *w, uint64_t base)
{
    for (uint64_t p = 0; p < w->pages; p++) {
        uint64_t key = mix(base + p);
        if (key % 100 < opt.zero_percent)
            continue;
        for (unsigned i = 0; i < WORDS; i++)
            w->memory[p * WORDS + i] = mix(key + i);
    }
}

static void transfer(int fd, struct token *token, int sending)
{
    size_t done = 0;
    while (done < sizeof *token) {
        char *at = (char *)token + done;
        ssize_t n = sending ? write(fd, at, sizeof *token - done) : read(fd, at, sizeof *token - done);
        if (n > 0)
            done += n;
        else if (n == 0 || errno != EINTR)
            die(sending ? "pipe to the right" : "pipe from the left");
    }
}

/* Steps are due at fixed times of CLOCK_MONOTONIC, which CRIU carries over; after a stop the schedule starts anew, as
 * catching up would be a burst of writes that no rate describes. */
static void wait_for_step(struct timespec *due)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ahead_us = (due->tv_sec - now.tv_sec) * INT64_C(1000000) + (due->tv_nsec - now.tv_nsec) / 1000;
    if (ahead_us < -4 * (int64_t)opt.step_us || ahead_us > 4 * (int64_t)opt.step_us)
        *due = now;
    uint64_t ns = due->tv_nsec + opt.step_us * 1000;
    due->tv_sec += ns / 1000000000;
    due->tv_nsec = ns % 1000000000;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, due, NULL) == EINTR)
        ;
}

static void *run(void *argument)
{
    struct writer *w = argument;
    uint64_t writers = (opt.children + 1) * opt.threads;
    uint64_t identity = mix(opt.seed) + (uint64_t)(process * MAX_THREADS + w->thread) * 0x10001000100u;
    uint64_t chain = identity, position = 0, audited = 0, credit = 0;
    struct timespec due;

    fill(w, identity);
    clock_gettime(CLOCK_MONOTONIC, &due);
    for (uint64_t step = 0;; step++) {
        if (asked_to_stop && process == 0 && w->thread == 0 && last_step == UINT64_MAX)
            last_step = step + opt.children; /* by then every process has heard of it */
        if (opt.children && w->thread == 0) {
            struct token token = {step, chain, last_step};
            transfer(to_right, &token, 1);
            transfer(from_left, &token, 0);
            if (token.step != step) {
                errno = EPROTO;
                die("token of another step");
            }
            if (token.last_step < last_step)
                last_step = token.last_step;
            chain = chain * 31 + token.chain;
        }
        enum pattern pattern;
        credit += rate_of(step, &pattern) * opt.step_us;
        for (; position < credit / (1000000 * writers); position++) {
            uint64_t *page = w->memory + chosen_page(pattern, position, w->pages, identity) * WORDS;
            chain = chain * 6364136223846793005u + page_sum(page);
            write_page(page, chain);
        }
        for (uint64_t i = 0; i < opt.audit_pages; i++)
            chain = chain * 6364136223846793005u + page_sum(w->memory + audited++ % w->pages * WORDS);

        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        say("%" PRIu64 " %016" PRIx64 " t=%jd.%06ld w=%u.%u\n", step, chain, (intmax_t)t.tv_sec, t.tv_nsec / 1000,
            process, w->thread);
        if (step >= last_step) {
            uint64_t sum = 0;
            for (uint64_t p = 0; p < w->pages; p++)
                sum = sum * 6364136223846793005u + page_sum(w->memory + p * WORDS);
            say("# audit w=%u.%u step=%" PRIu64 " sum=%016" PRIx64 "\n", process, w->thread, step, sum);
            return NULL;
        }
        if (!opt.unpaced)
            wait_for_step(&due);
    }
}

static void stop(int signal)
{
    (void)signal;
    asked_to_stop = 1;
}

static uint64_t number(const char *name, const char *text, uint64_t lowest, uint64_t highest)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (!errno && !*end && end != text && value >= lowest && value <= highest)
        return value;
    fprintf(stderr, "chain: --%s wants %" PRIu64 " to %" PRIu64 ", got %s\n", name, lowest, highest, text);
    exit(2);
}

static unsigned word(const char *name, const char *text, const char *const *words, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!strcmp(text, words[i]))
            return i;
    fprintf(stderr, "chain: --%s has no '%s'\n", name, text);
    exit(2);
}

static void parse(int argc, char **argv)
{
    static const struct option names[] = {
        {"log", 1, 0, 'l'},         {"size-mib", 1, 0, 's'},     {"pages-per-second", 1, 0, 'r'},
        {"step-us", 1, 0, 'u'},     {"threads", 1, 0, 't'},      {"children", 1, 0, 'c'},
        {"audit-pages", 1, 0, 'a'}, {"zero-percent", 1, 0, 'z'}, {"seed", 1, 0, 'e'},
        {"pattern", 1, 0, 'p'},     {"phase-ms", 1, 0, 'm'},     {"fill", 1, 0, 'f'},
        {"unpaced", 0, 0, 'n'},     {"thp", 0, 0, 'h'},         {0, 0, 0, 0}};
    int o, i = 0;
    while ((o = getopt_long(argc, argv, "", names, &i)) != -1) {
        const char *n = names[i].name;
        switch (o) {
        case 'l': opt.log = optarg; break;
        case 's': opt.size_mib = number(n, optarg, 1, 1 << 20); break;
        case 'r': opt.pages_per_second = number(n, optarg, 0, 10000000); break;
        case 'u': opt.step_us = number(n, optarg, 100, 1000000); break;
        case 't': opt.threads = number(n, optarg, 1, MAX_THREADS); break;
        case 'c': opt.children = number(n, optarg, 0, MAX_PROCESSES - 1); break;
        case 'a': opt.audit_pages = number(n, optarg, 0, 100000); break;
        case 'z': opt.zero_percent = number(n, optarg, 0, 100); break;
        case 'e': opt.seed = number(n, optarg, 0, UINT64_MAX); break;
        case 'p': opt.pattern = word(n, optarg, pattern_names, PATTERNS); break;
        case 'm': opt.phase_ms = number(n, optarg, 20, 86400000); break;
        case 'f': opt.whole_pages = word(n, optarg, fill_names, 2); break;
        case 'n': opt.unpaced = 1; break;
        case 'h': opt.thp = 1; break;
        default: exit(2);
        }
    }
    if (!opt.log || optind != argc) {
        fprintf(stderr, "chain: needs --log FILE and takes no other words\n");
        exit(2);
    }
}

/* Before any thread exists. The ends of pipes that belong to others are closed. */
static void fork_ring(pid_t *children)
{
    int pipes[MAX_PROCESSES][2];
    unsigned processes = opt.children + 1;
    if (processes == 1)
        return;
    for (unsigned i = 0; i < processes; i++)
        if (pipe(pipes[i]))
            die("pipe");
    for (unsigned i = 1; i < processes && process == 0; i++) {
        children[i] = fork();
        if (children[i] < 0)
            die("fork");
        if (children[i] == 0)
            process = i;
    }
    to_right = pipes[process][1];
    from_left = pipes[(process + processes - 1) % processes][0];
    for (unsigned i = 0; i < processes; i++) {
        if (pipes[i][0] != from_left)
            close(pipes[i][0]);
        if (pipes[i][1] != to_right)
            close(pipes[i][1]);
    }
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    log_fd = open(opt.log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (log_fd < 0) {
        fprintf(stderr, "chain: %s: %s\n", opt.log, strerror(errno));
        return 2;
    }
    say("# chain v2 size-mib=%ju pages-per-second=%ju step-us=%ju threads=%ju processes=%ju audit-pages=%ju "
        "zero-percent=%ju seed=%ju pattern=%s phase-ms=%ju fill=%s\n",
        (uintmax_t)opt.size_mib, (uintmax_t)opt.pages_per_second, (uintmax_t)opt.step_us, (uintmax_t)opt.threads,
        (uintmax_t)opt.children + 1, (uintmax_t)opt.audit_pages, (uintmax_t)opt.zero_percent, (uintmax_t)opt.seed,
        pattern_names[opt.pattern], (uintmax_t)opt.phase_ms, fill_names[opt.whole_pages]);

    struct sigaction act = {.sa_handler = stop};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (sigaction(SIGTERM, &act, NULL) || sigaction(SIGPIPE, &ignore, NULL))
        die("sigaction");
    pid_t children[MAX_PROCESSES] = {0};
    fork_ring(children);
    uint64_t pages = opt.size_mib * 256 / ((opt.children + 1) * opt.threads);
    if (pages == 0) {
        errno = EINVAL;
        die("less than a page for each writer");
    }
    size_t bytes = pages * PAGE * opt.threads;
    uint64_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        die("mmap");
    if (madvise(memory, bytes, opt.thp ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
        die("madvise");

    static struct writer writers[MAX_THREADS];
    pthread_t threads[MAX_THREADS];
    for (unsigned i = 0; i < opt.threads; i++)
        writers[i] = (struct writer){i, memory + i * pages * WORDS, pages};
    for (unsigned i = 1; i < opt.threads; i++)
        if ((errno = pthread_create(&threads[i], NULL, run, &writers[i])))
            die("pthread_create");
    run(&writers[0]);
    for (unsigned i = 1; i < opt.threads; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 1; process == 0 && i <= opt.children; i++) {
        int status;
        if (waitpid(children[i], &status, 0) != children[i])
            die("waitpid");
        if (status)
            say("! process %u ended with status %d\n", i, status);
    }
    return 0;
}
