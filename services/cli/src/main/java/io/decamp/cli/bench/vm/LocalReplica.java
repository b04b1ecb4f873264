package io.decamp.cli.bench.vm;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.Segment;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * A replica on this machine: a sparse file for each address space, in which a page lies where its address says, as at a
 * destination, without the link between.
 */
final class LocalReplica implements AutoCloseable {
    private static final int READ_PAGES = MemorySource.MAX_READ_BYTES / PageRuns.PAGE_BYTES;

    private final Path directory;
    private final Map<Long, FileChannel> spaces = new HashMap<>();

    /** @param directory on tmpfs, the caller's to remove */
    LocalReplica(Path directory) {
        this.directory = directory;
    }

    /** Reads what a scan reported in portions of the allowed size, and stores it. @return bytes */
    long take(PageRuns written, Function<PageRuns, Segment> read) {
        long bytes = 0;
        PageRuns portion = new PageRuns();
        long pages = 0;
        for (int i = 0; i < written.size(); i++) {
            for (int done = 0; done < written.pages(i); ) {
                int n = (int) Math.min(written.pages(i) - done, READ_PAGES - pages);
                portion.add(
                        written.space(i),
                        written.address(i) + (long) done * PageRuns.PAGE_BYTES,
                        n,
                        written.source(i),
                        written.sameAs(i));
                done += n;
                pages += n;
                if (pages == READ_PAGES) {
                    bytes += take(read.apply(portion));
                    portion.clear();
                    pages = 0;
                }
            }
        }
        return portion.isEmpty() ? bytes : bytes + take(read.apply(portion));
    }

    private long take(Segment segment) {
        try (segment;
                FileChannel source = FileChannel.open(segment.file(), StandardOpenOption.READ)) {
            PageRuns runs = segment.runs();
            long at = segment.offset();
            for (int i = 0; i < runs.size(); i++) {
                switch (runs.source(i)) {
                    case BYTES -> {
                        copy(source, at, runs.bytes(i), space(runs.space(i)), runs.address(i));
                        at += runs.bytes(i);
                    }
                    case ZERO -> clear(space(runs.space(i)), runs.address(i), runs.bytes(i));
                    case SAME_AS ->
                        copy(
                                space(runs.sameAs(i)),
                                runs.address(i),
                                runs.bytes(i),
                                space(runs.space(i)),
                                runs.address(i));
                }
            }
            return segment.length();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void copy(FileChannel from, long at, long bytes, FileChannel to, long address) throws IOException {
        to.position(address);
        for (long done = 0; done < bytes; ) {
            long n = from.transferTo(at + done, bytes - done, to);
            if (n <= 0) {
                throw new IOException("Short read of a segment at " + (at + done));
            }
            done += n;
        }
    }

    private static void clear(FileChannel space, long address, long bytes) throws IOException {
        ByteBuffer zero = ByteBuffer.allocate(PageRuns.PAGE_BYTES);
        for (long at = address; at < address + bytes; at += PageRuns.PAGE_BYTES) {
            zero.clear();
            space.write(zero, at);
        }
    }

    private FileChannel space(long id) throws IOException {
        FileChannel known = spaces.get(id);
        if (known == null) {
            known = FileChannel.open(
                    directory.resolve("space-" + id),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE);
            spaces.put(id, known);
        }
        return known;
    }

    /** @return pages of the only space that are not as the guest has them now */
    long mismatches(PageList guest) {
        if (spaces.size() != 1) {
            throw new IllegalStateException("One process was expected, there are " + spaces.size());
        }
        FileChannel space = spaces.values().iterator().next();
        long[] wrong = {0};
        guest.forEach((address, memory) -> {
            try (Arena arena = Arena.ofConfined()) {
                long stored = Math.clamp(space.size() - address, 0, memory.byteSize());
                MemorySegment replica = stored == 0
                        ? MemorySegment.NULL
                        : space.map(FileChannel.MapMode.READ_ONLY, address, stored, arena);
                for (long at = 0; at < memory.byteSize(); at += PageRuns.PAGE_BYTES) {
                    boolean same = at < stored
                            && MemorySegment.mismatch(
                                            replica, at, at + PageRuns.PAGE_BYTES, memory, at, at + PageRuns.PAGE_BYTES)
                                    < 0;
                    wrong[0] += same ? 0 : 1;
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        return wrong[0];
    }

    @Override
    public void close() {
        spaces.values().forEach(space -> {
            try {
                space.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }
}
