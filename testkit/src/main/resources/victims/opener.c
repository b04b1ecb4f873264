// Holds one of every kind of descriptor that a process of a container may have open, in two processes that share some
// of them, each in a state that can be told from a fresh one. `opener DIRECTORY` prepares everything, writes
// DIRECTORY/ready and waits for DIRECTORY/verify to appear; then it checks every state and writes DIRECTORY/verdict:
// "intact", or a line per difference. Its own output is DIRECTORY/log.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define BIG 30000
#define FILE_BYTES 200000L
#define TIMER_SECONDS 100000L

static char directory[200];
static char problems[8192];

static void differs(const char *format, ...) {
    size_t used = strlen(problems);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problems + used, sizeof problems - used, format, arguments);
    va_end(arguments);
    used = strlen(problems);
    snprintf(problems + used, sizeof problems - used, "\n");
}

#define EXPECT(what, is, should)                                                            \
    do {                                                                                    \
        long long is_ = (long long)(is), should_ = (long long)(should);                     \
        if (is_ != should_) differs("%s is %lld instead of %lld", what, is_, should_);      \
    } while (0)

static int must(int result, const char *what) {
    if (result < 0) {
        fprintf(stderr, "can't %s: %s\n", what, strerror(errno));
        exit(3);
    }
    return result;
}

static char *at(const char *name) {
    static char path[8][300];
    static int next;
    char *to = path[next++ & 7];
    snprintf(to, 300, "%s/%s", directory, name);
    return to;
}

static void pattern(char *to, size_t length, unsigned seed) {
    for (size_t i = 0; i < length; i++) to[i] = (char)((i * 7 + seed + i / 251) & 0xff);
}

static void put(int fd, size_t length, unsigned seed) {
    char *data = malloc(length);
    pattern(data, length, seed);
    if (write(fd, data, length) != (ssize_t)length) must(-1, "write");
    free(data);
}

static void expect_bytes(const char *what, int fd, size_t length, unsigned seed) {
    char *should = malloc(length), *is = calloc(1, length);
    pattern(should, length, seed);
    size_t done = 0;
    while (done < length) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, 2000) != 1) break;
        ssize_t n = read(fd, is + done, length - done);
        if (n <= 0) break;
        done += n;
    }
    if (done != length)
        differs("%s holds %zu bytes instead of %zu", what, done, length);
    else if (memcmp(is, should, length))
        differs("%s holds other bytes than were written", what);
    free(should);
    free(is);
}

static void expect_message(const char *what, int fd, const char *should) {
    char is[300] = {0};
    ssize_t n = recv(fd, is, sizeof is - 1, MSG_DONTWAIT);
    if (n != (ssize_t)strlen(should) || memcmp(is, should, n))
        differs("%s gives %zd bytes '%s' instead of '%s'", what, n, n > 0 ? is : "", should);
}

static void expect_flags(const char *what, int fd, int mask, int should) {
    EXPECT(what, fcntl(fd, F_GETFL) & mask, should);
}

static int listener(const char *name, int abstract) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = must(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
    snprintf(address.sun_path + abstract, sizeof address.sun_path - 1, "%s", name);
    must(bind(fd, (void *)&address, offsetof(struct sockaddr_un, sun_path) + abstract + strlen(name)), "bind");
    must(listen(fd, 5), "listen");
    return fd;
}

static int dial(const char *name, int abstract) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = must(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
    snprintf(address.sun_path + abstract, sizeof address.sun_path - 1, "%s", name);
    int result = connect(fd, (void *)&address, offsetof(struct sockaddr_un, sun_path) + abstract + strlen(name));
    if (result < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

// A socket that others can reach by a port of this machine's own address.
static int port(int family, int type, int *number) {
    struct sockaddr_in six[2] = {0};
    struct sockaddr *address = (void *)six;
    int fd = must(socket(family, type, 0), "socket"), yes = 1;
    must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), "setsockopt");
    if (family == AF_INET6) must(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes), "setsockopt");
    address->sa_family = family;
    if (family == AF_INET) six[0].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    must(bind(fd, address, length), "bind");
    if (type == SOCK_STREAM) must(listen(fd, 7), "listen");
    must(getsockname(fd, address, &length), "getsockname");
    *number = ntohs(six[0].sin_port);
    return fd;
}

static void expect_reachable(const char *what, int fd, int family, int type, int number) {
    struct sockaddr_in six[2] = {0};
    struct sockaddr *address = (void *)six;
    int dialled = must(socket(family, type, 0), "socket");
    address->sa_family = family;
    six[0].sin_port = htons(number);
    if (family == AF_INET) six[0].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (family == AF_INET6) ((struct sockaddr_in6 *)six)->sin6_addr = in6addr_loopback;
    socklen_t length = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if (connect(dialled, address, length)) differs("%s can't be reached: %s", what, strerror(errno));
    int taken = type == SOCK_STREAM ? accept(fd, NULL, NULL) : fd;
    put(dialled, 99, 30);
    expect_bytes(what, taken, 99, 30);
}

static void wait_for(const char *name) {
    struct timespec pause = {.tv_nsec = 20000000};
    while (access(at(name), F_OK)) nanosleep(&pause, NULL);
}

int main(int count, char **argument) {
    if (count != 2) {
        fprintf(stderr, "usage: opener DIRECTORY\n");
        return 2;
    }
    snprintf(directory, sizeof directory, "%s", argument[1]);
    int log = must(open(at("log"), O_WRONLY | O_CREAT | O_APPEND, 0644), "open log");
    int null = must(open("/dev/null", O_RDWR), "open null");
    must(dup2(null, 0), "dup2");
    must(dup2(log, 1), "dup2");
    must(dup2(log, 2), "dup2");
    close(log);
    close(null);
    setsid();
    must(chdir(directory), "chdir");
    umask(027);

    // Pipes: half read, huge and resized, and without content.
    int half[2], huge[2], empty[2];
    must(pipe2(half, O_CLOEXEC), "pipe");
    put(half[1], 1000, 1);
    put(half[1], BIG, 2);
    expect_bytes("own pipe", half[0], 1000, 1);
    must(pipe2(huge, O_NONBLOCK), "pipe");
    must(fcntl(huge[1], F_SETPIPE_SZ, 1 << 18), "resize a pipe");
    put(huge[1], 150000, 3);
    must(pipe(empty), "pipe");

    // A FIFO with content.
    must(mkfifo(at("fifo"), 0640), "mkfifo");
    int fifo_reader = must(open(at("fifo"), O_RDONLY | O_NONBLOCK), "open fifo");
    int fifo_writer = must(open(at("fifo"), O_WRONLY), "open fifo");
    put(fifo_writer, 777, 4);

    // Unix sockets: pairs of each type with content both ways, listeners by name and in the abstract name space.
    int stream[2], datagram[2], packet[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), "socketpair");
    put(stream[0], 500, 5);
    put(stream[0], BIG, 6);
    put(stream[1], 40, 7);
    expect_bytes("own socket", stream[1], 500, 5);
    char first[100];
    if (read(stream[1], first, 100) != 100) must(-1, "read");
    must(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, datagram), "socketpair");
    send(datagram[0], "one", 3, 0);
    send(datagram[0], "second", 6, 0);
    send(datagram[1], "back", 4, 0);
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, packet), "socketpair");
    send(packet[1], "sequenced", 9, 0);
    int buffer = 300000;
    must(setsockopt(packet[0], SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer), "setsockopt");
    int named = listener(at("socket"), 0);
    char abstract[64];
    snprintf(abstract, sizeof abstract, "decamp-opener-%d", (int)getpid());
    int hidden = listener(abstract, 1);
    int dialled = must(dial(at("socket"), 0), "connect");
    int accepted = must(accept(named, NULL, NULL), "accept");
    put(dialled, 321, 8);

    // One that answers many, bound by a relative name, and one that asks it.
    struct sockaddr_un relative = {.sun_family = AF_UNIX, .sun_path = "server"};
    int server = must(socket(AF_UNIX, SOCK_DGRAM, 0), "socket"), client = must(socket(AF_UNIX, SOCK_DGRAM, 0), "socket");
    must(bind(server, (void *)&relative, sizeof relative), "bind");
    must(connect(client, (void *)&relative, sizeof relative), "connect");
    send(client, "asked", 5, 0);

    // Sockets of the network that have no connection.
    int number[3];
    int tcp = port(AF_INET, SOCK_STREAM, &number[0]), tcp6 = port(AF_INET6, SOCK_STREAM, &number[1]);
    int udp = port(AF_INET, SOCK_DGRAM, &number[2]);
    struct timeval second = {.tv_sec = 1, .tv_usec = 500000};
    must(setsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second), "setsockopt");

    // Counters, timers, signals.
    int counter = must(eventfd(0, EFD_NONBLOCK), "eventfd");
    uint64_t seven = 7;
    if (write(counter, &seven, 8) != 8) must(-1, "write");
    int far = must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), "timerfd");
    struct itimerspec in = {.it_value = {TIMER_SECONDS, 0}, .it_interval = {3, 500}};
    must(timerfd_settime(far, 0, &in, NULL), "settime");
    int idle = must(timerfd_create(CLOCK_REALTIME, 0), "timerfd");
    int rung = must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), "timerfd");
    struct itimerspec soon = {.it_value = {0, 1000000}};
    must(timerfd_settime(rung, 0, &soon, NULL), "settime");
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR2);
    sigaddset(&signals, SIGRTMIN + 3);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    int signalled = must(signalfd(-1, &signals, SFD_NONBLOCK), "signalfd");

    // Files: positions, append, shared descriptions, read only, directory, devices, unlinked.
    int written = must(open(at("written"), O_RDWR | O_CREAT | O_TRUNC, 0600), "open");
    put(written, FILE_BYTES, 9);
    must(ftruncate(written, FILE_BYTES + 100000), "ftruncate");
    must(lseek(written, 12345, SEEK_SET), "lseek");
    int same = must(fcntl(written, F_DUPFD_CLOEXEC, 60), "dup");
    int other = must(open(at("written"), O_RDONLY), "open");
    must(lseek(other, 99, SEEK_SET), "lseek");
    int append = must(open(at("append"), O_WRONLY | O_CREAT | O_APPEND, 0604), "open");
    put(append, 5000, 10);
    int here = must(open(directory, O_RDONLY | O_DIRECTORY), "open directory");
    int zero = must(open("/dev/zero", O_RDONLY), "open zero");
    int gone = must(open(at("gone"), O_RDWR | O_CREAT, 0640), "open");
    put(gone, 10000, 11);
    must(lseek(gone, 17, SEEK_SET), "lseek");
    must(unlink(at("gone")), "unlink");
    char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, written, 0);
    if (shared == MAP_FAILED) must(-1, "mmap");
    char *lost = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, gone, 0);
    if (lost == MAP_FAILED) must(-1, "mmap");
    must(flock(written, LOCK_EX), "flock");
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 90};
    must(fcntl(append, F_SETLK, &lock), "lock");

    // A pseudo terminal of its own in raw mode.
    int master = must(posix_openpt(O_RDWR | O_NOCTTY), "openpt");
    must(grantpt(master), "grantpt");
    must(unlockpt(master), "unlockpt");
    char line[100];
    must(ptsname_r(master, line, sizeof line), "ptsname");
    int slave = must(open(line, O_RDWR | O_NOCTTY), "open pts");
    struct termios mode;
    must(tcgetattr(slave, &mode), "tcgetattr");
    cfmakeraw(&mode);
    mode.c_cc[VMIN] = 3;
    cfsetspeed(&mode, B9600);
    must(tcsetattr(slave, TCSANOW, &mode), "tcsetattr");
    struct winsize window = {.ws_row = 33, .ws_col = 101};
    must(ioctl(slave, TIOCSWINSZ, &window), "winsize");

    // Polls: level and edge, with data; one watches another.
    int inner = must(epoll_create1(0), "epoll"), outer = must(epoll_create1(EPOLL_CLOEXEC), "epoll");
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x1122334455667788};
    must(epoll_ctl(inner, EPOLL_CTL_ADD, half[0], &event), "epoll_ctl");
    event = (struct epoll_event){.events = EPOLLIN | EPOLLET, .data.u64 = 42};
    must(epoll_ctl(inner, EPOLL_CTL_ADD, counter, &event), "epoll_ctl");
    event = (struct epoll_event){.events = EPOLLIN, .data.u64 = 43};
    must(epoll_ctl(inner, EPOLL_CTL_ADD, empty[0], &event), "epoll_ctl");
    event = (struct epoll_event){.events = EPOLLIN, .data.u64 = 44};
    must(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event), "epoll_ctl");

    // The child shares all of it, moves on a shared position and keeps a file of its own.
    int report[2];
    must(pipe(report), "pipe");
    pid_t child = must(fork(), "fork");
    if (!child) {
        int own = must(open(at("child"), O_RDWR | O_CREAT, 0644), "open");
        put(own, 4096, 12);
        must(lseek(other, 1000, SEEK_CUR), "lseek");
        close(report[0]);
        close(half[1]);
        wait_for("verify");
        EXPECT("position of the child's file", lseek(own, 0, SEEK_CUR), 4096);
        must(lseek(own, 0, SEEK_SET), "lseek");
        expect_bytes("child's file", own, 4096, 12);
        EXPECT("close of a pipe end in the child", fcntl(half[1], F_GETFD), -1);
        // The parent sees this move: one description.
        must(lseek(same, 777, SEEK_SET), "lseek");
        if (write(report[1], problems, sizeof problems) != sizeof problems) return 4;
        return 0;
    }
    close(report[1]);
    wait_for("child");
    struct timespec pause = {.tv_nsec = 5000000};
    while (lseek(other, 0, SEEK_CUR) != 1099) nanosleep(&pause, NULL);
    struct pollfd rings = {.fd = rung, .events = POLLIN};
    poll(&rings, 1, 5000);
    close(must(open(at("ready"), O_WRONLY | O_CREAT, 0600), "open ready"));

    wait_for("verify");
    if (read(report[0], problems, sizeof problems) != sizeof problems) differs("the child did not report");
    int status;
    if (waitpid(child, &status, 0) != child || status) differs("the child ended with %d", status);
    EXPECT("position that the child set", lseek(written, 0, SEEK_CUR), 777);

    EXPECT("events of the outer poll", epoll_wait(outer, &event, 1, 0), 1);
    EXPECT("data of the outer poll", event.data.u64, 44);
    struct epoll_event events[8];
    int ready = epoll_wait(inner, events, 8, 0);
    uint64_t sum = 0;
    for (int i = 0; i < ready; i++) sum += events[i].data.u64;
    EXPECT("events of the inner poll", ready, 2);
    EXPECT("data of the inner poll", sum, 0x1122334455667788 + 42);

    expect_bytes("pipe", half[0], BIG, 2);
    EXPECT("size of the huge pipe", fcntl(huge[0], F_GETPIPE_SZ), 1 << 18);
    expect_bytes("huge pipe", huge[0], 150000, 3);
    expect_flags("O_NONBLOCK of the huge pipe", huge[0], O_NONBLOCK, O_NONBLOCK);
    expect_flags("O_NONBLOCK of the pipe", half[0], O_NONBLOCK, 0);
    EXPECT("FD_CLOEXEC of the pipe", fcntl(half[0], F_GETFD), FD_CLOEXEC);
    EXPECT("FD_CLOEXEC of the huge pipe", fcntl(huge[0], F_GETFD), 0);
    put(empty[1], 10, 20);
    expect_bytes("empty pipe", empty[0], 10, 20);
    expect_bytes("fifo", fifo_reader, 777, 4);
    put(fifo_writer, 5, 21);
    expect_bytes("fifo afterwards", fifo_reader, 5, 21);

    char *rest = malloc(BIG), *should = malloc(BIG);
    pattern(should, BIG, 6);
    EXPECT("bytes in the stream", recv(stream[1], rest, BIG, MSG_WAITALL | MSG_DONTWAIT), BIG - 100);
    if (memcmp(rest, should + 100, BIG - 100)) differs("the stream holds other bytes than were written");
    expect_bytes("stream back", stream[0], 40, 7);
    expect_message("datagram", datagram[1], "one");
    expect_message("datagram", datagram[1], "second");
    expect_message("datagram back", datagram[0], "back");
    expect_message("packet", packet[0], "sequenced");
    buffer = 0;
    socklen_t length = sizeof buffer;
    getsockopt(packet[0], SOL_SOCKET, SO_RCVBUF, &buffer, &length);
    if (buffer < 300000) differs("SO_RCVBUF is %d", buffer);
    expect_bytes("accepted socket", accepted, 321, 8);
    put(accepted, 9, 22);
    expect_bytes("dialled socket", dialled, 9, 22);
    expect_message("server", server, "asked");
    send(client, "again", 5, 0);
    expect_message("server", server, "again");
    if (dial(abstract, 1) < 0) differs("nobody listens in the abstract name space");
    if (dial(at("socket"), 0) < 0) differs("nobody listens at the socket's path");
    if (accept(hidden, NULL, NULL) < 0) differs("no connection arrives");

    expect_reachable("TCP socket", tcp, AF_INET, SOCK_STREAM, number[0]);
    expect_reachable("TCP socket of IPv6", tcp6, AF_INET6, SOCK_STREAM, number[1]);
    expect_reachable("UDP socket", udp, AF_INET, SOCK_DGRAM, number[2]);
    length = sizeof second;
    memset(&second, 0, sizeof second);
    getsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &second, &length);
    EXPECT("SO_RCVTIMEO", second.tv_sec * 1000000L + second.tv_usec, 1500000);

    uint64_t value = 0;
    EXPECT("read of the counter", read(counter, &value, 8), 8);
    EXPECT("counter", value, 7);
    struct itimerspec now;
    must(timerfd_gettime(far, &now), "gettime");
    if (now.it_value.tv_sec < TIMER_SECONDS - 3000 || now.it_value.tv_sec > TIMER_SECONDS)
        differs("the far timer rings in %ld s", (long)now.it_value.tv_sec);
    EXPECT("interval of the far timer", now.it_interval.tv_sec * 1000000000L + now.it_interval.tv_nsec, 3000000500L);
    must(timerfd_gettime(idle, &now), "gettime");
    EXPECT("idle timer", now.it_value.tv_sec + now.it_value.tv_nsec, 0);
    value = 0;
    EXPECT("read of the rung timer", read(rung, &value, 8), 8);
    EXPECT("rung timer", value, 1);
    kill(getpid(), SIGUSR2);
    struct signalfd_siginfo info;
    EXPECT("read of signals", read(signalled, &info, sizeof info), (long long)sizeof info);
    EXPECT("signal", info.ssi_signo, SIGUSR2);

    struct stat file;
    fstat(written, &file);
    EXPECT("size of the file", file.st_size, FILE_BYTES + 100000);
    EXPECT("mode of the file", file.st_mode, S_IFREG | 0600);
    EXPECT("FD_CLOEXEC of the duplicate", fcntl(same, F_GETFD), FD_CLOEXEC);
    must(lseek(written, 0, SEEK_SET), "lseek");
    expect_bytes("file", written, FILE_BYTES, 9);
    EXPECT("position of the other description", lseek(other, 0, SEEK_CUR), 1099);
    EXPECT("mapped byte", shared[100], (char)(100 * 7 + 9));
    shared[100] = 'x';
    char byte = 0;
    must(pread(other, &byte, 1, 100), "pread");
    EXPECT("byte written to the map", byte, 'x');
    expect_flags("flags of the appended file", append, O_ACCMODE | O_APPEND, O_WRONLY | O_APPEND);
    fstat(append, &file);
    EXPECT("size of the appended file", file.st_size, 5000);
    int child_lock = open(at("written"), O_RDWR);
    EXPECT("flock of another description", flock(child_lock, LOCK_EX | LOCK_NB), -1);
    EXPECT("openat of the directory", faccessat(here, "append", F_OK, 0), 0);
    char zeros[4] = {1, 1, 1, 1};
    EXPECT("read of zeros", read(zero, zeros, 4), 4);
    EXPECT("zeros", zeros[0] | zeros[3], 0);
    fstat(gone, &file);
    EXPECT("links of the unlinked file", file.st_nlink, 0);
    EXPECT("size of the unlinked file", file.st_size, 10000);
    EXPECT("position of the unlinked file", lseek(gone, 0, SEEK_CUR), 17);
    must(lseek(gone, 0, SEEK_SET), "lseek");
    expect_bytes("unlinked file", gone, 10000, 11);
    char mapped[10000];
    pattern(mapped, sizeof mapped, 11);
    if (memcmp(lost, mapped, 8192)) differs("the map of the unlinked file shows other bytes");
    char cwd[300];
    if (!getcwd(cwd, sizeof cwd) || strcmp(cwd, directory)) differs("works in %s", cwd);
    EXPECT("umask", umask(0), 027);

    struct termios then;
    must(tcgetattr(slave, &then), "tcgetattr");
    if (then.c_lflag != mode.c_lflag || then.c_iflag != mode.c_iflag || then.c_oflag != mode.c_oflag)
        differs("the terminal has another mode");
    EXPECT("VMIN", then.c_cc[VMIN], 3);
    EXPECT("speed", cfgetospeed(&then), B9600);
    struct winsize seen = {0};
    must(ioctl(slave, TIOCGWINSZ, &seen), "winsize");
    EXPECT("rows", seen.ws_row, 33);
    EXPECT("columns", seen.ws_col, 101);
    put(slave, 30, 23);
    expect_bytes("terminal", master, 30, 23);

    int verdict = must(open(at("verdict.new"), O_WRONLY | O_CREAT | O_TRUNC, 0644), "open verdict");
    if (!problems[0]) snprintf(problems, sizeof problems, "intact\n");
    if (write(verdict, problems, strlen(problems)) < 0) must(-1, "write");
    close(verdict);
    must(rename(at("verdict.new"), at("verdict")), "rename");
    printf("verified\n");
    return 0;
}
