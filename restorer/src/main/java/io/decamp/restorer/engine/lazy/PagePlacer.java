package io.decamp.restorer.engine.lazy;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.libc.MemoryCalls;
import io.decamp.linux.uffd.UffdCopy;
import io.decamp.linux.uffd.UserFaultFd;

/**
 * Puts pages of the replica into one address space. A page that is there already is never touched: the kernel refuses
 * (EEXIST), whatever the workload has done with it since. One thread at a time; does not allocate.
 */
final class PagePlacer implements AutoCloseable {
    /** Why it stopped. */
    enum Outcome {
        /** All of it is in place. */
        DONE,
        /** The workload is changing its mappings: its event must be read first. */
        CHANGING,
        /** The page behind {@link #settledBytes} is in no registered mapping: an event will tell, or has told. */
        ABSENT,
        /** The workload's memory limit, or the machine's. */
        NO_MEMORY,
        /** The address space is gone: exit, or exec. */
        GONE
    }

    private static final long PAGE = 4096;

    private final UserFaultFd uffd;
    private final UffdCopy copy;
    private long settledBytes;
    private Outcome outcome = Outcome.DONE;

    PagePlacer(UserFaultFd uffd) {
        this.uffd = uffd;
        this.copy = uffd.copier();
    }

    /** How far the last call came. */
    long settledBytes() {
        return settledBytes;
    }

    /** Of the last {@link #place} since {@link #restart}. */
    Outcome outcome() {
        return outcome;
    }

    void restart() {
        outcome = Outcome.DONE;
    }

    /** Data of {@code [origin, origin + bytes)} goes to {@code address}; holes stay missing, they read as zeros later. */
    Outcome place(ReplicaFile replica, long address, long origin, long bytes) {
        outcome = placeExtents(replica, address, origin, bytes);
        return outcome;
    }

    private Outcome placeExtents(ReplicaFile replica, long address, long origin, long bytes) {
        settledBytes = 0;
        long end = origin + bytes;
        while (settledBytes < bytes) {
            long data = replica.nextData(origin + settledBytes, end);
            settledBytes = data - origin;
            if (data < end) {
                long length = replica.nextHole(data, end) - data;
                long source = replica.address(data, length);
                // else the kernel stumbles over each page that is not mapped here yet, in the middle of placing it
                MemoryCalls.advise(source, length, FileAbi.MADV_POPULATE_READ);
                Outcome stopped = placeData(address + settledBytes, source, length);
                if (stopped != Outcome.DONE) {
                    return stopped;
                }
            }
        }
        return Outcome.DONE;
    }

    /** One page for a thread that waits for it, and up to {@code bytes} of what follows. */
    Outcome placeFault(ReplicaFile replica, long address, long origin, long bytes) {
        if (replica.nextData(origin, origin + PAGE) != origin) {
            return placeZero(address);
        }
        long length = replica.nextHole(origin, origin + bytes) - origin;
        settledBytes = 0;
        Outcome stopped = placeData(address, replica.address(origin, length), length);
        // what could not be brought in around it is of no concern here
        return settledBytes > 0 || stopped == Outcome.ABSENT ? wake(address) : stopped;
    }

    /** A page that is zero for a thread that waits for it. */
    Outcome placeZero(long address) {
        if (copy.zero(address, PAGE)) {
            return Outcome.DONE;
        }
        return switch (copy.errno()) {
            case Errno.EEXIST, Errno.ENOENT -> wake(address);
            default -> outcome(copy.errno(), address);
        };
    }

    /** Who waits for a page that is there, or unmapped, must look again. */
    private Outcome wake(long address) {
        return uffd.wake(address, PAGE) == 0 ? Outcome.DONE : Outcome.GONE;
    }

    private Outcome placeData(long address, long source, long bytes) {
        long done = 0;
        long part = bytes;
        while (done < bytes) {
            part = Math.min(part, bytes - done);
            boolean complete = copy.copy(address + done, source + done, part, 0);
            done += copy.copiedBytes();
            settledBytes += copy.copiedBytes();
            if (complete) {
                part = bytes;
            } else if (copy.copiedBytes() == 0) {
                switch (copy.errno()) {
                    case Errno.EEXIST -> {
                        done += PAGE;
                        settledBytes += PAGE;
                    }
                    case Errno.ENOENT -> {
                        if (part == PAGE) {
                            return Outcome.ABSENT;
                        }
                        part = Math.max(PAGE, part / 2 & -PAGE);
                    }
                    default -> {
                        return outcome(copy.errno(), address + done);
                    }
                }
            }
        }
        return Outcome.DONE;
    }

    private static Outcome outcome(int errno, long address) {
        return switch (errno) {
            case Errno.EAGAIN -> Outcome.CHANGING;
            case Errno.ESRCH -> Outcome.GONE;
            case Errno.ENOMEM, Errno.ENOSPC -> Outcome.NO_MEMORY;
            default -> throw DecampException.fatal(
                    "lazy-page-refused",
                    "The kernel refuses a page at 0x" + Long.toHexString(address) + ": " + Errno.name(errno),
                    "Keep the copy frozen and restore it anew from its replica",
                    null);
        };
    }

    @Override
    public void close() {
        copy.close();
    }
}
