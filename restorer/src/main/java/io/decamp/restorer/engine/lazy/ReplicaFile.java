package io.decamp.restorer.engine.lazy;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.FileCalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.TreeMap;

/**
 * The memory of one process as it was frozen: a sparse file whose offset is the virtual address, mapped where it is
 * needed. Only data may be touched: reading a hole of a tmpfs file through a mapping allocates it.
 *
 * <p>Does not change while it is open. Threads may use it together.
 */
final class ReplicaFile implements AutoCloseable {
    /** Distances up to this are mapped along: address space costs nothing, and the kernel limits mappings to 65530. */
    private static final long WINDOW_GAP_BYTES = 1L << 30;

    private static final long PAGE = 4096;

    private record Window(long start, long end, long memory) {}

    private final FileDescriptor descriptor;
    private final Arena arena = Arena.ofShared();
    private final TreeMap<Long, Window> windows = new TreeMap<>();

    /** Starts and ends of data, in order; null until {@link #index}. */
    private volatile long[] index;

    private ReplicaFile(FileDescriptor descriptor) {
        this.descriptor = descriptor;
    }

    /**
     * Maps the parts of the file that {@code map} refers to.
     *
     * @throws DecampException {@code replica-incomplete} when it is not there
     */
    static ReplicaFile open(Path file, ServedMap map) {
        ReplicaFile replica = null;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            replica = new ReplicaFile(FileDescriptor.open(file.toString(), FileAbi.O_RDONLY, 0));
            replica.mapWindows(channel, map);
            return replica;
        } catch (IOException | RuntimeException e) {
            if (replica != null) {
                replica.close();
            }
            throw new DecampException(
                    DecampException.Category.REFUSED,
                    "replica-incomplete",
                    "Can't read the memory in " + file,
                    "Abort the hand-off; the workload is complete at its source",
                    e);
        }
    }

    private void mapWindows(FileChannel channel, ServedMap map) throws IOException {
        TreeMap<Long, Long> wanted = new TreeMap<>();
        map.forEach(extent -> wanted.merge(extent.origin(), extent.origin() + extent.length(), Math::max));
        long size = channel.size();
        long start = -1;
        long end = -1;
        for (var range : wanted.entrySet()) {
            if (start >= 0 && range.getKey() - end > WINDOW_GAP_BYTES) {
                mapWindow(channel, start, end, size);
                start = -1;
            }
            start = start < 0 ? range.getKey() : start;
            end = Math.max(end, range.getValue());
        }
        if (start >= 0) {
            mapWindow(channel, start, end, size);
        }
    }

    private void mapWindow(FileChannel channel, long start, long end, long size) throws IOException {
        long limit = Math.min(end, size);
        if (limit > start) {
            long memory = channel.map(FileChannel.MapMode.READ_ONLY, start, limit - start, arena)
                    .address();
            windows.put(start, new Window(start, limit, memory));
        }
    }

    /**
     * Walks once over all that is mapped, about 10 ms a GiB. Without, {@link #nextHole} asks page by page, as the kernel's
     * SEEK_HOLE goes to the end of the data however far that is. Idempotent.
     */
    synchronized void index() {
        if (index != null) {
            return;
        }
        long[] found = new long[64];
        int size = 0;
        for (Window window : windows.values()) {
            long end = (window.end() + PAGE - 1) & -PAGE;
            for (long data = seekData(window.start(), end); data < end; ) {
                long hole = FileCalls.seekHole(descriptor.number(), data);
                hole = hole < 0 ? end : Math.min(end, (hole + PAGE - 1) & -PAGE);
                if (size == found.length) {
                    found = Arrays.copyOf(found, size * 2);
                }
                found[size++] = data;
                found[size++] = hole;
                data = hole < end ? seekData(hole, end) : end;
            }
        }
        index = Arrays.copyOf(found, size);
    }

    /** First offset from {@code offset} on that has data, at most {@code limit}. Multiple of the page size. */
    long nextData(long offset, long limit) {
        long[] boundaries = index;
        if (boundaries == null) {
            return seekData(offset, limit);
        }
        int next = behind(boundaries, offset);
        boolean inData = (next & 1) == 1;
        return inData ? offset : next == boundaries.length ? limit : Math.min(limit, boundaries[next]);
    }

    /** First offset from {@code offset} on, which has data, that has none, at most {@code limit}. */
    long nextHole(long offset, long limit) {
        long[] boundaries = index;
        if (boundaries != null) {
            return Math.min(limit, boundaries[behind(boundaries, offset)]);
        }
        long at = offset + PAGE;
        while (at < limit && seekData(at, limit) == at) {
            at += PAGE;
        }
        return Math.min(at, limit);
    }

    /** Index of the first boundary behind {@code offset}: odd within data, even in a hole. */
    private static int behind(long[] boundaries, long offset) {
        int found = Arrays.binarySearch(boundaries, offset);
        return found >= 0 ? found + 1 : -found - 1;
    }

    private long seekData(long offset, long limit) {
        long found = FileCalls.seekData(descriptor.number(), offset);
        return found < 0 ? limit : Math.min(limit, found & -PAGE);
    }

    /** Where {@code bytes} bytes of data from {@code offset} on are in this process's memory. */
    long address(long offset, long bytes) {
        var window = windows.floorEntry(offset);
        if (window == null || offset + bytes > ((window.getValue().end() + PAGE - 1) & -PAGE)) {
            throw new IllegalArgumentException(
                    "0x" + Long.toHexString(offset) + " + " + bytes + " bytes of the replica are not mapped");
        }
        return window.getValue().memory() + (offset - window.getKey());
    }

    @Override
    public void close() {
        arena.close();
        descriptor.close();
    }
}
