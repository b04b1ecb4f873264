/*
 * Init of a container that checks on itself what chain.c does not: registers, timers, positions of files, contents of a
 * pipe and of a socket pair. Runs a command as its child.
 *
 *   guards --log FILE [--without registers,timers,files,pipe,sockets] -- COMMAND [ARGUMENT...]
 *
 * Writes record i, "%015u\n", at position 16 * i of FILE (without O_APPEND: the position is the descriptor's) when
 * every guard has had its turn again since record i - 1:
 *
 *   registers   two threads hold a pattern in rbx, rbp, r8 to r10, r14, r15 and all xmm (ymm where the CPU has them),
 *               spin, sleep in a system call, and compare
 *   timers      an interval timer, a POSIX timer and a timerfd have each fired again; the periods of the first two are
 *               what was set. The timerfd is set anew each time: criu 3.17 stops one with a period that is due and unread
 *   files       record i - 8 is read back by a second descriptor with a position of its own
 *   pipe        a block is written and the one of 8 turns before is read: 8 are always on their way
 *   sockets     the same through a socket pair
 *
 * What does not hold is written to FILE.errors, a line each, at once; a guard that is dead
 * shows as records that no longer come. SIGTERM is passed on to the child; when that has ended, the last line of
 * FILE.errors says `ended records=N turns=N errors=N child=STATUS`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LAG = 8, BLOCK = 64, RECORD = 16, THREADS = 2, VECTORS = 16, PERIOD_NS = 20000000, SPINS = 20000 };
enum { REGISTERS = 1, TIMERS = 2, FILES = 4, PIPE = 8, SOCKETS = 16, ALL = 31 };

static const struct { const char *name; int flag; } guards[] = {
    {"registers", REGISTERS}, {"timers", TIMERS}, {"files", FILES}, {"pipe", PIPE}, {"sockets", SOCKETS}};

static int errors_fd = -1, log_fd = -1, back_fd = -1, timer_fd = -1, pipes[2] = {-1, -1}, sockets[2] = {-1, -1};
static timer_t posix_timer;
static volatile sig_atomic_t alarms, timer_signals, asked_to_stop, child_changed;
static _Atomic unsigned errors;
static _Atomic uint64_t turns[THREADS];

static void say(const char *format, ...)
{
    char line[200];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0 || n >= (int)sizeof line || write(errors_fd, line, n) != n)
        _exit(3);
}

static void wrong(const char *what, uint64_t turn)
{
    atomic_fetch_add(&errors, 1);
    say("wrong %s in turn %ju\n", what, (uintmax_t)turn);
}

static void die(const char *what)
{
    say("died of %s: %s\n", what, strerror(errno));
    _exit(1);
}

struct held { uint8_t vector[VECTORS][32]; uint64_t general[7]; };

/* Loads all registers, spins, sleeps in nanosleep(2), stores them. rcx and r11 are the system call's own. What the
 * compiler may have put into the 128 bytes below the stack pointer is stepped over. */
#define HOLD(move, reg, tail)                                                                                       \
    "sub $128, %%rsp\n push %%rbp\n push %%rbx\n"                                                                    \
    "mov 512(%%r12), %%rbx\n mov 520(%%r12), %%rbp\n mov 528(%%r12), %%r8\n mov 536(%%r12), %%r9\n"                 \
    "mov 544(%%r12), %%r10\n mov 552(%%r12), %%r14\n mov 560(%%r12), %%r15\n"                                       \
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n " move " 32*\\n(%%r12), %%" reg "\\n\n .endr\n"                \
    "1: pause\n dec %%rdx\n jnz 1b\n xor %%esi, %%esi\n mov $35, %%eax\n syscall\n"                                 \
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n " move " %%" reg "\\n, 32*\\n(%%r13)\n .endr\n"                \
    "mov %%rbx, 512(%%r13)\n mov %%rbp, 520(%%r13)\n mov %%r8, 528(%%r13)\n mov %%r9, 536(%%r13)\n"                 \
    "mov %%r10, 544(%%r13)\n mov %%r14, 552(%%r13)\n mov %%r15, 560(%%r13)\n" tail                                  \
    "pop %%rbx\n pop %%rbp\n add $128, %%rsp\n"

#define HOLD_ASM(move, reg, tail)                                                                                   \
    __asm__ volatile(HOLD(move, reg, tail)                                                                          \
                     : "+r"(spins), "+r"(pause_at)                                                                  \
                     : "r"(from), "r"(to)                                                                           \
                     : "rax", "rcx", "rsi", "r8", "r9", "r10", "r11", "r14", "r15", "memory", "cc", "xmm0", "xmm1", \
                       "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",   \
                       "xmm13", "xmm14", "xmm15")

static __attribute__((noinline)) void hold(const struct held *given, struct held *found, const struct timespec *nap,
                                           int wide)
{
    register const struct held *from __asm__("r12") = given;
    register struct held *to __asm__("r13") = found;
    register const struct timespec *pause_at __asm__("rdi") = nap;
    register uint64_t spins __asm__("rdx") = SPINS;
    if (wide)
        HOLD_ASM("vmovdqu", "ymm", "vzeroupper\n");
    else
        HOLD_ASM("movdqu", "xmm", "");
}

static void *hold_registers(void *argument)
{
    unsigned self = (uintptr_t)argument;
    int wide = __builtin_cpu_supports("avx") != 0;
    struct timespec nap = {0, 2000000};
    for (uint64_t turn = 0;; turn++) {
        struct held given, found;
        memset(&given, 0, sizeof given);
        memset(&found, 0, sizeof found);
        for (unsigned i = 0; i < VECTORS; i++)
            for (unsigned b = 0; b < (wide ? 32 : 16); b++)
                given.vector[i][b] = turn * 31 + self * 101 + i * 17 + b;
        for (unsigned i = 0; i < 7; i++)
            given.general[i] = (turn + 1) * UINT64_C(0x9e3779b97f4a7c15) + self * 8 + i;
        hold(&given, &found, &nap, wide);
        if (memcmp(&given, &found, sizeof given))
            wrong("registers", turn);
        atomic_fetch_add(&turns[self], 1);
    }
    return NULL;
}

static void on_signal(int signal)
{
    if (signal == SIGALRM)
        alarms++;
    else if (signal == SIGTERM)
        asked_to_stop = 1;
    else if (signal == SIGCHLD)
        child_changed = 1;
    else
        timer_signals++;
}

static void start_timers(void)
{
    struct itimerval interval = {{0, PERIOD_NS / 1000}, {0, PERIOD_NS / 1000}};
    struct itimerspec period = {{0, PERIOD_NS}, {0, PERIOD_NS}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (setitimer(ITIMER_REAL, &interval, NULL) || timer_create(CLOCK_MONOTONIC, &event, &posix_timer) ||
        timer_settime(posix_timer, 0, &period, NULL) || timer_fd < 0)
        die("timers");
}

static void whole(int fd, void *buffer, size_t size, int writing)
{
    for (size_t done = 0; done < size;) {
        char *at = (char *)buffer + done;
        ssize_t n = writing ? write(fd, at, size - done) : read(fd, at, size - done);
        if (n > 0)
            done += n;
        else if (n == 0 || errno != EINTR)
            die(writing ? "write" : "read");
    }
}

/* Until each has fired again. The signals are blocked but here. */
static void await_timers(uint64_t turn)
{
    sigset_t none;
    sigemptyset(&none);
    struct itimerspec once = {{0, 0}, {0, PERIOD_NS}};
    if (timerfd_settime(timer_fd, 0, &once, NULL))
        die("timerfd");
    sig_atomic_t alarms_before = alarms, signals_before = timer_signals;
    while ((alarms == alarms_before || timer_signals == signals_before) && !asked_to_stop)
        sigsuspend(&none);
    uint64_t fired;
    whole(timer_fd, &fired, sizeof fired, 0);
    if (fired != 1)
        wrong("expirations of the timerfd", turn);
    struct itimerval interval;
    struct itimerspec posix;
    if (getitimer(ITIMER_REAL, &interval) || timer_gettime(posix_timer, &posix))
        die("timers");
    /* the kernel rounds an interval timer's microseconds up to its own clock's */
    if (interval.it_interval.tv_sec || interval.it_interval.tv_usec / 1000 != PERIOD_NS / 1000000 ||
        posix.it_interval.tv_sec || posix.it_interval.tv_nsec != PERIOD_NS)
        wrong("period of a timer", turn);
}

static void block(uint64_t turn, unsigned kind, uint8_t *to)
{
    for (unsigned i = 0; i < BLOCK; i++)
        to[i] = turn * 7 + kind * 59 + i;
}

static void pass(int in, int out, uint64_t turn, unsigned kind, const char *what)
{
    uint8_t sent[BLOCK], wanted[BLOCK], got[BLOCK];
    block(turn, kind, sent);
    whole(in, sent, BLOCK, 1);
    if (turn < LAG)
        return;
    block(turn - LAG, kind, wanted);
    whole(out, got, BLOCK, 0);
    if (memcmp(wanted, got, BLOCK))
        wrong(what, turn);
}

static void record(uint64_t turn, int with)
{
    char text[32], wanted[32], got[RECORD];
    snprintf(text, sizeof text, "%015ju\n", (uintmax_t)turn);
    whole(log_fd, text, RECORD, 1);
    if (!(with & FILES) || turn < LAG)
        return;
    snprintf(wanted, sizeof wanted, "%015ju\n", (uintmax_t)(turn - LAG));
    whole(back_fd, got, RECORD, 0);
    if (memcmp(wanted, got, RECORD))
        wrong("record", turn);
    if (lseek(log_fd, 0, SEEK_CUR) != (off_t)((turn + 1) * RECORD) ||
        lseek(back_fd, 0, SEEK_CUR) != (off_t)((turn + 1 - LAG) * RECORD))
        wrong("position", turn);
}

static void await_registers(const uint64_t *before)
{
    struct timespec nap = {0, 1000000};
    for (unsigned i = 0; i < THREADS; i++)
        while (atomic_load(&turns[i]) == before[i] && !asked_to_stop)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
}

static int options(int argc, char **argv, const char **log)
{
    int with = ALL, i = 1;
    for (; i + 1 < argc && strcmp(argv[i], "--"); i += 2) {
        if (!strcmp(argv[i], "--log"))
            *log = argv[i + 1];
        else if (!strcmp(argv[i], "--without"))
            for (unsigned g = 0; g < sizeof guards / sizeof *guards; g++)
                with &= strstr(argv[i + 1], guards[g].name) ? ~guards[g].flag : ALL;
        else
            break;
    }
    if (!*log || i + 1 >= argc || strcmp(argv[i], "--")) {
        fprintf(stderr, "usage: guards --log FILE [--without GUARD,...] -- COMMAND [ARGUMENT...]\n");
        exit(2);
    }
    return with;
}

static pid_t launch(int argc, char **argv)
{
    int command = 1;
    while (command < argc && strcmp(argv[command], "--"))
        command++;
    pid_t child = fork();
    if (child == 0) {
        execv(argv[command + 1], argv + command + 1);
        _exit(127);
    }
    if (child < 0)
        die("fork");
    return child;
}

int main(int argc, char **argv)
{
    const char *log = NULL;
    int with = options(argc, argv, &log);
    char errors_log[4096];
    snprintf(errors_log, sizeof errors_log, "%s.errors", log);
    errors_fd = open(errors_log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    log_fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (errors_fd < 0 || log_fd < 0) {
        fprintf(stderr, "guards: %s: %s\n", log, strerror(errno));
        return 2;
    }
    pid_t child = launch(argc, argv);
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t held;
    sigemptyset(&held);
    for (const int *s = (const int[]){SIGALRM, SIGTERM, SIGCHLD, SIGRTMIN, 0}; *s; s++) {
        sigaddset(&held, *s);
        if (sigaction(*s, &action, NULL))
            die("sigaction");
    }
    if (pthread_sigmask(SIG_BLOCK, &held, NULL))
        die("sigmask");
    if (((with & FILES) && (back_fd = open(log, O_RDONLY | O_CLOEXEC)) < 0) || 
        ((with & PIPE) && pipe2(pipes, O_CLOEXEC)) ||
        ((with & SOCKETS) && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets)))
        die("descriptors");
    pthread_t thread;
    for (uintptr_t i = 0; i < THREADS && (with & REGISTERS); i++)
        if ((errno = pthread_create(&thread, NULL, hold_registers, (void *)i)))
            die("pthread_create");
    if (with & TIMERS)
        start_timers();
    uint64_t turn = 0;
    struct timespec period = {0, PERIOD_NS};
    for (; !asked_to_stop; turn++) {
        uint64_t before[THREADS] = {atomic_load(&turns[0]), atomic_load(&turns[1])};
        sigset_t pending;
        if (with & TIMERS)
            await_timers(turn);
        else
            clock_nanosleep(CLOCK_MONOTONIC, 0, &period, NULL);
        if (with & REGISTERS)
            await_registers(before);
        if (with & PIPE)
            pass(pipes[1], pipes[0], turn, 1, "bytes of the pipe");
        if (with & SOCKETS)
            pass(sockets[0], sockets[1], turn, 2, "bytes of the sockets");
        record(turn, with);
        if (sigpending(&pending) == 0 && (sigismember(&pending, SIGTERM) || sigismember(&pending, SIGCHLD))) {
            sigset_t none;
            sigemptyset(&none);
            sigsuspend(&none);
        }
        if (child_changed)
            break;
    }
    int status = 0;
    if (!child_changed)
        kill(child, SIGTERM);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    uint64_t all_turns = atomic_load(&turns[0]) + atomic_load(&turns[1]);
    say("ended records=%ju turns=%ju errors=%u child=%d\n", (uintmax_t)turn, (uintmax_t)all_turns, atomic_load(&errors),
        status);
    return 0;
}
