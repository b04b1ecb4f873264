// Changes its memory in every way the kernel knows, on command: one command a line on stdin, one answer a line on
// stdout. Addresses are hexadecimal, lengths are decimal bytes. Ends with its stdin. `fork` answers with the number of
// a child, which obeys the same commands: `child N COMMAND`.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/userfaultfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define CHILDREN 64
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

static struct {
    pid_t pid;
    FILE *to, *from;
} child[CHILDREN];
static int children;
static char *self;

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void fill(char *at, size_t length, uint64_t seed) {
    uint64_t state = seed * 0x9e3779b97f4a7c15UL + 1;
    for (size_t i = 0; i + 8 <= length; i += 8) {
        uint64_t word = next(&state);
        memcpy(at + i, &word, 8);
    }
}

static char *map(size_t length) {
    void *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static __attribute__((noinline)) uint64_t deep(long levels, uint64_t seed) {
    volatile char room[3000];
    fill((char *)room, sizeof room, seed + levels);
    return levels > 0 ? deep(levels - 1, seed) + (uint64_t)room[7] : (uint64_t)room[5];
}

static volatile uint64_t sink;

static void *deep_thread(void *levels) {
    sink = deep((long)levels, 77);
    for (;;) pause();
    return NULL;
}

static void *vfork_thread(void *millis) {
    pid_t pid = vfork();
    if (pid == 0) {
        struct timespec t = {(long)millis / 1000, (long)millis % 1000 * 1000000};
        nanosleep(&t, NULL);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    return NULL;
}

struct arena {
    char *base;
    size_t length;
    uint64_t seed;
};

static void *scribble(void *argument) {
    struct arena *arena = argument;
    uint64_t state = arena->seed;
    for (;;) {
        uint64_t r = next(&state);
        memcpy(arena->base + r % (arena->length - 8), &r, 8);
        if (r % 64 == 0) sched_yield();
    }
    return NULL;
}

static void start_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument)) abort();
    pthread_detach(thread);
}

static long do_fork(void) {
    int down[2], up[2];
    if (children == CHILDREN || pipe(down) || pipe(up)) return -1;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(down[0], 0);
        dup2(up[1], 1);
        close(down[0]), close(down[1]), close(up[0]), close(up[1]);
        clearerr(stdin);
        children = 0;
        return -2;
    }
    close(down[0]), close(up[1]);
    child[children].pid = pid;
    child[children].to = fdopen(down[1], "w");
    child[children].from = fdopen(up[0], "r");
    return children++;
}

// A child that lives for a moment, writes to what it inherited and ends.
static void short_child(char *at, size_t length, uint64_t seed) {
    pid_t pid = fork();
    if (pid == 0) {
        uint64_t state = seed | 1;
        for (int i = 0; i < 200; i++) {
            uint64_t r = next(&state);
            memcpy(at + r % (length - 8), &r, 8);
            struct timespec t = {0, 100000};
            nanosleep(&t, NULL);
        }
        _exit(0);
    }
}

static uint64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// Several mappings are moved by one mremap since Linux 6.17, but not when a userfaultfd has them: then it fails, and
// those before the first such one have moved already.
static void give_up(char **slot, size_t *pages) {
    munmap(*slot, *pages * PAGE);
    *slot = NULL;
    *pages = 0;
}

// Every kind of change in random order, for a time.
static void stir(uint64_t millis, uint64_t seed) {
    enum { SLOTS = 24, MAX_PAGES = 256 };
    static char *slot[SLOTS];
    static size_t pages[SLOTS];
    static struct arena arena;
    uint64_t state = seed * 2 + 1, end = now_ms() + millis;
    if (!arena.base) {
        arena = (struct arena){map(512 * PAGE), 512 * PAGE, seed * 4 + 3};
        start_thread(scribble, &arena);
    }
    while (now_ms() < end) {
        uint64_t r = next(&state);
        int i = r % SLOTS;
        size_t n = 1 + (r >> 8) % MAX_PAGES, at = pages[i] ? (r >> 20) % pages[i] : 0;
        size_t part = pages[i] ? 1 + (r >> 32) % (pages[i] - at) : 0;
        char *target = slot[i] + at * PAGE;
        if (!slot[i]) {
            slot[i] = map(n * PAGE);
            pages[i] = n;
            if (r & 1 << 7) fill(slot[i], n * PAGE, r);
            continue;
        }
        switch ((r >> 40) % 16) {
            case 0:
                munmap(slot[i], pages[i] * PAGE);
                slot[i] = NULL, pages[i] = 0;
                break;
            case 1: madvise(target, part * PAGE, MADV_DONTNEED); break;
            case 2: {
                void *moved = mremap(slot[i], pages[i] * PAGE, n * PAGE, MREMAP_MAYMOVE);
                if (moved != MAP_FAILED) slot[i] = moved, pages[i] = n;
                else give_up(&slot[i], &pages[i]);
                break;
            }
            case 3: {
                char *place = map(pages[i] * PAGE);
                void *moved = mremap(slot[i], pages[i] * PAGE, pages[i] * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
                if (moved != MAP_FAILED) {
                    slot[i] = moved;
                } else {
                    munmap(place, pages[i] * PAGE);
                    give_up(&slot[i], &pages[i]);
                }
                break;
            }
            case 4:
                mmap(target, part * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
                break;
            case 5:
                mprotect(target, part * PAGE, PROT_READ);
                sink = *(volatile char *)target;
                mprotect(slot[i], pages[i] * PAGE, PROT_READ | PROT_WRITE);
                break;
            case 6:
                mprotect(target, part * PAGE, PROT_NONE);
                sched_yield();
                mprotect(slot[i], pages[i] * PAGE, PROT_READ | PROT_WRITE);
                break;
            case 7: {
                char *top = sbrk(0);
                if ((r >> 44) & 1) {
                    if (sbrk(part * PAGE) != (void *)-1) fill(top, part * PAGE, r);
                } else {
                    madvise(target, part * PAGE, MADV_FREE);
                }
                break;
            }
            case 8:
                if ((r >> 44) % 8 == 0) short_child(target, part * PAGE, r);
                break;
            case 9: memset(target, 0, part * PAGE); break;
            case 10: sink = deep((r >> 44) % 64, r); break;
            default: fill(target, part * PAGE, r);
        }
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        if (r % 32 == 0) {
            struct timespec t = {0, 200000};
            nanosleep(&t, NULL);
        }
    }
}

// no_new_privs and a filter that kills whoever calls userfaultfd.
static int lock_up(void) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_userfaultfd, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int own_userfaultfd(char *at, size_t length) {
    int fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
    struct uffdio_api api = {.api = UFFD_API};
    struct uffdio_register r = {.range = {(uintptr_t)at, length}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    return fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &r);
}

static void answer(uint64_t value) {
    printf("%lx\n", value);
    fflush(stdout);
}

static void forward(unsigned n, const char *command) {
    char line[256];
    if (n >= (unsigned)children) abort();
    fputs(command, child[n].to);
    fflush(child[n].to);
    if (!fgets(line, sizeof line, child[n].from)) strcpy(line, "dead\n");
    fputs(line, stdout);
    fflush(stdout);
}

static void obey(char *line) {
    char word[32] = "";
    uint64_t a = 0, b = 0, c = 0;
    int used = 0;
    sscanf(line, "%31s %n", word, &used);
    char *rest = line + used;
    if (!strcmp(word, "child")) {
        unsigned n = strtoul(rest, &rest, 10);
        forward(n, rest + 1);
        return;
    }
    if (strstr(" map reserve shared huge brk deep thread vfork stir ", word)) {
        sscanf(rest, "%lu %lu", &b, &c);
    } else {
        sscanf(rest, "%lx %lu %lu", &a, &b, &c);
    }
    char *at = (char *)a;
    uint64_t result = 0;
    if (!strcmp(word, "map")) {
        result = (uint64_t)map(b);
    } else if (!strcmp(word, "mapat")) {
        result = (uint64_t)mmap(at, b, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    } else if (!strcmp(word, "reserve")) {
        result = (uint64_t)mmap(NULL, b, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    } else if (!strcmp(word, "shared")) {
        result = (uint64_t)mmap(NULL, b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    } else if (!strcmp(word, "huge")) {
        char *room = map(b + (2 << 20));
        room = (char *)(((uintptr_t)room + (2 << 20) - 1) & ~((2UL << 20) - 1));
        madvise(room, b, MADV_HUGEPAGE);
        fill(room, b, c);
        result = (uint64_t)room;
    } else if (!strcmp(word, "write")) {
        fill(at, b, c);
    } else if (!strcmp(word, "zero")) {
        memset(at, 0, b);
    } else if (!strcmp(word, "touch")) {
        for (size_t i = 0; i < b; i += PAGE) sink += *(volatile char *)(at + i);
    } else if (!strcmp(word, "pull")) {
        int fd = open("/dev/urandom", O_RDONLY);
        result = read(fd, at, b);
        close(fd);
    } else if (!strcmp(word, "unmap")) {
        result = munmap(at, b);
    } else if (!strcmp(word, "remap")) {
        result = (uint64_t)mremap(at, b, c, 0);
    } else if (!strcmp(word, "move")) {
        result = (uint64_t)mremap(at, b, c, MREMAP_MAYMOVE | MREMAP_FIXED, map(c));
    } else if (!strcmp(word, "drop")) {
        result = madvise(at, b, MADV_DONTNEED);
    } else if (!strcmp(word, "guard")) {
        result = madvise(at, b, MADV_GUARD_INSTALL);
    } else if (!strcmp(word, "protect")) {
        result = mprotect(at, b, (int)c);
    } else if (!strcmp(word, "lock")) {
        result = mlock(at, b);
    } else if (!strcmp(word, "brk")) {
        char *top = sbrk((intptr_t)b);
        fill(top, b, c);
        result = (uint64_t)top;
    } else if (!strcmp(word, "shrink")) {
        result = (uint64_t)sbrk(-(intptr_t)a);
    } else if (!strcmp(word, "deep")) {
        sink = deep((long)b, c);
    } else if (!strcmp(word, "thread")) {
        start_thread(deep_thread, (void *)b);
    } else if (!strcmp(word, "vfork")) {
        start_thread(vfork_thread, (void *)b);
    } else if (!strcmp(word, "stir")) {
        stir(b, c);
    } else if (!strcmp(word, "fork")) {
        long n = do_fork();
        if (n == -2) return;
        result = n;
    } else if (!strcmp(word, "reap")) {
        fclose(child[a].to);
        fclose(child[a].from);
        waitpid(child[a].pid, NULL, 0);
    } else if (!strcmp(word, "exec")) {
        fflush(stdout);
        execl(self, self, NULL);
        result = errno;
    } else if (!strcmp(word, "seccomp")) {
        result = lock_up();
    } else if (!strcmp(word, "uffd")) {
        result = own_userfaultfd(at, b);
    } else {
        fprintf(stderr, "unknown command: %s", line);
        exit(2);
    }
    answer(result);
}

int main(int count, char **arguments) {
    (void)count;
    self = arguments[0];
    setvbuf(stdin, NULL, _IONBF, 0);
    char line[256];
    answer(0);
    while (fgets(line, sizeof line, stdin)) obey(line);
    return 0;
}
