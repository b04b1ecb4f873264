package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.VmaEntry;
import io.decamp.introspector.engine.vm.guest.KernelObject;

/**
 * One mapping of a process.
 *
 * @param area its {@code vm_area_struct}
 * @param pages where its content is
 */
record Mapping(KernelObject area, VmaEntry entry, Pages pages) {
    /** Where the content of a mapping is, and so who carries it. */
    enum Pages {
        /** All present pages are the process's own. */
        ANONYMOUS,
        /** Those that were written are the process's own, the others the file's. */
        PRIVATE_FILE,
        /** The kernel's vDSO: written into the image itself. */
        VDSO,
        /** With the file, or made by the kernel of the destination. */
        ELSEWHERE
    }

    long start() {
        return entry.getStart();
    }

    long end() {
        return entry.getEnd();
    }
}
