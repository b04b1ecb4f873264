package io.decamp.introspector.engine.vm.files;

import io.decamp.introspector.engine.vm.guest.GuestKernel;
import java.lang.foreign.MemorySegment;

/** From {@code struct page} to the memory it stands for. */
record Frames(GuestKernel kernel) {
    static final int PAGE_BYTES = 4096;

    /** Guest memory itself, not a copy: consecutive pages of a folio lie one behind the other. */
    MemorySegment bytes(long page, long offset, long length) {
        return kernel.ram().slice(kernel.frameOf(page) + offset, length);
    }
}
