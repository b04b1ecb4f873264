// Has open what can't be carried into another VM. `misfit DIRECTORY` writes a line "DESCRIPTOR NAME" into
// DIRECTORY/ready for each kind that this kernel offers, prints "ready" at the end of it, and sleeps. What belongs to
// somebody else is kept open by a child.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

static FILE *list;

static int tell(const char *name, int descriptor) {
    if (descriptor >= 0) fprintf(list, "%d %s\n", descriptor, name);
    return descriptor;
}

static void epoll_of_closed(void) {
    int poll = epoll_create1(0), kept, pipes[2];
    if (pipe(pipes)) return;
    kept = dup(pipes[0]);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(poll, EPOLL_CTL_ADD, pipes[0], &event);
    close(pipes[0]);
    if (kept >= 0) tell("epoll-of-closed", poll);
}

static void rights_in_flight(void) {
    int pair[2], sent = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return;
    char byte = 'x', space[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(control), &sent, sizeof sent);
    if (sendmsg(pair[0], &message, 0) == 1) tell("rights-in-flight", pair[1]);
}

static void not_accepted(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0decamp-misfit"};
    int listens = socket(AF_UNIX, SOCK_STREAM, 0), dials = socket(AF_UNIX, SOCK_STREAM, 0);
    socklen_t length = sizeof(sa_family_t) + 14;
    if (bind(listens, (void *)&address, length) || listen(listens, 3)) return;
    if (connect(dials, (void *)&address, length)) return;
    tell("not-accepted", listens);
}

static void tcp(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listens = socket(AF_INET, SOCK_STREAM, 0), dials = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listens, (void *)&address, length) || listen(listens, 3)) return;
    getsockname(listens, (void *)&address, &length);
    if (connect(dials, (void *)&address, length)) return;
    tell("tcp-connection", dials);
    tell("tcp-not-accepted", listens);
}

static void reset_connection(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    struct linger at_once = {.l_onoff = 1};
    int listens = socket(AF_INET, SOCK_STREAM, 0), dials = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listens, (void *)&address, length) || listen(listens, 3)) return;
    getsockname(listens, (void *)&address, &length);
    if (connect(dials, (void *)&address, length)) return;
    int accepted = accept(listens, NULL, NULL);
    setsockopt(accepted, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (write(accepted, "x", 1) != 1) return;
    close(accepted);
    tell("reset-connection", dials);
}

static void bound_to_device(void) {
    int bound = socket(AF_INET, SOCK_DGRAM, 0);
    if (!setsockopt(bound, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3)) tell("bound-to-device", bound);
}

static void urgent(void) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return;
    if (send(pair[0], "x", 1, MSG_OOB) == 1) tell("urgent", pair[1]);
}

static void of_the_kernel(const char *directory) {
    char path[300];
    snprintf(path, sizeof path, "%s/tracing", directory);
    mkdir(path, 0700);
    if (mount("none", path, "tracefs", 0, NULL)) return;
    snprintf(path, sizeof path, "%s/tracing/tracing_on", directory);
    tell("of-the-kernel", open(path, O_RDWR));
}

static void unread_datagram(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int reads = socket(AF_INET, SOCK_DGRAM, 0), writes = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(reads, (void *)&address, length) || getsockname(reads, (void *)&address, &length)) return;
    if (sendto(writes, "x", 1, 0, (void *)&address, length) == 1) tell("unread-datagram", reads);
}

static void removed_directory(const char *directory) {
    char path[300];
    snprintf(path, sizeof path, "%s/removed", directory);
    mkdir(path, 0700);
    int descriptor = open(path, O_RDONLY | O_DIRECTORY);
    rmdir(path);
    tell("removed-directory", descriptor);
}

static void two_names(const char *directory) {
    char one[300], other[300];
    snprintf(one, sizeof one, "%s/one", directory);
    snprintf(other, sizeof other, "%s/other", directory);
    int first = open(one, O_RDWR | O_CREAT, 0600);
    if (first < 0 || link(one, other)) return;
    tell("two-names", open(other, O_RDWR));
}

static void terminals(void) {
    int master = posix_openpt(O_RDWR | O_NOCTTY), other = posix_openpt(O_RDWR | O_NOCTTY);
    char name[100];
    if (master < 0 || other < 0 || unlockpt(master) || unlockpt(other)) return;
    ptsname_r(master, name, sizeof name);
    int slave = open(name, O_RDWR | O_NOCTTY);
    if (write(master, "typed\n", 6) == 6) tell("unread-terminal", slave);
    ptsname_r(other, name, sizeof name);
    int orphan = open(name, O_RDWR | O_NOCTTY);
    if (!fork()) {
        pause();
        _exit(0);
    }
    close(other);
    tell("terminal-without-master", orphan);
}

static void peers(void) {
    int pair[2], pipes[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) || pipe(pipes)) return;
    if (!fork()) {
        pause();
        _exit(0);
    }
    close(pair[1]);
    close(pipes[1]);
    tell("peer-outside", pair[0]);
    tell("pipe-outside", pipes[0]);
}

int main(int count, char **argument) {
    if (count != 2) return 2;
    char path[300];
    snprintf(path, sizeof path, "%s/ready", argument[1]);
    list = fopen(path, "w");
    if (!list) return 3;
    terminals();
    peers();
    tell("memfd", memfd_create("m", 0));
    tell("inotify", inotify_init());
    struct io_uring_params ring = {0};
    tell("io-uring", (int)syscall(SYS_io_uring_setup, 4, &ring));
    tell("userfaultfd", (int)syscall(SYS_userfaultfd, O_NONBLOCK));
    tell("pidfd", (int)syscall(SYS_pidfd_open, getpid(), 0));
    struct perf_event_attr events = {.type = PERF_TYPE_SOFTWARE, .size = sizeof events, .config = PERF_COUNT_SW_DUMMY};
    tell("perf", (int)syscall(SYS_perf_event_open, &events, 0, -1, -1, 0));
    union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    tell("bpf-map", (int)syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map));
    tell("message-queue", (int)syscall(SYS_mq_open, "decamp-misfit", O_RDWR | O_CREAT, 0600, NULL));
    syscall(SYS_mq_unlink, "decamp-misfit");
    tell("namespace", open("/proc/self/ns/net", O_RDONLY));
    tell("proc-of-process", open("/proc/self/status", O_RDONLY));
    tell("netlink", socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
    tell("packet", socket(AF_PACKET, SOCK_RAW, 0));
    tell("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    tell("block-device", open("/dev/vda", O_RDONLY));
    tell("physical-memory", open("/dev/mem", O_RDONLY));
    tell("tun", open("/dev/net/tun", O_RDWR));
    tell("semaphore", eventfd(3, EFD_SEMAPHORE));
    tell("boot-timer", timerfd_create(CLOCK_BOOTTIME, 0));
    int packets[2];
    if (!pipe2(packets, O_DIRECT)) tell("packet-pipe", packets[1]);
    int leased = open(path, O_RDONLY);
    if (!fcntl(leased, F_SETLEASE, F_RDLCK)) tell("lease", leased);
    epoll_of_closed();
    rights_in_flight();
    not_accepted();
    tcp();
    unread_datagram();
    reset_connection();
    bound_to_device();
    urgent();
    of_the_kernel(argument[1]);
    removed_directory(argument[1]);
    two_names(argument[1]);
    fprintf(list, "ready\n");
    fflush(list);
    pause();
    return 0;
}
