package io.decamp.transfer.engine.replica;

import io.decamp.contracts.page.FrameHeader;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.linux.file.SparseFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where an epoch waits until it is complete: its pages, one after the other, in one file, and a journal of its runs in
 * another. Applying goes run by run and writes down after each how far it has come, so that a crash is made good by
 * going
 * on from there: repeating the one run that was under way does no harm, as it never reads what it writes.
 *
 * <pre>
 *  journal: | applied runs | runs | then a run each: space, address, pages + source, same-as space, offset in pages |
 *             8              8      8      8        4       4         8              8
 * </pre>
 *
 * Both lie in tmpfs: they outlive the service, not the node, and neither does the replica. Not thread safe.
 */
final class Staging implements AutoCloseable {
    private static final int APPLIED_OFFSET = 0;
    private static final int COUNT_OFFSET = APPLIED_OFFSET + Long.BYTES;
    private static final int JOURNAL_HEADER_BYTES = COUNT_OFFSET + Long.BYTES;

    private static final int SPACE_OFFSET = 0;
    private static final int ADDRESS_OFFSET = SPACE_OFFSET + Long.BYTES;
    private static final int PAGES_OFFSET = ADDRESS_OFFSET + Long.BYTES;
    private static final int SOURCE_OFFSET = PAGES_OFFSET + Integer.BYTES;
    private static final int SAME_AS_OFFSET = SOURCE_OFFSET + Integer.BYTES;
    private static final int PAYLOAD_OFFSET = SAME_AS_OFFSET + Long.BYTES;
    private static final int ENTRY_BYTES = PAYLOAD_OFFSET + Long.BYTES;

    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Journal entries written at once. */
    private static final int BATCH = 1024;

    /** Memory kept between epochs, as fresh tmpfs pages are slow: that of a usual delta. */
    private static final long KEPT_BYTES = 64 << 20;

    private final Path directory;
    private final SparseFile pages;
    private final SparseFile journal;
    private final ByteBuffer batch =
            ByteBuffer.allocateDirect(BATCH * ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private long payloadBytes;
    private long journalBytes = JOURNAL_HEADER_BYTES;

    Staging(Path directory) throws IOException {
        this.directory = directory;
        Files.createDirectories(directory);
        pages = SparseFile.open(directory.resolve("pages"), 0);
        journal = SparseFile.open(directory.resolve("journal"), JOURNAL_HEADER_BYTES);
    }

    Path parts() {
        return directory.resolve("parts");
    }

    /** @param payload of the run when it is BYTES */
    void add(FrameHeader run, ByteBuffer payload) throws IOException {
        if (!batch.hasRemaining()) {
            writeBatch();
        }
        batch.putLong(run.space).putLong(run.address).putInt(run.pages).putInt(run.source.code());
        batch.putLong(run.sameAs).putLong(payloadBytes);
        if (run.source == PageSource.BYTES) {
            payloadBytes += writeFully(pages.channel(), payload, payloadBytes);
        }
    }

    private void writeBatch() throws IOException {
        journalBytes += writeFully(journal.channel(), batch.flip(), journalBytes);
        batch.clear();
    }

    private static long writeFully(FileChannel to, ByteBuffer bytes, long at) throws IOException {
        int length = bytes.remaining();
        for (long offset = at; bytes.hasRemaining(); ) {
            offset += to.write(bytes, offset);
        }
        return length;
    }

    /** Completes the journal; the epoch can be applied from what is in the files from now on. */
    void complete() throws IOException {
        writeBatch();
        batch.putLong(0).putLong((journalBytes - JOURNAL_HEADER_BYTES) / ENTRY_BYTES).flip();
        writeFully(journal.channel(), batch, 0);
        batch.clear();
    }

    /** Applies what was not applied yet. */
    void apply(SpaceFiles spaces, Checkpoints checkpoints) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment payload = pages.channel().map(FileChannel.MapMode.READ_ONLY, 0, pages.channel().size(), arena);
            MemorySegment entries = journal.channel().map(FileChannel.MapMode.READ_WRITE, 0, journal.channel().size(), arena);
            ByteBuffer head = entries.asSlice(0, JOURNAL_HEADER_BYTES).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
            long count = head.getLong(COUNT_OFFSET);
            for (long i = head.getLong(APPLIED_OFFSET); i < count; i++) {
                applyRun(entries, JOURNAL_HEADER_BYTES + i * ENTRY_BYTES, payload, spaces);
                checkpoints.reached("run-applied");
                head.putLong(APPLIED_OFFSET, i + 1);
                checkpoints.reached("run-noted");
            }
        }
    }

    private static void applyRun(MemorySegment entries, long at, MemorySegment payload, SpaceFiles spaces)
            throws IOException {
        long space = entries.get(LONG, at + SPACE_OFFSET);
        long address = entries.get(LONG, at + ADDRESS_OFFSET);
        long bytes = (long) entries.get(INT, at + PAGES_OFFSET) * PageRuns.PAGE_BYTES;
        switch (PageSource.ofCode(entries.get(INT, at + SOURCE_OFFSET))) {
            case BYTES -> spaces.write(
                    space, address, payload.asSlice(entries.get(LONG, at + PAYLOAD_OFFSET), bytes).asByteBuffer());
            case ZERO -> spaces.punch(space, address, bytes);
            case SAME_AS -> spaces.copy(entries.get(LONG, at + SAME_AS_OFFSET), space, address, bytes);
        }
    }

    /** Forgets everything and gives back all memory, also what was reserved in {@code spaces} for applying. */
    void discard(SpaceFiles spaces) throws IOException {
        // first of all room for the rest of the journal: the file system may be full
        pages.channel().truncate(0);
        writeBatch();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entries = journal.channel().map(FileChannel.MapMode.READ_ONLY, 0, journalBytes, arena);
            for (long at = JOURNAL_HEADER_BYTES; at < journalBytes; at += ENTRY_BYTES) {
                if (entries.get(INT, at + SOURCE_OFFSET) != PageSource.ZERO.code()) {
                    spaces.trim(
                            entries.get(LONG, at + SPACE_OFFSET),
                            entries.get(LONG, at + ADDRESS_OFFSET),
                            (long) entries.get(INT, at + PAGES_OFFSET) * PageRuns.PAGE_BYTES);
                }
            }
        }
        reset();
    }

    /** Forgets everything, and keeps some memory for the next epoch. */
    void reset() throws IOException {
        batch.clear();
        payloadBytes = 0;
        journalBytes = JOURNAL_HEADER_BYTES;
        journal.channel().truncate(JOURNAL_HEADER_BYTES);
        if (pages.channel().size() > KEPT_BYTES) {
            pages.channel().truncate(KEPT_BYTES);
        }
    }

    long allocatedBytes() throws IOException {
        return pages.allocatedBytes() + journal.allocatedBytes();
    }

    @Override
    public void close() throws IOException {
        pages.close();
        journal.close();
    }
}
