package io.decamp.transfer.engine.replica;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.port.Segment;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Pages in a file, as an introspector would hand them over; they start in the middle of it. */
public record FakeSegment(Path file, long offset, long length, PageRuns runs) implements Segment {
    private static final int OFFSET = 8192;

    public static FakeSegment of(Path file, PageRuns runs, byte[] payload) {
        try (FileChannel to = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            to.write(ByteBuffer.wrap(payload), OFFSET);
            return new FakeSegment(file, OFFSET, payload.length, runs);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One run of pages that are all filled with {@code fill}. */
    public static FakeSegment filled(Path file, long space, long address, int pages, int fill) {
        PageRuns runs = new PageRuns();
        runs.add(space, address, pages, io.decamp.contracts.page.PageSource.BYTES);
        byte[] payload = new byte[pages * PageRuns.PAGE_BYTES];
        java.util.Arrays.fill(payload, (byte) fill);
        return of(file, runs, payload);
    }

    @Override
    public void close() {}
}
