package io.decamp.introspector.engine.vm.memory;

import io.decamp.contracts.error.DecampException;
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
    /** SWP_PTE_MARKER comes last of the 32 types: no page, a note of userfaultfd's about the hole. */
    private static final int PTE_MARKER = 31;
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
    public Kind of(long address, long entry, long bytes) {
        if (hasFrame(entry, bytes)) {
            return isZero(PageTables.frame(entry, bytes), bytes) ? Kind.HOLE : Kind.FRAME;
        }
        int type = (int) (entry >>> SWAP_TYPE_SHIFT);
        if (type == PTE_MARKER) {
            return Kind.HOLE;
        }
        if (type < swapDevices()) {
            throw DecampException.refused(
                    "vm-swapped",
                    "The page at 0x" + Long.toHexString(address) + " has been swapped out by the guest",
                    "Turn swap off in the guest (swapoff -a): what is not in its RAM can't be saved");
        }
        return Kind.IN_TRANSIT;
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
