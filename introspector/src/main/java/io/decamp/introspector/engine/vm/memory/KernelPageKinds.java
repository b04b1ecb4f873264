package io.decamp.introspector.engine.vm.memory;

import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PageTables;
import java.util.OptionalLong;

/**
 * As the guest's kernel defines it. Sources: arch/x86/include/asm/pgtable.h (pte_present, pmd_present,
 * __swp_type), include/linux/swap.h and swapops.h (order of swap types), mm/huge_memory.c (huge_zero_pfn).
 */
final class KernelPageKinds implements PageKinds {
    private static final int SWAP_TYPE_SHIFT = 59;
    /** SWP_OFFSET_SHIFT: the offset is kept inverted, above the bits of a present entry. */
    private static final int SWAP_TYPE_BITS = 5;

    private static final int SWAP_OFFSET_SHIFT = 9 + SWAP_TYPE_BITS;

    /**
     * The last of the 32 types: SWP_PTE_MARKER, whose offset has a bit for each kind of mark. Until Linux commit
     * 15520a3f0469 ("mm: use pte markers for swap errors", 6.2) it was SWP_SWAPIN_ERROR, with a frame for offset.
     */
    private static final int LAST_TYPE = 31;

    /** {@code PTE_MARKER_UFFD_WP}; others are PTE_MARKER_POISONED and, since 6.13, PTE_MARKER_GUARD. */
    private static final long MARKER_UFFD_WP = 1;
    /** With all that CONFIG options may take off the 32, at least so many are left for swap devices. */
    private static final int SWAP_TYPES_MIN = 22;

    private static final int PAGE_SHIFT = 12;
    private static final long SMALL = 1L << PAGE_SHIFT;
    private static final int COMPOUND_TAIL = 1;
    private static final int MAPPING_ANONYMOUS = 1;

    private final GuestKernel kernel;
    private final long zeroPage;
    private final OptionalLong hugeZeroFrame;
    private final OptionalLong swapDevices;
    private final long compoundHeadAt;
    private final long mappingAt;

    KernelPageKinds(GuestKernel kernel) {
        this.kernel = kernel;
        zeroPage = kernel.physical(kernel.symbol("empty_zero_page"));
        hugeZeroFrame = kernel.findSymbol("huge_zero_pfn");
        swapDevices = kernel.findSymbol("nr_swapfiles");
        compoundHeadAt = kernel.types().offsetOf("page", "compound_head");
        mappingAt = kernel.types().offsetOf("page", "mapping");
    }

    @Override
    public Kind of(long entry, long bytes) {
        if (hasFrame(entry, bytes)) {
            return isZero(PageTables.frame(entry, bytes), bytes) ? Kind.HOLE : Kind.FRAME;
        }
        int type = (int) (entry >>> SWAP_TYPE_SHIFT);
        if (type == LAST_TYPE) {
            return isNoteOfUserfaultfd(entry) ? Kind.HOLE : Kind.MARKED;
        }
        return type < swapDevices() ? Kind.SWAPPED : Kind.IN_TRANSIT;
    }

    /** PTE_MARKER_UFFD_WP alone: the hole is to be reported when it is written, and reads as zero until then. */
    static boolean isNoteOfUserfaultfd(long entry) {
        return ~entry << SWAP_TYPE_BITS >>> SWAP_OFFSET_SHIFT == MARKER_UFFD_WP;
    }

    /**
     * Present, or made inaccessible only. A huge page that is being split has just its size bit left (pmd_present).
     */
    private static boolean hasFrame(long entry, long bytes) {
        return PageTables.hasFrame(entry) || bytes > SMALL && (entry & PageTables.HUGE) != 0;
    }

    private boolean isZero(long physical, long bytes) {
        if (bytes == SMALL) {
            return physical == zeroPage;
        }
        return hugeZeroFrame.isPresent() && physical >>> PAGE_SHIFT == kernel.u64(hugeZeroFrame.getAsLong());
    }

    private int swapDevices() {
        return swapDevices.isPresent() ? kernel.u32(swapDevices.getAsLong()) : SWAP_TYPES_MIN;
    }

    @Override
    public boolean isAnonymous(long physical) {
        KernelObject page = kernel.page(physical);
        long head = kernel.u64(page.address() + compoundHeadAt);
        long folio = (head & COMPOUND_TAIL) != 0 ? head - COMPOUND_TAIL : page.address();
        return (kernel.u64(folio + mappingAt) & MAPPING_ANONYMOUS) != 0;
    }
}
