package io.decamp.introspector.engine.memory;

import io.decamp.contracts.page.PageRuns;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Finds pages that hold nothing but zeros; those never travel. The comparison is the JDK's vectorised one and ends at
 * the first byte that differs, so a page with content costs next to nothing.
 */
final class ZeroPages {
    private static final MemorySegment ZERO = Arena.global().allocate(PageRuns.PAGE_BYTES, 64);

    private ZeroPages() {}

    static boolean isZero(MemorySegment memory, long offset) {
        return MemorySegment.mismatch(memory, offset, offset + PageRuns.PAGE_BYTES, ZERO, 0, PageRuns.PAGE_BYTES) < 0;
    }
}
