package io.decamp.introspector.engine.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.PageRuns;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * One bit per page of a whole address space, in a sparse file on tmpfs, so that it outlives the service that writes it:
 * what was stored before a {@code kill -9} is there afterwards. Pages are numbered by {@code address / 4096}.
 *
 * <pre>
 * 0        header   two longs for the owner (the rest of the page is unused)
 * 4 KiB    top      one bit per word of the summary: "it may not be 0"
 * 8 KiB    summary  one bit per 128 MiB of address space: "its block may have set bits"
 * 264 KiB  bits     one bit per page; 4 KiB of bits for each summary bit
 * </pre>
 *
 * <p>The summary lets a walk over a 16 TiB reservation touch 16 KiB and not half a gigabyte; the top,
 * that nothing below it is looked at in vain, as a look makes tmpfs provide a page. Both are stored before what is
 * below them and may stay set when that is gone. Not thread safe.
 */
final class PageBitmap implements AutoCloseable {
    /** User space of x86-64 with four page-table levels is 47 bits, of arm64 48 bits. */
    private static final int ADDRESS_BITS = 48;

    /** First page number that can't be stored. */
    static final long LIMIT_PAGES = 1L << (ADDRESS_BITS - 12);

    private static final int BLOCK_SHIFT = 15;
    private static final long HEADER_BYTES = 4096;
    private static final long SUMMARY_BYTES = (LIMIT_PAGES >>> BLOCK_SHIFT) / 8;
    private static final long SUMMARY_WORDS = SUMMARY_BYTES / 8;
    private static final long TOP_BYTES = SUMMARY_WORDS / 8;
    private static final long SUMMARY_OFFSET = HEADER_BYTES + TOP_BYTES;
    private static final long BITS_OFFSET = SUMMARY_OFFSET + SUMMARY_BYTES;
    private static final long FILE_BYTES = BITS_OFFSET + LIMIT_PAGES / 8;
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG;

    private final Path file;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private long cardinality;

    private PageBitmap(Path file) throws IOException {
        this.file = file;
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, FILE_BYTES, arena);
        }
    }

    /** Opens the file, or makes it with no bit set. */
    static PageBitmap open(Path file) {
        try {
            boolean fresh = Files.notExists(file);
            PageBitmap bitmap = new PageBitmap(file);
            bitmap.cardinality = fresh ? 0 : bitmap.recount();
            return bitmap;
        } catch (IOException e) {
            throw DecampException.abort(
                    "memory-directory-unusable",
                    "Page bitmap " + file + " can't be mapped",
                    "Check that the memory directory is on tmpfs, writable and not full",
                    e);
        }
    }

    Path file() {
        return file;
    }

    /** One of two longs of the owner. */
    long header(int index) {
        return memory.get(WORD, index * 8L);
    }

    void header(int index, long value) {
        memory.set(WORD, index * 8L, value);
    }

    /** Number of set bits. */
    long cardinality() {
        return cardinality;
    }

    boolean get(long page) {
        return summaryBit(page >>> BLOCK_SHIFT) && (word(page >>> 6) >>> page & 1) != 0;
    }

    /** Sets {@code [from, to)}. */
    void set(long from, long to) {
        checkRange(from, to);
        for (long block = from >>> BLOCK_SHIFT; block <= (to - 1) >>> BLOCK_SHIFT && from < to; block++) {
            markSummary(block);
        }
        VarHandle.releaseFence();
        for (long page = from; page < to; ) {
            long end = Math.min(to, (page | 63) + 1);
            update(page >>> 6, word(page >>> 6) | mask(page, end));
            page = end;
        }
    }

    /** Clears {@code [from, to)}; costs nothing where the summary is clear. */
    void clear(long from, long to) {
        checkRange(from, to);
        for (long page = nextSet(from, to); page >= 0; page = nextSet(page, to)) {
            long end = Math.min(to, (page | 63) + 1);
            update(page >>> 6, word(page >>> 6) & ~mask(page, end));
            page = end;
        }
    }

    /** Adds the bits of {@code other} within {@code [from, to)}. */
    void or(PageBitmap other, long from, long to) {
        for (long page = other.nextSet(from, to); page >= 0; page = other.nextSet(page, to)) {
            long end = Math.min(to, (page | 63) + 1);
            long bits = other.word(page >>> 6) & mask(page, end);
            markSummary(page >>> BLOCK_SHIFT);
            VarHandle.releaseFence();
            update(page >>> 6, word(page >>> 6) | bits);
            page = end;
        }
    }

    /** The first set bit in {@code [from, to)}, or -1. */
    long nextSet(long from, long to) {
        long page = from;
        while (page < to) {
            if (!summaryBit(page >>> BLOCK_SHIFT)) {
                page = nextMarkedBlock((page >>> BLOCK_SHIFT) + 1) << BLOCK_SHIFT;
                continue;
            }
            long word = word(page >>> 6) & (-1L << page);
            if (word != 0) {
                long found = (page & ~63L) + Long.numberOfTrailingZeros(word);
                return found < to ? found : -1;
            }
            page = (page | 63) + 1;
        }
        return -1;
    }

    /** The first clear bit in {@code [from, to)}, or {@code to}. */
    long nextClear(long from, long to) {
        long page = from;
        while (page < to) {
            if (!summaryBit(page >>> BLOCK_SHIFT)) {
                return page;
            }
            long word = ~word(page >>> 6) & (-1L << page);
            if (word != 0) {
                return Math.min(to, (page & ~63L) + Long.numberOfTrailingZeros(word));
            }
            page = (page | 63) + 1;
        }
        return to;
    }

    @Override
    public void close() {
        arena.close();
    }

    /** Closes it and gives its memory back. */
    void delete() {
        close();
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw DecampException.abort(
                    "memory-directory-unusable",
                    "Page bitmap " + file + " can't be deleted",
                    "Check the permissions of the memory directory",
                    e);
        }
    }

    /** Page number of an address; refuses one that user space of a supported machine can't have. */
    static long page(long address) {
        long page = address / PageRuns.PAGE_BYTES;
        if (address < 0 || page > LIMIT_PAGES) {
            throw DecampException.refused(
                    "address-space-too-wide",
                    "Address 0x" + Long.toHexString(address) + " is above " + ADDRESS_BITS + " bits",
                    "Run the workload without five-level page tables (no mmap hints above 2^47)");
        }
        return page;
    }

    private long recount() {
        long bits = 0;
        for (long page = nextSet(0, LIMIT_PAGES); page >= 0; page = nextSet((page | 63) + 1, LIMIT_PAGES)) {
            bits += Long.bitCount(word(page >>> 6));
        }
        return bits;
    }

    private void update(long index, long value) {
        long before = word(index);
        memory.set(WORD, BITS_OFFSET + index * 8, value);
        cardinality += Long.bitCount(value) - Long.bitCount(before);
    }

    private long word(long index) {
        return memory.get(WORD, BITS_OFFSET + index * 8);
    }

    private boolean summaryBit(long block) {
        return topBit(block >>> 6) && (summary(block >>> 6) >>> block & 1) != 0;
    }

    private void markSummary(long block) {
        long word = block >>> 6;
        if (!topBit(word)) {
            long offset = HEADER_BYTES + (word >>> 6) * 8;
            memory.set(WORD, offset, memory.get(WORD, offset) | 1L << word);
            VarHandle.releaseFence();
        }
        memory.set(WORD, SUMMARY_OFFSET + word * 8, summary(word) | 1L << block);
    }

    private long nextMarkedBlock(long from) {
        long mask = -1L << from;
        for (long word = from >>> 6; word < SUMMARY_WORDS; word = nextTop(word + 1)) {
            long marks = topBit(word) ? summary(word) & mask : 0;
            if (marks != 0) {
                return (word << 6) + Long.numberOfTrailingZeros(marks);
            }
            mask = -1L;
        }
        return LIMIT_PAGES >>> BLOCK_SHIFT;
    }

    private long nextTop(long from) {
        for (long word = from; word < SUMMARY_WORDS; word = (word | 63) + 1) {
            long marks = memory.get(WORD, HEADER_BYTES + (word >>> 6) * 8) & (-1L << word);
            if (marks != 0) {
                return (word & ~63L) + Long.numberOfTrailingZeros(marks);
            }
        }
        return SUMMARY_WORDS;
    }

    private boolean topBit(long word) {
        return (memory.get(WORD, HEADER_BYTES + (word >>> 6) * 8) >>> word & 1) != 0;
    }

    private long summary(long word) {
        return memory.get(WORD, SUMMARY_OFFSET + word * 8);
    }

    /** Bits of {@code [from, to)} within the word that holds {@code from}; {@code to} is at most the word's end. */
    private static long mask(long from, long to) {
        return (-1L << from) & (-1L >>> -to);
    }

    private static void checkRange(long from, long to) {
        if (from < 0 || to > LIMIT_PAGES || from > to) {
            throw new IllegalArgumentException("bad page range " + from + " to " + to);
        }
    }
}
