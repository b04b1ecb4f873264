package io.decamp.linux.libc;

/** Calls on this process's own address space. Thread safe. */
public final class MemoryCalls {
    private static final long MAP_FAILED = -1;

    private MemoryCalls() {}

    /** @return the address of the new mapping */
    public static long map(long bytes, long protection, long flags, int fd, long offset) {
        long address = Libc.mmap(0, bytes, (int) protection, (int) flags, fd, offset);
        if (address == MAP_FAILED) {
            throw new SyscallException("mmap", Libc.errno(), "fd " + fd + " at " + offset + " + " + bytes + " bytes");
        }
        return address;
    }

    public static void unmap(long address, long bytes) {
        if (Libc.munmap(address, bytes) < 0) {
            throw new SyscallException("munmap", Libc.errno(), range(address, bytes));
        }
    }

    public static void advise(long address, long bytes, long advice) {
        while (Libc.madvise(address, bytes, (int) advice) < 0) {
            int errno = Libc.errno();
            if (errno != Errno.EINTR && errno != Errno.EAGAIN) {
                throw new SyscallException("madvise(" + advice + ")", errno, range(address, bytes));
            }
        }
    }

    /** {@code 0x7f0000000000 + 4096 bytes}: how ranges are named in errors. */
    public static String range(long address, long bytes) {
        return "0x" + Long.toHexString(address) + " + " + bytes + " bytes";
    }
}
