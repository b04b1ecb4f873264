package io.decamp.linux.uffd;

import io.decamp.linux.abi.UffdAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.FileCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Resolves missing pages. Results are values, not exceptions, as none of them is rare: after a call {@link
 * #copiedBytes}
 * says how far it came and {@link #errno} why it stopped there (0: it did not).
 *
 * <ul>
 *   <li>EEXIST: the page at {@code destination + copiedBytes} is there already: wake and go on behind it
 *   <li>EAGAIN: the mappings are being changed, or it stopped half-way: read events, then go on
 *   <li>ENOENT: the range leaves the registered mapping: split it
 *   <li>ESRCH: the process is gone
 *   <li>ENOSPC, ENOMEM: no memory for the page
 * </ul>
 *
 * One thread at a time; does not allocate.
 */
public final class UffdCopy implements AutoCloseable {
    private final FileDescriptor descriptor;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment argument = arena.allocate(UffdAbi.ARGUMENT_BYTES, 8);
    private long copiedBytes;
    private int errno;

    UffdCopy(FileDescriptor descriptor) {
        this.descriptor = descriptor;
    }

    /**
     * Fills {@code [destination, destination + bytes)} there from memory here, and wakes the waiting.
     *
     * @param modes UFFDIO_COPY_MODE_ bits
     * @return true when all of it was copied
     */
    public boolean copy(long destination, long source, long bytes, long modes) {
        argument.set(ValueLayout.JAVA_LONG, UffdAbi.COPY_DST, destination);
        argument.set(ValueLayout.JAVA_LONG, UffdAbi.COPY_SRC, source);
        argument.set(ValueLayout.JAVA_LONG, UffdAbi.COPY_LEN, bytes);
        argument.set(ValueLayout.JAVA_LONG, UffdAbi.COPY_MODE, modes);
        argument.set(ValueLayout.JAVA_LONG, UffdAbi.COPY_COPY, 0);
        return call(UffdAbi.UFFDIO_COPY, UffdAbi.COPY_COPY, bytes);
    }

    /** The same with zero pages. */
    public boolean zero(long destination, long bytes) {
        argument.set(ValueLayout.JAVA_LONG, UffdAbi.RANGE_START, destination);
        argument.set(ValueLayout.JAVA_LONG, UffdAbi.RANGE_LEN, bytes);
        argument.set(ValueLayout.JAVA_LONG, UffdAbi.ZEROPAGE_MODE, 0);
        argument.set(ValueLayout.JAVA_LONG, UffdAbi.ZEROPAGE_ZEROPAGE, 0);
        return call(UffdAbi.UFFDIO_ZEROPAGE, UffdAbi.ZEROPAGE_ZEROPAGE, bytes);
    }

    /** Of the last call. */
    public long copiedBytes() {
        return copiedBytes;
    }

    /** Of the last call; 0 when it copied everything. */
    public int errno() {
        return errno;
    }

    private boolean call(long request, long resultOffset, long bytes) {
        int result = FileCalls.ioctl(descriptor.number(), request, argument.address());
        if (result == 0) {
            copiedBytes = bytes;
            errno = 0;
            return true;
        }
        // The field holds bytes done, or the negated error when there are none.
        copiedBytes = Math.max(0, argument.get(ValueLayout.JAVA_LONG, resultOffset));
        errno = -result;
        return false;
    }

    @Override
    public void close() {
        arena.close();
    }
}
