package io.decamp.transfer.engine.wire;

import io.decamp.contracts.page.PageRuns;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Exclusive or of whole pages: their difference to a base, and from that and the base the pages again. Works in arrays on
 * the heap: copies and loops over them are fast whatever kinds of segments there are, loops over segments only as long as
 * the compiler has seen one kind of them. Not thread safe.
 */
public final class Xor {
    private static final int LONGS = PageRuns.PAGE_BYTES / Long.BYTES;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    private final long[] left = new long[LONGS];
    private final long[] right = new long[LONGS];

    /** Writes the difference of a page of {@code a} and one of {@code b} to {@code target}, which may be one of them. */
    public void page(MemorySegment a, long aOffset, MemorySegment b, long bOffset, MemorySegment target, long offset) {
        MemorySegment.copy(a, LONG, aOffset, left, 0, LONGS);
        MemorySegment.copy(b, LONG, bOffset, right, 0, LONGS);
        for (int i = 0; i < LONGS; i++) {
            left[i] ^= right[i];
        }
        MemorySegment.copy(left, 0, target, LONG, offset, LONGS);
    }
}
