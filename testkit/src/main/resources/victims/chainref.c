/*
 * The independent judge of chain.c's log: recomputes every chain from the parameters in the log's first line and checks
 * each line: value, order, nothing missing, nothing twice (a second running copy would write steps again).
 *
 *   chainref LOG [--after SECONDS] [--gaps-over MILLIS] [--require-audit]
 *
 * Prints `error line=N what`, `gap ms=.. from=.. to=.. line=.. writer=..` for gaps over the limit that end after SECONDS,
 * `largest ms=...` likewise, and last `checked lines=.. writers=.. steps=.. audits=.. errors=..`. A gap is the time
 * between two lines of one writer. Exit status: 0 all true, 1 errors, 2 the log can't be read.
 *
 * Pages are made on demand: a page that was never written costs no memory here.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define WORDS_PER_PAGE 512u
#define CHAIN_FACTOR UINT64_C(6364136223846793005)
#define PROCESSES_LIMIT 64u
#define THREADS_LIMIT 64u
#define RING_HISTORY 256u
#define ERRORS_SHOWN 20u

typedef struct {
    uint64_t identity, npages, chain, written, swept;
    uint64_t owed;        /* writes of all writers that are due, times a million */
    uint64_t computed;    /* steps whose chain is known */
    uint64_t reported;    /* next step the log must show */
    uint64_t *pages;      /* reserved address space, filled where `present` says so */
    unsigned char *present;
    uint64_t history[RING_HISTORY];
    double last_time;
    bool audited, seen;
} writer;

static uint64_t size_mib, rate, step_us, threads, processes, audit_pages, zero_percent, seed, phase_ms;
static char pattern[24], filling[8];
static writer *all;
static unsigned long line_number, errors, lines, audits;

static void error(const char *what, const char *line)
{
    if (++errors <= ERRORS_SHOWN)
        printf("error line=%lu %s: %.*s\n", line_number, what, (int)strcspn(line, "\n"), line);
}

static uint64_t splitmix(uint64_t z)
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z ^= z >> 30;
    z *= UINT64_C(0xbf58476d1ce4e5b9);
    z ^= z >> 27;
    z *= UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void original(const writer *w, uint64_t index, uint64_t *page)
{
    uint64_t key = splitmix(w->identity + index);
    bool zero = key % 100 < zero_percent;
    for (uint64_t i = 0; i < WORDS_PER_PAGE; i++)
        page[i] = zero ? 0 : splitmix(key + i);
}

static uint64_t hash(const writer *w, uint64_t index)
{
    uint64_t scratch[WORDS_PER_PAGE], sum = 0;
    const uint64_t *page = w->pages + index * WORDS_PER_PAGE;
    if (!(w->present[index / 8] >> index % 8 & 1)) {
        original(w, index, scratch);
        page = scratch;
    }
    for (const uint64_t *word = page; word < page + WORDS_PER_PAGE; word++)
        sum = sum * UINT64_C(0x100000001b3) + *word;
    return sum;
}

static uint64_t shuffled(uint64_t index, uint64_t count, uint64_t key)
{
    unsigned bits = 1;
    while ((UINT64_C(1) << (2 * bits)) < count)
        bits++;
    const uint64_t low = (UINT64_C(1) << bits) - 1;
    do {
        uint64_t a = index >> bits, b = index & low;
        for (uint64_t round = 0; round < 4; round++) {
            uint64_t f = splitmix(key + round + (b << 8)) & low;
            uint64_t old = b;
            b = a ^ f;
            a = old;
        }
        index = (a << bits) | b;
    } while (index >= count);
    return index;
}

static bool is(const char *name, const char *wanted)
{
    return strcmp(name, wanted) == 0;
}

/* The page that write number n of this writer goes to. */
static uint64_t target(const writer *w, const char *how, uint64_t n)
{
    const uint64_t count = w->npages, random = splitmix(w->identity ^ splitmix(n));
    const uint64_t hot_half = (count + 1) / 2, in_half = random % hot_half;
    if (is(how, "laps"))
        return shuffled(n % count, count, w->identity ^ (n / count));
    if (is(how, "sweep"))
        return n % count;
    if (is(how, "hot-half"))
        return in_half;
    if (is(how, "hot-half-last"))
        return count - hot_half + in_half;
    if (is(how, "hot-half-mixed"))
        return (in_half & ~UINT64_C(15)) * 2 + (in_half & 15);
    if (is(how, "hot-half-laps"))
        return shuffled(n % hot_half, hot_half, w->identity ^ (n / hot_half));
    if (is(how, "skew")) {
        const uint64_t again = splitmix(random), hot = 1 + count / 100, nth = again % hot;
        if (random % 100 == 0)
            return again % count;
        if (nth >= hot / 2)
            return shuffled(nth, count, w->identity);
        return (shuffled(nth >> 9, count >= 512 ? count >> 9 : 1, ~w->identity) << 9) + (nth & 511);
    }
    return random % count;
}

/* What a step does: its spread of writes, and how many a second. */
static const char *spread(uint64_t step, uint64_t *per_second)
{
    *per_second = rate;
    if (!is(pattern, "phases"))
        return pattern;
    const uint64_t now = step * step_us, length = phase_ms * 1000, cycle = length / 5;
    switch (now / length % 5) {
    case 0: *per_second = 0; return "laps";
    case 1: return "uniform";
    case 2: return "skew";
    case 3: return "sweep";
    default: *per_second = now % cycle < cycle / 4 ? rate * 4 : 0; return "uniform";
    }
}

static void advance(writer *w, uint64_t writers)
{
    uint64_t per_second;
    const char *how = spread(w->computed, &per_second);
    w->owed += per_second * step_us;
    while (w->written < w->owed / (UINT64_C(1000000) * writers)) {
        uint64_t index = target(w, how, w->written);
        w->chain = w->chain * CHAIN_FACTOR + hash(w, index);
        uint64_t *page = w->pages + index * WORDS_PER_PAGE;
        if (!(w->present[index / 8] >> index % 8 & 1)) {
            original(w, index, page);
            w->present[index / 8] |= 1u << index % 8;
        }
        if (is(filling, "page"))
            for (uint64_t i = 0; i < WORDS_PER_PAGE; i++)
                page[i] = splitmix(w->chain + i);
        else
            page[splitmix(w->chain) % WORDS_PER_PAGE] ^= w->chain | 1;
        w->written++;
    }
    for (uint64_t i = 0; i < audit_pages; i++)
        w->chain = w->chain * CHAIN_FACTOR + hash(w, w->swept++ % w->npages);
    w->history[w->computed++ % RING_HISTORY] = w->chain;
}

/* Brings the writer to the given step; the first writers of a ring only move together. */
static void compute(writer *w, unsigned thread, uint64_t step)
{
    const uint64_t writers = processes * threads;
    while (w->computed <= step) {
        if (processes == 1 || thread != 0) {
            advance(w, writers);
            continue;
        }
        uint64_t sent[PROCESSES_LIMIT];
        for (uint64_t p = 0; p < processes; p++)
            sent[p] = all[p * threads].chain;
        for (uint64_t p = 0; p < processes; p++) {
            writer *next = &all[p * threads];
            next->chain = next->chain * 31 + sent[(p + processes - 1) % processes];
            advance(next, writers);
        }
    }
}

static bool header(const char *line)
{
    if (sscanf(line,
               "# chain v2 size-mib=%" SCNu64 " pages-per-second=%" SCNu64 " step-us=%" SCNu64 " threads=%" SCNu64
               " processes=%" SCNu64 " audit-pages=%" SCNu64 " zero-percent=%" SCNu64 " seed=%" SCNu64
               " pattern=%23s phase-ms=%" SCNu64 " fill=%7s",
               &size_mib, &rate, &step_us, &threads, &processes, &audit_pages, &zero_percent, &seed, pattern, &phase_ms,
               filling) != 11)
        return false;
    if (!threads || threads > THREADS_LIMIT || !processes || processes > PROCESSES_LIMIT || !step_us || phase_ms < 20)
        return false;
    uint64_t npages = size_mib * 256 / (processes * threads);
    if (!npages || !(all = calloc(processes * threads, sizeof *all)))
        return false;
    for (uint64_t p = 0; p < processes; p++)
        for (uint64_t t = 0; t < threads; t++) {
            writer *w = &all[p * threads + t];
            w->identity = splitmix(seed) + (p * THREADS_LIMIT + t) * UINT64_C(0x10001000100);
            w->chain = w->identity;
            w->npages = npages;
            w->present = calloc(npages / 8 + 1, 1);
            w->pages = mmap(NULL, npages * WORDS_PER_PAGE * 8, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (!w->present || w->pages == MAP_FAILED)
                return false;
        }
    return true;
}

static writer *find(unsigned process, unsigned thread)
{
    return process < processes && thread < threads ? &all[process * threads + thread] : NULL;
}

static void audit(const char *line)
{
    unsigned process, thread;
    uint64_t step, sum, own = 0;
    if (sscanf(line, "# audit w=%u.%u step=%" SCNu64 " sum=%" SCNx64, &process, &thread, &step, &sum) != 4) {
        error("not a line of chain", line);
        return;
    }
    writer *w = find(process, thread);
    if (!w || w->computed == 0 || w->reported != step + 1 || w->audited) {
        error("audit of another step", line);
        return;
    }
    if (w->computed != step + 1) { /* a ring ends at one step, so nobody is ahead */
        error("audit behind the ring", line);
        return;
    }
    for (uint64_t i = 0; i < w->npages; i++)
        own = own * CHAIN_FACTOR + hash(w, i);
    if (own != sum)
        error("memory differs", line);
    w->audited = true;
    audits++;
}

static struct {
    double ms, from, to;
    unsigned long line;
    unsigned process, thread;
} largest;

static void step_line(const char *line, double after, double gaps_over)
{
    uint64_t step, chain;
    double t;
    unsigned process, thread;
    int used = 0;
    if (sscanf(line, "%" SCNu64 " %" SCNx64 " t=%lf w=%u.%u%n", &step, &chain, &t, &process, &thread, &used) != 5 ||
        line[used] != '\n') {
        error("not a line of chain", line);
        return;
    }
    writer *w = find(process, thread);
    if (!w) {
        error("no such writer", line);
        return;
    }
    lines++;
    if (w->audited || step < w->reported) {
        error("step again", line);
        return;
    }
    if (step > w->reported) {
        error("steps missing before this line", line);
        if (step - w->reported > 1000000)
            return;
    }
    w->reported = step + 1;
    compute(w, thread, step);
    if (w->computed - step > RING_HISTORY)
        error("too far behind its ring", line);
    else if (w->history[step % RING_HISTORY] != chain)
        error("wrong chain", line);
    double ms = (t - w->last_time) * 1000;
    if (w->seen && t >= after) {
        if (gaps_over >= 0 && ms > gaps_over)
            printf("gap ms=%.3f from=%.6f to=%.6f line=%lu writer=%u.%u\n", ms, w->last_time, t, line_number, process,
                   thread);
        if (ms > largest.ms) {
            largest.ms = ms;
            largest.from = w->last_time;
            largest.to = t;
            largest.line = line_number;
            largest.process = process;
            largest.thread = thread;
        }
    }
    w->seen = true;
    w->last_time = t;
}

int main(int argc, char **argv)
{
    double after = 0, gaps_over = -1;
    bool require_audit = false;
    for (int i = 2; i < argc; i++) {
        if (!strcmp(argv[i], "--require-audit"))
            require_audit = true;
        else if (!strcmp(argv[i], "--after") && i + 1 < argc)
            after = atof(argv[++i]);
        else if (!strcmp(argv[i], "--gaps-over") && i + 1 < argc)
            gaps_over = atof(argv[++i]);
        else
            argc = 0;
    }
    if (argc < 2) {
        fprintf(stderr, "usage: chainref LOG [--after SECONDS] [--gaps-over MILLIS] [--require-audit]\n");
        return 2;
    }
    FILE *log = fopen(argv[1], "r");
    if (!log) {
        perror(argv[1]);
        return 2;
    }
    char line[512];
    while (fgets(line, sizeof line, log)) {
        line_number++;
        if (!strchr(line, '\n'))
            error("line without an end", line);
        else if (line_number == 1) {
            if (!header(line)) {
                fprintf(stderr, "chainref: %s does not begin with the parameters of chain v2\n", argv[1]);
                return 2;
            }
        } else if (line[0] == '#')
            audit(line);
        else
            step_line(line, after, gaps_over);
    }
    if (ferror(log) || line_number == 0) {
        fprintf(stderr, "chainref: %s is empty or can't be read\n", argv[1]);
        return 2;
    }
    uint64_t steps = 0;
    for (uint64_t i = 0; i < processes * threads; i++) {
        if (!all[i].seen)
            error("writer without a line", "end of file");
        if (require_audit && !all[i].audited)
            error("writer without an audit", "end of file");
        steps += all[i].reported;
    }
    printf("largest ms=%.3f from=%.6f to=%.6f line=%lu writer=%u.%u\n", largest.ms, largest.from, largest.to,
           largest.line, largest.process, largest.thread);
    printf("checked lines=%lu writers=%" PRIu64 " steps=%" PRIu64 " audits=%lu errors=%lu\n", lines, processes * threads,
           steps, audits, errors);
    return errors != 0;
}
