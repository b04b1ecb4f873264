package io.decamp.introspector.engine.vm.memory;

import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestVmas;
import io.decamp.introspector.engine.vm.guest.KernelObject;

/** Counts what would be followed, without following it. */
public final class OwnPages {
    private OwnPages() {}

    /** Bytes of a process's own memory, read from a guest that runs; 0 for one without memory. */
    public static long bytes(GuestKernel kernel, KernelObject leader) {
        if (leader.number("mm") == 0) {
            return 0;
        }
        TaskSpace space = new TaskSpace(new GuestVmas(kernel), leader);
        PageWalk walk = new PageWalk(kernel.ram(), PageKinds.of(kernel));
        PrivateMappings mappings = space.mappings();
        long[] pages = {0};
        for (int i = 0; i < mappings.ranges().size(); i++) {
            walk.over(
                    kernel.pageTables(),
                    space.pageTable(),
                    mappings.ranges().get(i).from(),
                    mappings.ranges().get(i).to(),
                    mappings.files()[i],
                    (address, physical, frame) -> pages[0]++);
        }
        return pages[0] * RamTracking.PAGE_BYTES;
    }
}
