package io.decamp.introspector.engine.vm.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.memory.SpaceKernel.Range;
import io.decamp.introspector.engine.vm.guest.GuestVmas;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import java.util.ArrayList;
import java.util.List;

/**
 * The mappings of a guest's process whose pages may be its own: private ones, without what the kernel maps into every
 * process (vDSO, vvar) and without devices. A private mapping of a file counts once the process has written to it.
 * Flags: include/linux/mm.h.
 *
 * @param files which of the ranges map a file, so that not all their pages are the process's own
 */
public record PrivateMappings(List<Range> ranges, boolean[] files) {
    private static final long VM_MAYSHARE = 0x80;
    private static final long VM_PFNMAP = 0x400;
    private static final long VM_IO = 0x4000;
    private static final long VM_HUGETLB = 0x400000;
    private static final long VM_MIXEDMAP = 0x10000000;

    static PrivateMappings of(GuestVmas vmas, KernelObject mm) {
        long vdso = mm.number("context.vdso");
        List<Range> ranges = new ArrayList<>();
        List<Boolean> files = new ArrayList<>();
        for (KernelObject vma : vmas.of(mm)) {
            long flags = vma.number("vm_flags");
            long start = vma.number("vm_start");
            boolean file = vma.number("vm_file") != 0;
            if ((flags & (VM_MAYSHARE | VM_PFNMAP | VM_IO | VM_MIXEDMAP)) != 0
                    || start == vdso
                    || file && vma.number("anon_vma") == 0) {
                continue;
            }
            if ((flags & VM_HUGETLB) != 0) {
                throw DecampException.refused(
                        "vm-huge-tlb",
                        "A process maps huge pages of hugetlbfs at 0x" + Long.toHexString(start),
                        "Let it use transparent huge pages instead (madvise MADV_HUGEPAGE)");
            }
            ranges.add(new Range(start, vma.number("vm_end")));
            files.add(file);
        }
        boolean[] array = new boolean[files.size()];
        for (int i = 0; i < array.length; i++) {
            array[i] = files.get(i);
        }
        return new PrivateMappings(List.copyOf(ranges), array);
    }

    static PrivateMappings none() {
        return new PrivateMappings(List.of(), new boolean[0]);
    }

    /** Index of the mapping that an address lies in, or of the next one; the number of mappings when there is none. */
    int indexOf(long address) {
        int low = 0;
        int high = ranges.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (ranges.get(middle).to() > address) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }
}
