// A workload that notices when it is frozen badly. The init of a PID namespace and its child, each with threads that make
// system calls all the time and count what they did, at a fixed address where a test finds it from outside. A call that
// returns something else than it would if nobody had stopped the thread is counted as an error.
//
// freezable PIDFILE threads   init and a child, seven threads each
// freezable PIDFILE forks     the same, and the child forks and reaps all the time
// freezable PIDFILE vfork     the init waits for its vfork child in state D for SECONDS (third argument)
// freezable PIDFILE many N    N threads that sleep
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PIPE_WRITER, PIPE_READER, CALLER, SPINNER, SLEEPER, LOCK_A, LOCK_B, FORKER, ERRORS, COUNTERS };

#define COUNTER_ADDRESS ((void *)0x200000000000)

static volatile uint64_t *counters;
static int pipe_ends[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t shared_a, shared_b;

static void count(void) {
    counters = mmap(COUNTER_ADDRESS, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memset((void *)counters, 0, 4096);
}

static void failed(void) {
    __atomic_fetch_add(&counters[ERRORS], 1, __ATOMIC_SEQ_CST);
}

static void *write_pipe(void *unused) {
    for (uint64_t next = 0;; next++) {
        if (write(pipe_ends[1], &next, sizeof next) != sizeof next) failed();
        counters[PIPE_WRITER]++;
    }
    return unused;
}

static void *read_pipe(void *unused) {
    for (uint64_t next = 0, got;; next++) {
        if (read(pipe_ends[0], &got, sizeof got) != sizeof got || got != next) failed();
        counters[PIPE_READER]++;
    }
    return unused;
}

static void *make_calls(void *unused) {
    for (;;) {
        int fd = open("/proc/self/stat", O_RDONLY);
        char text[64];
        if (fd < 0 || read(fd, text, sizeof text) <= 0 || close(fd)) failed();
        counters[CALLER]++;
    }
    return unused;
}

static void *spin(void *unused) {
    for (;;) counters[SPINNER]++;
    return unused;
}

static void *sleep_little(void *unused) {
    struct timespec little = {0, 1000000};
    for (;;) {
        if (nanosleep(&little, NULL)) failed();
        counters[SLEEPER]++;
    }
    return unused;
}

static void *lock_and_unlock(void *mine) {
    for (;;) {
        pthread_mutex_lock(&mutex);
        if (shared_a != shared_b) failed();
        shared_a++;
        shared_b++;
        pthread_mutex_unlock(&mutex);
        counters[(intptr_t)mine]++;
    }
    return NULL;
}

static void start(void *(*work)(void *), intptr_t argument) {
    pthread_attr_t small;
    pthread_t thread;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    if (pthread_create(&thread, &small, work, (void *)argument)) failed();
}

static void work(int forks) {
    count();
    if (pipe(pipe_ends)) failed();
    start(write_pipe, 0);
    start(read_pipe, 0);
    start(make_calls, 0);
    start(spin, 0);
    start(sleep_little, 0);
    start(lock_and_unlock, LOCK_A);
    start(lock_and_unlock, LOCK_B);
    while (forks) {
        int status;
        pid_t child = fork();
        if (child == 0) _exit(7);
        if (child < 0 || waitpid(child, &status, 0) != child || status != 7 << 8) failed();
        counters[FORKER]++;
    }
}

static void *sleep_long(void *unused) {
    for (;;) pause();
    return unused;
}

static int init(char **arguments) {
    setsid();
    if (!strcmp(arguments[0], "vfork")) {
        count();
        for (;;) {
            struct timespec rest = {atoi(arguments[1]), 0}, little = {0, 10000000};
            if (vfork() == 0) {
                syscall(SYS_nanosleep, &rest, NULL);
                _exit(0);
            }
            while (waitpid(-1, NULL, 0) < 0 && errno == EINTR) {}
            counters[CALLER]++;
            nanosleep(&little, NULL);
        }
    }
    if (!strcmp(arguments[0], "many")) {
        count();
        for (int i = atoi(arguments[1]); i > 1; i--) start(sleep_long, 0);
    } else {
        pid_t child = fork();
        if (child == 0) work(!strcmp(arguments[0], "forks"));
        if (child > 0) work(0);
    }
    for (;;) pause();
}

int main(int count, char **arguments) {
    if (count < 3) return 2;
    pid_t child = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
    if (child < 0) return 1;
    if (child == 0) return init(arguments + 2);
    FILE *file = fopen(arguments[1], "w");
    if (!file || fprintf(file, "%d\n", child) < 0 || fclose(file)) return 1;
    int status = 0;
    waitpid(child, &status, 0);
    file = fopen(arguments[1], "w");
    if (file) fprintf(file, "status %d\n", status);
    return 0;
}
