/*
 * unmovable KIND FILE: a process with one thing that can't be moved out of its VM. Makes it, creates FILE and rests.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *ready;

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(1);
	}
}

static void rest(void)
{
	must(close(open(ready, O_CREAT | O_WRONLY, 0600)) == 0, ready);
	while (1)
		pause();
}

static int resting(void *argument)
{
	(void)argument;
	while (1)
		pause();
	return 0;
}

static void *separate(void *argument)
{
	must(unshare(CLONE_FILES) == 0, "unshare");
	pthread_barrier_wait(argument);
	resting(NULL);
	return NULL;
}

static void shared(int flags)
{
	static char stack[65536];
	must(clone(resting, stack + sizeof(stack), flags | SIGCHLD, NULL) > 0, "clone");
}

static void traced(void)
{
	pid_t child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		resting(NULL);
	}
	must(waitpid(child, NULL, 0) == child, "waitpid");
}

static void filtered(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {.len = 1, .filter = &allow};
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
}

static void faulted(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = {.api = UFFD_API};
	must(fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0, "userfaultfd");
	void *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register area = {.range = {(unsigned long)at, 8192}, .mode = UFFDIO_REGISTER_MODE_MISSING};
	must(ioctl(fd, UFFDIO_REGISTER, &area) == 0, "UFFDIO_REGISTER");
}

static void landlocked(void)
{
	unsigned long handled = 1; /* LANDLOCK_ACCESS_FS_EXECUTE */
	int rules = (int)syscall(444, &handled, sizeof(handled), 0);
	must(rules >= 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "landlock_create_ruleset");
	must(syscall(446, rules, 0) == 0 && close(rules) == 0, "landlock_restrict_self");
}

static void keyed(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int key = (int)syscall(SYS_pkey_alloc, 0, 0);
	must(key > 0 && syscall(SYS_pkey_mprotect, at, 4096, PROT_READ | PROT_WRITE, key) == 0, "pkey_alloc");
}

static void dispatched(void)
{
	static char selector;
	/* PR_SET_SYSCALL_USER_DISPATCH, but for calls from anywhere in the lower half */
	must(prctl(59, 1, 0, -1UL, &selector) == 0, "syscall user dispatch");
}

#define SEMAPHORES 0x756e646f

static void indebted(void)
{
	struct sembuf up = {.sem_num = 0, .sem_op = 1, .sem_flg = SEM_UNDO};
	int semaphores = semget(SEMAPHORES, 1, IPC_CREAT | 0600);
	must(semaphores >= 0 && semop(semaphores, &up, 1) == 0, "semop");
}

/* Takes away what a process with debts has left behind, and ends. */
static void settled(void)
{
	must(semctl(semget(SEMAPHORES, 1, 0), 0, IPC_RMID) == 0, "IPC_RMID");
	_exit(0);
}

static void forever(void)
{
	must(mlockall(MCL_FUTURE) == 0, "mlockall");
}

static void bound(void)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	must(sched_setaffinity(0, sizeof(one), &one) == 0, "sched_setaffinity");
}

static void huge(void)
{
	void *at = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	must(at != MAP_FAILED, "MAP_HUGETLB");
	memset(at, 1, 4096);
}

static void timed(void)
{
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	must(timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0, "timer_create");
}

static void asynchronous(void)
{
	aio_context_t context = 0;
	must(syscall(SYS_io_setup, 4, &context) == 0, "io_setup");
}

int main(int argc, char **argv)
{
	must(argc == 3, "two arguments");
	ready = argv[2];
	const char *kind = argv[1];
	if (!strcmp(kind, "shared-memory")) {
		memset(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), 1, 8192);
	} else if (!strcmp(kind, "sysv")) {
		int memory = shmget(IPC_PRIVATE, 8192, IPC_CREAT | 0600);
		must(shmat(memory, NULL, 0) != (void *)-1 && shmctl(memory, IPC_RMID, NULL) == 0, "shmat");
	} else if (!strcmp(kind, "filter")) {
		filtered();
	} else if (!strcmp(kind, "userfaultfd")) {
		faulted();
	} else if (!strcmp(kind, "traced")) {
		traced();
	} else if (!strcmp(kind, "memory")) {
		shared(CLONE_VM);
	} else if (!strcmp(kind, "directories")) {
		shared(CLONE_FS);
	} else if (!strcmp(kind, "namespace")) {
		shared(CLONE_NEWUTS);
	} else if (!strcmp(kind, "descriptors")) {
		static pthread_barrier_t barrier;
		pthread_t thread;
		pthread_barrier_init(&barrier, NULL, 2);
		pthread_create(&thread, NULL, separate, &barrier);
		pthread_barrier_wait(&barrier);
	} else if (!strcmp(kind, "landlock")) {
		landlocked();
	} else if (!strcmp(kind, "key")) {
		keyed();
	} else if (!strcmp(kind, "dispatch")) {
		dispatched();
	} else if (!strcmp(kind, "undo")) {
		indebted();
	} else if (!strcmp(kind, "settled")) {
		settled();
	} else if (!strcmp(kind, "future")) {
		forever();
	} else if (!strcmp(kind, "affinity")) {
		bound();
	} else if (!strcmp(kind, "huge")) {
		huge();
	} else if (!strcmp(kind, "timer")) {
		timed();
	} else if (!strcmp(kind, "aio")) {
		asynchronous();
	} else {
		must(!strcmp(kind, "nothing"), kind);
	}
	rest();
}
