package io.decamp.transfer.engine.wire;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Exclusive or of whole pages: their difference to a base, and from that and the base the pages again. */
public final class Xor {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    private Xor() {}

    /**
     * Writes the difference of {@code bytes} of {@code a} and {@code b}, a multiple of 8, to
     * {@code target}, which may be one of them.
     */
    public static void of(
            MemorySegment a, long aOffset, MemorySegment b, long bOffset, MemorySegment target, long offset, int bytes) {
        for (long at = 0; at < bytes; at += Long.BYTES) {
            target.set(LONG, offset + at, a.get(LONG, aOffset + at) ^ b.get(LONG, bOffset + at));
        }
    }
}
