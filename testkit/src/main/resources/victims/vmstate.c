/*
 * Init of a PID namespace that has one of each kind of state which a kernel keeps for processes: threads, children (one of
 * them dead, one stopped), signals that wait, timers that are far from ringing, mappings with all kinds of flags. It sets
 * them up, says "ready" in the file that its argument names, and rests: what is compared is what the kernel knows of it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define AREA (64 * PAGE)

static pthread_barrier_t settled;
static char alternate[2][32768];

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(1);
	}
}

static void handler(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
}

static void on_alternate_stack(int which)
{
	stack_t stack = {.ss_sp = alternate[which], .ss_size = sizeof(alternate[which])};
	must(sigaltstack(&stack, NULL) == 0, "sigaltstack");
}

static void *area(int protection, int flags, int advice)
{
	char *at = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	must(at != MAP_FAILED, "mmap");
	for (int i = 0; i < AREA; i += 3 * PAGE)
		memset(at + i, 1 + i / PAGE, PAGE / 2);
	if (advice)
		must(madvise(at, AREA, advice) == 0, "madvise");
	must(mprotect(at, AREA, protection) == 0, "mprotect");
	return at;
}

static void mappings(void)
{
	area(PROT_READ | PROT_WRITE, 0, 0);
	area(PROT_READ, 0, MADV_DONTFORK);
	area(PROT_READ | PROT_WRITE, 0, MADV_DONTDUMP);
	area(PROT_READ | PROT_EXEC, 0, MADV_RANDOM);
	area(PROT_READ | PROT_WRITE, 0, MADV_SEQUENTIAL);
	area(PROT_NONE, 0, 0);
	area(PROT_READ | PROT_WRITE, MAP_NORESERVE, MADV_NOHUGEPAGE);
	area(PROT_READ | PROT_WRITE, 0, MADV_WIPEONFORK);
	/* pages that were only read: the page of zeros */
	char *zeros = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile char sum = 0;
	for (int i = 0; i < AREA; i += PAGE)
		sum += zeros[i];
	char *locked = area(PROT_READ | PROT_WRITE, 0, 0);
	must(mlock(locked, AREA) == 0, "mlock");
	/* huge pages, partly unmapped */
	char *huge = mmap(NULL, 6 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(huge != MAP_FAILED && madvise(huge, 6 << 20, MADV_HUGEPAGE) == 0, "huge");
	memset(huge, 7, 6 << 20);
	munmap(huge + (1 << 20), 5 * PAGE);
	char *heap = sbrk(0);
	must(sbrk(AREA) == heap, "sbrk");
	memset(heap, 9, 3 * PAGE);
}

static void timers(pid_t thread)
{
	struct itimerval real = {.it_interval = {77, 250000}, .it_value = {4000, 500000}};
	struct itimerval virtual = {.it_interval = {3, 4}, .it_value = {5000, 0}};
	struct itimerval profile = {.it_value = {6000, 0}};
	must(setitimer(ITIMER_REAL, &real, NULL) == 0, "ITIMER_REAL");
	must(setitimer(ITIMER_VIRTUAL, &virtual, NULL) == 0, "ITIMER_VIRTUAL");
	must(setitimer(ITIMER_PROF, &profile, NULL) == 0, "ITIMER_PROF");
	clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_PROCESS_CPUTIME_ID};
	for (int i = 0; i < 4; i++) {
		struct sigevent event = {.sigev_notify = i == 1 ? SIGEV_THREAD_ID : SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3 + i};
		event.sigev_value.sival_ptr = (void *)(0x1122334455667700 + i);
		event._sigev_un._tid = thread;
		timer_t timer;
		struct itimerspec time = {.it_interval = {i, 5}, .it_value = {7000 + i, 123456789}};
		must(timer_create(clocks[i], &event, &timer) == 0, "timer_create");
		must(timer_settime(timer, 0, &time, NULL) == 0, "timer_settime");
	}
	timer_t idle;
	struct sigevent silent = {.sigev_notify = SIGEV_NONE};
	must(timer_create(CLOCK_MONOTONIC, &silent, &idle) == 0, "timer_create");
}

static void *thread(void *argument)
{
	long number = (long)argument;
	char name[16];
	snprintf(name, sizeof(name), "thread %ld", number);
	prctl(PR_SET_NAME, name);
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	sigaddset(&mask, SIGRTMIN + (int)number);
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	if (number == 1) {
		on_alternate_stack(1);
		setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 7);
	}
	if (number == 2) {
		struct sched_param fifo = {.sched_priority = 3};
		must(sched_setscheduler(0, SCHED_FIFO, &fifo) == 0, "SCHED_FIFO");
	}
	pthread_barrier_wait(&settled);
	while (1) {
		if (number == 0)
			pause();
		else if (number == 1)
			select(0, NULL, NULL, NULL, NULL);
		else
			sigsuspend(&mask);
	}
	return NULL;
}

static void actions(void)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
	sigaddset(&action.sa_mask, SIGQUIT);
	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
	sigaction(SIGRTMIN + 9, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void child(int kind)
{
	if (kind == 0) {
		gid_t groups[] = {1001, 1002, 70000};
		must(setgroups(3, groups) == 0 && setresgid(1001, 1001, 1003) == 0, "groups");
		must(setresuid(2001, 2001, 2002) == 0, "setresuid");
		prctl(PR_SET_DUMPABLE, 1);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		umask(077);
		must(chdir("/tmp") == 0, "chdir");
	} else if (kind == 1) {
		setsid();
	} else {
		setpgid(0, 0);
	}
	while (1)
		pause();
}

int main(int argc, char **argv)
{
	must(argc == 2, "one argument");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	struct rlimit limit = {333, 1000};
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
	umask(027);
	actions();
	on_alternate_stack(0);
	mappings();
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGRTMIN + 9);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	pid_t children[4];
	for (int i = 0; i < 4; i++) {
		children[i] = fork();
		must(children[i] >= 0, "fork");
		if (children[i] == 0 && i == 3)
			_exit(42);
		if (children[i] == 0)
			child(i);
	}
	must(waitid(P_PID, (id_t)children[3], NULL, WEXITED | WNOWAIT) == 0, "waitid");
	kill(children[2], SIGSTOP);
	must(waitid(P_PID, (id_t)children[2], NULL, WSTOPPED | WNOWAIT) == 0, "waitid");
	pthread_barrier_init(&settled, NULL, 4);
	pthread_t threads[3];
	for (long i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, thread, (void *)i);
	pthread_barrier_wait(&settled);
	union sigval value = {.sival_ptr = (void *)0xfeedface};
	sigqueue(getpid(), SIGUSR1, value);
	sigqueue(getpid(), SIGRTMIN + 9, value);
	pthread_sigqueue(threads[0], SIGRTMIN, value);
	syscall(SYS_tgkill, getpid(), getpid(), SIGRTMIN + 9);
	timers((pid_t)syscall(SYS_gettid));
	must(close(open(argv[1], O_CREAT | O_WRONLY, 0600)) == 0, argv[1]);
	while (1)
		sigwaitinfo(&(sigset_t){0}, NULL);
}
