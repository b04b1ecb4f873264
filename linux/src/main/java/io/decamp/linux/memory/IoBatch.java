package io.decamp.linux.memory;

import io.decamp.linux.abi.FileAbi;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A list of copies between this process and another one, of at most {@link #CAPACITY} entries, which one system call
 * works off from {@link #position} on. Made once and reused. One thread at a time.
 */
public final class IoBatch implements AutoCloseable {
    /** More in one call is refused by the kernel. */
    public static final int CAPACITY = FileAbi.UIO_MAXIOV;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment local = arena.allocate(FileAbi.IOVEC_BYTES * CAPACITY, 8);
    private final MemorySegment remote = arena.allocate(FileAbi.IOVEC_BYTES * CAPACITY, 8);
    private int size;
    private int position;
    private long leftBytes;

    public void clear() {
        size = 0;
        position = 0;
        leftBytes = 0;
    }

    public boolean isFull() {
        return size == CAPACITY;
    }

    public boolean isEmpty() {
        return size == 0;
    }

    /** Appends one copy of {@code bytes} bytes. @throws IllegalStateException when it is full */
    public void add(long remoteAddress, long localAddress, long bytes) {
        if (size == CAPACITY) {
            throw new IllegalStateException("batch is full: " + CAPACITY);
        }
        if (bytes <= 0) {
            throw new IllegalArgumentException("bytes " + bytes);
        }
        put(local, size, localAddress, bytes);
        put(remote, size, remoteAddress, bytes);
        size++;
        leftBytes += bytes;
    }

    /** Bytes that are not copied (or skipped) yet. */
    public long leftBytes() {
        return leftBytes;
    }

    /** The address in the other process where the next byte is copied. */
    public long remoteAddress() {
        return remote.get(ValueLayout.JAVA_LONG, current() + FileAbi.IOVEC_BASE);
    }

    public long localAddress() {
        return local.get(ValueLayout.JAVA_LONG, current() + FileAbi.IOVEC_BASE);
    }

    /** Bytes left of the entry that is worked on. */
    public long entryBytes() {
        return remote.get(ValueLayout.JAVA_LONG, current() + FileAbi.IOVEC_LEN);
    }

    /** Takes {@code bytes} bytes as done. Used after a stop, to go on behind it. */
    public void advance(long bytes) {
        if (bytes < 0 || bytes > leftBytes) {
            throw new IllegalArgumentException("advance by " + bytes + " of " + leftBytes);
        }
        long left = bytes;
        while (left > 0) {
            long entry = entryBytes();
            long step = Math.min(entry, left);
            if (step == entry) {
                position++;
            } else {
                put(local, position, localAddress() + step, entry - step);
                put(remote, position, remoteAddress() + step, entry - step);
            }
            left -= step;
        }
        leftBytes -= bytes;
    }

    long localVector() {
        return local.address() + current();
    }

    long remoteVector() {
        return remote.address() + current();
    }

    int leftEntries() {
        return size - position;
    }

    private long current() {
        return position * FileAbi.IOVEC_BYTES;
    }

    private static void put(MemorySegment vector, int index, long address, long bytes) {
        vector.set(ValueLayout.JAVA_LONG, index * FileAbi.IOVEC_BYTES + FileAbi.IOVEC_BASE, address);
        vector.set(ValueLayout.JAVA_LONG, index * FileAbi.IOVEC_BYTES + FileAbi.IOVEC_LEN, bytes);
    }

    @Override
    public void close() {
        arena.close();
    }
}
