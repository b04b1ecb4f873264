package io.decamp.introspector.engine.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.Segment;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Shared-memory files of {@link MemorySource#MAX_READ_BYTES} that pages are read into. A fresh page of tmpfs costs more
 * than the copy into it (0.3-1.2 GB/s against 4-6), so files are populated once and reused. Thread safe.
 *
 * <p>Nobody else may hold on to a closed segment: its file is written again at once.
 */
final class SegmentPool implements AutoCloseable {
    static final long SEGMENT_BYTES = MemorySource.MAX_READ_BYTES;

    private static final String PREFIX = "segment-";

    private final Path directory;
    private final int limit;
    private final Duration wait;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition returned = lock.newCondition();
    private final Deque<Buffer> idle = new ArrayDeque<>();
    private int made;
    private boolean closed;

    /**
     * @param limit of segments that exist at once; bounds the memory that reading may take
     * @param wait how long a reader waits for a segment to come back before it is told that there is none
     */
    SegmentPool(Path directory, int limit, Duration wait) {
        this.directory = directory;
        this.limit = limit;
        this.wait = wait;
        try {
            Files.createDirectories(directory);
            try (DirectoryStream<Path> left = Files.newDirectoryStream(directory, PREFIX + "*")) {
                for (Path file : left) {
                    Files.delete(file);
                }
            }
        } catch (IOException e) {
            throw unusable("Segment directory " + directory + " can't be prepared", e);
        }
    }

    /** A segment with no runs; waits while all are out. */
    Lease take() {
        lock.lock();
        try {
            long left = wait.toNanos();
            while (idle.isEmpty() && made >= limit && !closed) {
                if (left <= 0) {
                    throw DecampException.retry(
                            "segments-exhausted",
                            "All " + limit + " page segments are in use for " + wait.toMillis() + " ms",
                            "Close segments after sending them, or raise the limit of segments",
                            null);
                }
                left = returned.awaitNanos(left);
            }
            if (closed) {
                throw new IllegalStateException("segment pool is closed");
            }
            return new Lease(idle.isEmpty() ? make() : idle.pop());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DecampException.retry("interrupted", "Waiting for a page segment was interrupted", "Try again", e);
        } finally {
            lock.unlock();
        }
    }

    /** Ends the pool; segments that are still out are given back to the system when they are closed. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            idle.forEach(this::discard);
            idle.clear();
            returned.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private Buffer make() {
        Path file = directory.resolve(PREFIX + (made + 1));
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MemorySegment memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, SEGMENT_BYTES, arena);
            memory.fill((byte) 0);
            made++;
            return new Buffer(file, memory, arena);
        } catch (IOException | InternalError e) {
            arena.close();
            throw unusable("Page segment " + file + " can't be made", e);
        }
    }

    private static DecampException unusable(String what, Throwable cause) {
        return DecampException.abort(
                "memory-directory-unusable",
                what,
                "Check that the memory directory is on tmpfs, writable and not full",
                cause);
    }

    private void discard(Buffer buffer) {
        buffer.arena.close();
        try {
            Files.deleteIfExists(buffer.file);
        } catch (IOException e) {
            throw unusable("Page segment " + buffer.file + " can't be deleted", e);
        }
    }

    private record Buffer(Path file, MemorySegment memory, Arena arena) {}

    /** A file of the pool from {@link #take} until it is closed; who takes the file next gets a lease of its own. */
    final class Lease implements Segment {
        private final Buffer buffer;
        private final PageRuns runs = new PageRuns();
        private long length;
        private boolean over;

        private Lease(Buffer buffer) {
            this.buffer = buffer;
        }

        MemorySegment memory() {
            return buffer.memory;
        }

        void length(long bytes) {
            length = bytes;
        }

        @Override
        public Path file() {
            return buffer.file;
        }

        @Override
        public long offset() {
            return 0;
        }

        @Override
        public long length() {
            return length;
        }

        @Override
        public PageRuns runs() {
            return runs;
        }

        /** Idempotent. */
        @Override
        public void close() {
            lock.lock();
            try {
                if (over) {
                    return;
                }
                over = true;
                if (closed) {
                    discard(buffer);
                } else {
                    idle.push(buffer);
                    returned.signal();
                }
            } finally {
                lock.unlock();
            }
        }
    }
}
