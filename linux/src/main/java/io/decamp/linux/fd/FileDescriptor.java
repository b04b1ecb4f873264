package io.decamp.linux.fd;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.libc.FileCalls;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The one owner of a descriptor number. {@link #close} and {@link #disown} are the only ways for the number to leave.
 * Thread safe, but closing while another thread is in a call on {@link #number} is the caller's mistake: the number may
 * be given to another open file in between.
 */
public final class FileDescriptor implements AutoCloseable {
    private static final int GONE = -1;

    private final AtomicInteger number;
    private final String what;

    private FileDescriptor(int number, String what) {
        this.number = new AtomicInteger(number);
        this.what = what;
    }

    /** @param what named in errors and in reports of leaks: {@code pidfd of 4711} */
    public static FileDescriptor own(int number, String what) {
        if (number < 0) {
            throw new IllegalArgumentException("no descriptor: " + number + " for " + what);
        }
        FdTrace.opened(number, what);
        return new FileDescriptor(number, what);
    }

    /** Opens a file, always closed on exec. */
    public static FileDescriptor open(String path, long flags, int mode) {
        return own(FileCalls.open(path, flags | FileAbi.O_CLOEXEC, mode), path);
    }

    /** @throws IllegalStateException when it was closed or disowned */
    public int number() {
        int fd = number.get();
        if (fd == GONE) {
            throw new IllegalStateException("descriptor is closed: " + what);
        }
        return fd;
    }

    public boolean isOpen() {
        return number.get() != GONE;
    }

    /** A second number for the same open file, with an owner of its own. */
    public FileDescriptor duplicate() {
        return own(FileCalls.duplicate(number()), what);
    }

    /** Hands the number to the caller, who must close it. */
    public int disown() {
        int fd = number.getAndSet(GONE);
        if (fd == GONE) {
            throw new IllegalStateException("descriptor is closed: " + what);
        }
        FdTrace.closed(fd);
        return fd;
    }

    /** Idempotent. */
    @Override
    public void close() {
        int fd = number.getAndSet(GONE);
        if (fd != GONE) {
            FdTrace.closed(fd);
            FileCalls.close(fd);
        }
    }

    @Override
    public String toString() {
        return "fd " + number.get() + " (" + what + ")";
    }
}
