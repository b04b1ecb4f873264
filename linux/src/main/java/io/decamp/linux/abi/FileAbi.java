package io.decamp.linux.abi;

import static io.decamp.linux.abi.Struct.offset;
import static io.decamp.linux.abi.Struct.u16;
import static io.decamp.linux.abi.Struct.u32;
import static io.decamp.linux.abi.Struct.u64;

import java.lang.foreign.StructLayout;
import java.util.List;

/** fcntl.h, poll.h, sys/uio.h, sys/mman.h, linux/falloc.h; values common to x86_64 and arm64. */
public final class FileAbi {
    public static final long O_RDONLY = 0;
    public static final long O_WRONLY = 1;
    public static final long O_RDWR = 2;
    public static final long O_CREAT = 0x40;
    public static final long O_EXCL = 0x80;
    public static final long O_TRUNC = 0x200;
    public static final long O_NONBLOCK = 0x800;
    public static final long O_CLOEXEC = 0x80000;

    public static final long F_GETFD = 1;
    public static final long F_SETFD = 2;
    public static final long FD_CLOEXEC = 1;
    public static final long F_DUPFD_CLOEXEC = 1030;

    public static final long LOCK_EX = 2;
    public static final long LOCK_NB = 4;

    public static final long POLLIN = 0x001;
    public static final long POLLOUT = 0x004;
    public static final long POLLERR = 0x008;
    public static final long POLLHUP = 0x010;
    public static final long POLLNVAL = 0x020;

    public static final long PROT_NONE = 0;
    public static final long PROT_READ = 1;
    public static final long PROT_WRITE = 2;
    public static final long MAP_SHARED = 0x01;
    public static final long MAP_PRIVATE = 0x02;
    public static final long MAP_ANONYMOUS = 0x20;
    public static final long MAP_NORESERVE = 0x4000;
    public static final long MADV_DONTNEED = 4;
    public static final long MADV_REMOVE = 9;
    public static final long MADV_POPULATE_READ = 22;
    public static final long MADV_POPULATE_WRITE = 23;
    public static final long MFD_CLOEXEC = 1;
    public static final long SEEK_DATA = 3;
    public static final long SEEK_HOLE = 4;
    public static final long FALLOC_FL_KEEP_SIZE = 1;
    public static final long FALLOC_FL_PUNCH_HOLE = 2;

    static final StructLayout pollfd = Struct.of("pollfd", u32("fd"), u16("events"), u16("revents"));
    static final StructLayout iovec = Struct.of("iovec", u64("iov_base"), u64("iov_len"));
    static final List<StructLayout> LAYOUTS = List.of(pollfd, iovec);

    public static final long POLLFD_BYTES = pollfd.byteSize();
    public static final long POLLFD_FD = offset(pollfd, "fd");
    public static final long POLLFD_EVENTS = offset(pollfd, "events");
    public static final long POLLFD_REVENTS = offset(pollfd, "revents");
    public static final long IOVEC_BYTES = iovec.byteSize();
    public static final long IOVEC_BASE = offset(iovec, "iov_base");
    public static final long IOVEC_LEN = offset(iovec, "iov_len");

    /** IOV_MAX, linux/uio.h: more entries in one call are refused. */
    public static final int UIO_MAXIOV = 1024;

    private FileAbi() {}
}
