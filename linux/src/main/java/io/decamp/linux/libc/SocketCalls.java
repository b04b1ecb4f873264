package io.decamp.linux.libc;

import io.decamp.linux.abi.SocketAbi;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** Calls on sockets, by number. All descriptors are closed on exec. Thread safe. */
public final class SocketCalls {
    private SocketCalls() {}

    /** @return two connected sockets */
    public static int[] pair(long type) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment two = arena.allocate(ValueLayout.JAVA_INT, 2);
            int kind = (int) (type | SocketAbi.SOCK_CLOEXEC);
            if (Libc.socketpair((int) SocketAbi.AF_UNIX, kind, 0, two.address()) < 0) {
                throw new SyscallException("socketpair", Libc.errno(), "type " + type);
            }
            return two.toArray(ValueLayout.JAVA_INT);
        }
    }

    public static int socket(long type) {
        int fd = Libc.socket((int) SocketAbi.AF_UNIX, (int) (type | SocketAbi.SOCK_CLOEXEC), 0);
        if (fd < 0) {
            throw new SyscallException("socket", Libc.errno(), "AF_UNIX type " + type);
        }
        return fd;
    }

    public static void bind(int fd, String path) {
        try (Arena arena = Arena.ofConfined()) {
            long address = address(arena, path);
            if (Libc.bind(fd, address, (int) SocketAbi.SOCKADDR_UN_BYTES) < 0) {
                throw new SyscallException("bind", Libc.errno(), path);
            }
        }
    }

    public static void listen(int fd, int backlog) {
        if (Libc.listen(fd, backlog) < 0) {
            throw new SyscallException("listen", Libc.errno(), "fd " + fd);
        }
    }

    public static void connect(int fd, String path) {
        try (Arena arena = Arena.ofConfined()) {
            long address = address(arena, path);
            if (Libc.connect(fd, address, (int) SocketAbi.SOCKADDR_UN_BYTES) < 0) {
                throw new SyscallException("connect", Libc.errno(), path);
            }
        }
    }

    /** @return the connected socket, or {@code -errno} */
    public static int accept(int fd) {
        long accepted;
        do {
            accepted = Libc.orMinusErrno(Libc.accept4(fd, 0, 0, (int) SocketAbi.SOCK_CLOEXEC));
        } while (accepted == -Errno.EINTR);
        return (int) accepted;
    }

    /** @return 0, or {@code -errno} */
    public static int shutdown(int fd, long how) {
        return (int) Libc.orMinusErrno(Libc.shutdown(fd, (int) how));
    }

    /** @param message address of a struct msghdr; @return bytes sent, or {@code -errno} */
    public static long send(int fd, long message, long flags) {
        long sent;
        do {
            sent = Libc.orMinusErrno(Libc.sendmsg(fd, message, (int) flags));
        } while (sent == -Errno.EINTR);
        return sent;
    }

    /** @param message address of a struct msghdr; @return bytes received, 0 at the end, or {@code -errno} */
    public static long receive(int fd, long message, long flags) {
        long received;
        do {
            received = Libc.orMinusErrno(Libc.recvmsg(fd, message, (int) flags));
        } while (received == -Errno.EINTR);
        return received;
    }

    public static void getOption(int fd, long name, MemorySegment value) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_INT, (int) value.byteSize());
            int result =
                    Libc.getsockopt(fd, (int) SocketAbi.SOL_SOCKET, (int) name, value.address(), length.address());
            if (result < 0) {
                throw new SyscallException("getsockopt(" + name + ")", Libc.errno(), "fd " + fd);
            }
        }
    }

    /**
     * Reads an option of any level into memory of the caller.
     *
     * @param length address of an int: room at {@code value} before, bytes that were filled in afterwards
     * @return 0, or {@code -errno}
     */
    public static int getOption(int fd, long level, long name, long value, long length) {
        return (int) Libc.orMinusErrno(Libc.getsockopt(fd, (int) level, (int) name, value, length));
    }

    /** @param length as of {@link #getOption(int, long, long, long, long)}; @return 0, or {@code -errno} */
    public static int localAddress(int fd, long address, long length) {
        return (int) Libc.orMinusErrno(Libc.getsockname(fd, address, length));
    }

    /** @param length as of {@link #getOption(int, long, long, long, long)}; @return 0, or {@code -errno} */
    public static int peerAddress(int fd, long address, long length) {
        return (int) Libc.orMinusErrno(Libc.getpeername(fd, address, length));
    }

    public static void setOption(int fd, long name, MemorySegment value) {
        int bytes = (int) value.byteSize();
        if (Libc.setsockopt(fd, (int) SocketAbi.SOL_SOCKET, (int) name, value.address(), bytes) < 0) {
            throw new SyscallException("setsockopt(" + name + ")", Libc.errno(), "fd " + fd);
        }
    }

    private static long address(Arena arena, String path) {
        byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
        if (bytes.length >= SocketAbi.SUN_PATH_BYTES) {
            throw new IllegalArgumentException(
                    "socket path is longer than " + (SocketAbi.SUN_PATH_BYTES - 1) + " bytes: " + path);
        }
        MemorySegment address = arena.allocate(SocketAbi.SOCKADDR_UN_BYTES, 8);
        address.set(ValueLayout.JAVA_SHORT, SocketAbi.SUN_FAMILY, (short) SocketAbi.AF_UNIX);
        MemorySegment.copy(bytes, 0, address, ValueLayout.JAVA_BYTE, SocketAbi.SUN_PATH, bytes.length);
        return address.address();
    }
}
