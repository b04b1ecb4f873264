package io.decamp.linux.libc;

/**
 * A system call failed. Carries what is needed to decide without reading the text: the call, errno and what it was
 * about.
 */
public final class SyscallException extends RuntimeException {
    private final String call;
    private final int errno;
    private final String datum;

    public SyscallException(String call, int errno, String datum) {
        super(call + " failed with " + Errno.name(errno) + " on " + datum);
        this.call = call;
        this.errno = errno;
        this.datum = datum;
    }

    /** The system call or C function: {@code pidfd_open}. */
    public String call() {
        return call;
    }

    public int errno() {
        return errno;
    }

    /** {@code ESRCH}. */
    public String errnoName() {
        return Errno.name(errno);
    }

    /** What it was about: {@code pid 4711}, {@code 0x7f0000000000 + 4096 bytes}. */
    public String datum() {
        return datum;
    }
}
