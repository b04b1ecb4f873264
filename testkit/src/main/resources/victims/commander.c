// A process that does what it is told: one command a line on stdin, one answer a line on stdout. Ends with its stdin, so
// that it can't outlive the test. Addresses are hexadecimal, lengths and values decimal.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t signals;
static volatile uint64_t spins;
static volatile uint64_t wrong;

static void on_signal(int number) {
    (void)number;
    signals++;
}

// Keeps values in many registers and checks them all the time: a badly restored register shows up in `wrong`.
static void *spin(void *until_signal) {
    for (uint64_t n = 1; !until_signal || !signals; n++) {
        uint64_t a = n, b = n * 3, c = n * 5, d = n * 7, e = n * 11, f = n * 13;
        __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
        if (a + b + c + d + e + f != n * 40) wrong++;
        spins = n;
    }
    return NULL;
}

static void *sleeper(void *unused) {
    (void)unused;
    for (;;) {
        struct timespec left = {0, 20000000};
        if (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, NULL)) wrong++;
        spins++;
    }
    return NULL;
}

static uint8_t pattern(uintptr_t address, unsigned seed) {
    return (uint8_t)((address >> 12) * 31 + address * 7 + seed);
}

static void answer(const char *format, uint64_t value) {
    printf(format, value);
    putchar('\n');
    fflush(stdout);
}

int main(int count, char **arguments) {
    char line[256], word[32];
    pthread_t thread;
    (void)count;
    signal(SIGUSR1, on_signal);
    answer("ready %lu", (uint64_t)getpid());
    while (fgets(line, sizeof line, stdin)) {
        uint64_t a = 0, b = 0, c = 0;
        if (sscanf(line, "%31s", word) != 1) continue;
        const char *rest = line + strlen(word);
        if (!strcmp(word, "map") || !strcmp(word, "shared")) {
            sscanf(rest, "%lu", &a);
            int flags = (word[0] == 'm' ? MAP_PRIVATE : MAP_SHARED) | MAP_ANONYMOUS;
            void *p = mmap(NULL, a, PROT_READ | PROT_WRITE, flags, -1, 0);
            if (p != MAP_FAILED) madvise(p, a, MADV_NOHUGEPAGE);
            answer("%lx", p == MAP_FAILED ? 0 : (uint64_t)p);
        } else if (!strcmp(word, "unmap")) {
            sscanf(rest, "%lx %lu", &a, &b);
            answer("%lu", (uint64_t)munmap((void *)a, b));
        } else if (!strcmp(word, "fill")) {
            sscanf(rest, "%lx %lu %lu", &a, &b, &c);
            for (uint64_t i = a; i < a + b; i++) *(volatile uint8_t *)i = pattern(i, c);
            answer("%lu", b);
        } else if (!strcmp(word, "check")) {
            sscanf(rest, "%lx %lu %lu", &a, &b, &c);
            uint64_t bad = 0;
            for (uint64_t i = a; i < a + b; i++) bad += *(volatile uint8_t *)i != pattern(i, c);
            answer("%lu", bad);
        } else if (!strcmp(word, "write")) {
            sscanf(rest, "%lx %lu", &a, &b);
            *(volatile uint8_t *)a = (uint8_t)b;
            answer("%lu", b);
        } else if (!strcmp(word, "stride")) { // writes a byte every c bytes
            sscanf(rest, "%lx %lu %lu", &a, &b, &c);
            for (uint64_t i = a; i < a + b; i += c) (*(volatile uint8_t *)i)++;
            answer("%lu", b / c);
        } else if (!strcmp(word, "read")) {
            sscanf(rest, "%lx", &a);
            answer("%lu", *(volatile uint8_t *)a);
        } else if (!strcmp(word, "kernelwrite")) { // the kernel writes for us
            sscanf(rest, "%lx %lu", &a, &b);
            int fd = open("/dev/zero", O_RDONLY);
            answer("%lu", (uint64_t)read(fd, (void *)a, b));
            close(fd);
        } else if (!strcmp(word, "dontneed")) {
            sscanf(rest, "%lx %lu", &a, &b);
            answer("%lu", (uint64_t)madvise((void *)a, b, MADV_DONTNEED));
        } else if (!strcmp(word, "protect")) {
            sscanf(rest, "%lx %lu %lu", &a, &b, &c);
            answer("%lu", (uint64_t)mprotect((void *)a, b, c));
        } else if (!strcmp(word, "move")) {
            sscanf(rest, "%lx %lu", &a, &b);
            void *to = mmap(NULL, b, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            answer("%lx", (uint64_t)mremap((void *)a, b, b, MREMAP_MAYMOVE | MREMAP_FIXED, to));
        } else if (!strcmp(word, "fork")) { // the child takes our place at stdin, we wait for it
            pid_t child = fork();
            if (child == 0) {
                answer("%lu", (uint64_t)getpid());
            } else {
                waitpid(child, NULL, 0);
                exit(0);
            }
        } else if (!strcmp(word, "exec")) {
            execl("/proc/self/exe", arguments[0], (char *)NULL);
            answer("%lu", (uint64_t)errno);
        } else if (!strcmp(word, "spin") || !strcmp(word, "sleeper")) {
            answer("%lu", (uint64_t)pthread_create(&thread, NULL, word[1] == 'p' ? spin : sleeper, NULL));
        } else if (!strcmp(word, "spinhere")) { // answers at once, and once more after a SIGUSR1
            answer("%lu", 0);
            spin(line);
            answer("%lu", wrong);
        } else if (!strcmp(word, "nap")) { // sleeps this many ms in one system call, answers how many it took
            sscanf(rest, "%lu", &a);
            struct timespec length = {a / 1000, (a % 1000) * 1000000}, from, to;
            clock_gettime(CLOCK_MONOTONIC, &from);
            int error = clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL);
            clock_gettime(CLOCK_MONOTONIC, &to);
            if (error) wrong++;
            answer("%lu", (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000);
        } else if (!strcmp(word, "vfork")) { // nothing but an end stops us for this many ms
            sscanf(rest, "%lu", &a);
            pid_t child = vfork();
            if (!child) {
                struct timespec t = {(long)a / 1000, (long)a % 1000 * 1000000};
                nanosleep(&t, NULL);
                _exit(0);
            }
            waitpid(child, NULL, 0);
            answer("%lu", child < 0);
        } else if (!strcmp(word, "spins")) {
            answer("%lu", spins);
        } else if (!strcmp(word, "wrong")) {
            answer("%lu", wrong);
        } else if (!strcmp(word, "signals")) {
            answer("%lu", (uint64_t)signals);
        } else if (!strcmp(word, "descriptors")) {
            uint64_t open_now = 0;
            for (int fd = 0; fd < 1024; fd++) open_now += fcntl(fd, F_GETFD) >= 0;
            answer("%lu", open_now);
        } else if (!strcmp(word, "nobody")) { // an unprivileged process that can't get privileges
            if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || setgid(65534) || setuid(65534)) wrong++;
            answer("%lu", (uint64_t)getuid());
        } else if (!strcmp(word, "forbid")) { // from now on userfaultfd kills us
            struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_userfaultfd, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
            };
            struct sock_fprog filter = {sizeof code / sizeof *code, code};
            int failed = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
            answer("%lu", failed);
        } else if (!strcmp(word, "trace")) {
            sscanf(rest, "%lu", &a);
            answer("%lu", (uint64_t)ptrace(PTRACE_SEIZE, (pid_t)a, NULL, NULL));
        } else if (!strcmp(word, "exit")) {
            sscanf(rest, "%lu", &a);
            return (int)a;
        } else {
            printf("unknown command %s\n", word);
            fflush(stdout);
        }
    }
    return 0;
}
