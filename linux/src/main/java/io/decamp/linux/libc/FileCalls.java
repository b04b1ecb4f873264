package io.decamp.linux.libc;

import io.decamp.linux.abi.FileAbi;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Calls on files and descriptors, by number. Methods throw {@link SyscallException} unless they say that they return
 * {@code -errno}. Interrupted calls are repeated. Thread safe.
 */
public final class FileCalls {
    private FileCalls() {}

    public static int open(String path, long flags, int mode) {
        int fd = tryOpen(path, flags, mode);
        if (fd < 0) {
            throw new SyscallException("open", -fd, path);
        }
        return fd;
    }

    /** @return the descriptor, or {@code -errno} */
    public static int tryOpen(String path, long flags, int mode) {
        try (Arena arena = Arena.ofConfined()) {
            long name = arena.allocateFrom(path).address();
            long fd;
            do {
                fd = Libc.orMinusErrno(Libc.open(name, (int) flags, mode));
            } while (fd == -Errno.EINTR);
            return (int) fd;
        }
    }

    /** Never repeated: Linux has released the number even when it reports EINTR or EIO. */
    public static void close(int fd) {
        if (Libc.close(fd) < 0) {
            int errno = Libc.errno();
            if (errno != Errno.EINTR) {
                throw new SyscallException("close", errno, "fd " + fd);
            }
        }
    }

    /** @return bytes read, 0 at the end, or {@code -errno} */
    public static long read(int fd, long address, long bytes) {
        long got;
        do {
            got = Libc.orMinusErrno(Libc.read(fd, address, bytes));
        } while (got == -Errno.EINTR);
        return got;
    }

    /** @return bytes written, or {@code -errno} */
    public static long write(int fd, long address, long bytes) {
        long put;
        do {
            put = Libc.orMinusErrno(Libc.write(fd, address, bytes));
        } while (put == -Errno.EINTR);
        return put;
    }

    /** @return bytes read, 0 at the end, or {@code -errno} */
    public static long pread(int fd, long address, long bytes, long offset) {
        long got;
        do {
            got = Libc.orMinusErrno(Libc.pread(fd, address, bytes, offset));
        } while (got == -Errno.EINTR);
        return got;
    }

    /** @return bytes written, or {@code -errno} */
    public static long pwrite(int fd, long address, long bytes, long offset) {
        long put;
        do {
            put = Libc.orMinusErrno(Libc.pwrite(fd, address, bytes, offset));
        } while (put == -Errno.EINTR);
        return put;
    }

    /** @return what the ioctl returns, or {@code -errno}; never repeated, as its argument may have been changed */
    public static int ioctl(int fd, long request, long argument) {
        return (int) Libc.orMinusErrno(Libc.ioctl(fd, request, argument));
    }

    /**
     * flock(2): an open file, or directory, is one holder's until its last descriptor is closed.
     *
     * @return false when it is another one's
     */
    public static boolean tryLock(int fd) {
        if (Libc.flock(fd, (int) (FileAbi.LOCK_EX | FileAbi.LOCK_NB)) == 0) {
            return true;
        }
        int errno = Libc.errno();
        if (errno != Errno.EAGAIN && errno != Errno.EINTR) {
            throw new SyscallException("flock", errno, "fd " + fd);
        }
        return false;
    }

    /** A new number above 2 for the same open file, closed on exec. */
    public static int duplicate(int fd) {
        int copy = Libc.fcntl(fd, (int) FileAbi.F_DUPFD_CLOEXEC, 3);
        if (copy < 0) {
            throw new SyscallException("fcntl(F_DUPFD_CLOEXEC)", Libc.errno(), "fd " + fd);
        }
        return copy;
    }

    /**
     * Waits for {@code events} on one descriptor.
     *
     * @param timeoutMillis -1 waits for ever, 0 does not wait
     * @return revents, 0 when the time is over
     */
    public static int poll(int fd, long events, int timeoutMillis) {
        long endNanos = System.nanoTime() + timeoutMillis * 1_000_000L;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocate(FileAbi.POLLFD_BYTES);
            one.set(ValueLayout.JAVA_INT, FileAbi.POLLFD_FD, fd);
            one.set(ValueLayout.JAVA_SHORT, FileAbi.POLLFD_EVENTS, (short) events);
            int left = timeoutMillis;
            while (true) {
                long ready = poll(one.address(), 1, left);
                if (ready >= 0) {
                    return one.get(ValueLayout.JAVA_SHORT, FileAbi.POLLFD_REVENTS) & 0xFFFF;
                }
                if (ready != -Errno.EINTR) {
                    throw new SyscallException("poll", (int) -ready, "fd " + fd);
                }
                if (timeoutMillis > 0) {
                    left = (int) Math.max(0, (endNanos - System.nanoTime()) / 1_000_000L);
                }
            }
        }
    }

    /** Raw poll over {@code count} entries of struct pollfd. @return how many are ready, or {@code -errno} */
    public static long poll(long pollfds, int count, int timeoutMillis) {
        return Libc.orMinusErrno(Libc.poll(pollfds, count, timeoutMillis));
    }

    /** An anonymous pipe, closed on exec. @return {reading end, writing end} */
    public static int[] pipe() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment two = arena.allocate(ValueLayout.JAVA_INT, 2);
            if (Libc.pipe2(two.address(), (int) FileAbi.O_CLOEXEC) < 0) {
                throw new SyscallException("pipe2", Libc.errno(), "a new pipe");
            }
            return two.toArray(ValueLayout.JAVA_INT);
        }
    }

    public static int memfd(String name) {
        try (Arena arena = Arena.ofConfined()) {
            int fd = Libc.memfd_create(arena.allocateFrom(name).address(), (int) FileAbi.MFD_CLOEXEC);
            if (fd < 0) {
                throw new SyscallException("memfd_create", Libc.errno(), name);
            }
            return fd;
        }
    }

    public static void truncate(int fd, long bytes) {
        if (Libc.ftruncate(fd, bytes) < 0) {
            throw new SyscallException("ftruncate", Libc.errno(), "fd " + fd + " to " + bytes + " bytes");
        }
    }

    /**
     * Finds data in a sparse file. Moves the file position: the descriptor must not be used for plain reads elsewhere.
     *
     * @return the first offset from {@code offset} on that is not in a hole; -1 when there is none before the end
     */
    public static long seekData(int fd, long offset) {
        return seek(fd, offset, FileAbi.SEEK_DATA);
    }

    /** @return the first offset from {@code offset} on that is in a hole or at the end; -1 when it is behind the end */
    public static long seekHole(int fd, long offset) {
        return seek(fd, offset, FileAbi.SEEK_HOLE);
    }

    private static long seek(int fd, long offset, long whence) {
        long found = Libc.orMinusErrno(Libc.lseek(fd, offset, (int) whence));
        if (found == -Errno.ENXIO) {
            return -1;
        }
        if (found < 0) {
            throw new SyscallException("lseek", (int) -found, "fd " + fd + " at " + offset);
        }
        return found;
    }

    /** Gives the memory of a range of a file back; it reads as zeros afterwards. The size of the file stays. */
    public static void punchHole(int fd, long offset, long bytes) {
        int mode = (int) (FileAbi.FALLOC_FL_PUNCH_HOLE | FileAbi.FALLOC_FL_KEEP_SIZE);
        fallocate(fd, mode, offset, bytes);
    }

    /** Reserves a range of a file, so that a full file system is an error here and not a SIGBUS later. */
    public static void allocate(int fd, long offset, long bytes) {
        fallocate(fd, 0, offset, bytes);
    }

    private static void fallocate(int fd, int mode, long offset, long bytes) {
        while (Libc.fallocate(fd, mode, offset, bytes) < 0) {
            int errno = Libc.errno();
            if (errno != Errno.EINTR) {
                throw new SyscallException(
                        "fallocate", errno, "fd " + fd + " mode " + mode + " at " + offset + " + " + bytes + " bytes");
            }
        }
    }
}
