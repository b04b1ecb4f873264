package io.decamp.introspector.engine.vm.state;

/** Bits of {@code vm_area_struct.vm_flags} (include/linux/mm.h) and what CRIU's image says instead of them. */
final class VmFlags {
    static final long SHARED = 0x8;
    static final long MAY_WRITE = 0x20;
    static final long MAY_SHARE = 0x80;
    static final long GROWS_DOWN = 0x100;
    static final long PFN_MAP = 0x400;
    static final long LOCKED = 0x2000;
    static final long IO = 0x4000;
    static final long SEQUENTIAL = 0x8000;
    static final long RANDOM = 0x1_0000;
    static final long DONT_COPY = 0x2_0000;
    static final long LOCK_ON_FAULT = 0x8_0000;
    static final long NO_RESERVE = 0x20_0000;
    static final long HUGE_TLB = 0x40_0000;
    static final long WIPE_ON_FORK = 0x200_0000;
    static final long DONT_DUMP = 0x400_0000;
    static final long MIXED_MAP = 0x1000_0000;
    static final long HUGE_PAGE = 0x2000_0000;
    static final long NO_HUGE_PAGE = 0x4000_0000;
    static final long MERGEABLE = 0x8000_0000L;

    /** {@code VM_HIGH_ARCH_5}: a shadow stack, since 6.6. */
    static final long SHADOW_STACK = 1L << 37;

    /** {@code VM_SEALED}, by mseal(): bit 63 since 6.10, bit 42 since 6.17. */
    static final long SEALED = 1L << 63 | 1L << 42;

    /**
     * The lower half is full, and looked at above or of no consequence to who maps the same again; above are protection
     * keys, of which their process is asked; shadow stack; userfaultfd's minor faults, of which the mapping's context
     * tells; uncached access to devices, which are refused; and VM_DROPPABLE, whose content the kernel may drop, and
     * need not.
     */
    private static final long KNOWN =
            0xffff_ffffL | 0x1fL << 32 | SHADOW_STACK | 1L << 38 | 1L << 39 | 1L << 40 | SEALED;

    private static final int PROT = 7;
    private static final int MAP_SHARED = 1;
    private static final int MAP_PRIVATE = 2;
    private static final int MAP_GROWSDOWN = 0x100;
    private static final int MAP_LOCKED = 0x2000;
    private static final int MAP_NORESERVE = 0x4000;

    /** Each flag with the number of the MADV_ that sets it (include/uapi/asm-generic/mman-common.h). */
    private static final long[][] ADVICE = {
        {RANDOM, 1},
        {SEQUENTIAL, 2},
        {DONT_COPY, 10},
        {MERGEABLE, 12},
        {HUGE_PAGE, 14},
        {NO_HUGE_PAGE, 15},
        {DONT_DUMP, 16},
        {WIPE_ON_FORK, 18},
    };

    private VmFlags() {}

    /** @return bits that mean something which newer kernels than those known have; 0 for none */
    static long unknown(long flags) {
        return flags & ~KNOWN;
    }

    static boolean isShared(long flags) {
        return (flags & MAY_SHARE) != 0;
    }

    static int protection(long flags) {
        return (int) flags & PROT;
    }

    /** Flags for mmap. */
    static int mapping(long flags) {
        return (isShared(flags) ? MAP_SHARED : MAP_PRIVATE)
                | ((flags & GROWS_DOWN) != 0 ? MAP_GROWSDOWN : 0)
                | ((flags & LOCKED) != 0 ? MAP_LOCKED : 0)
                | ((flags & NO_RESERVE) != 0 ? MAP_NORESERVE : 0);
    }

    /** Numbers of advice for madvise, each as a bit. */
    static long advice(long flags) {
        long advice = 0;
        for (long[] pair : ADVICE) {
            if ((flags & pair[0]) != 0) {
                advice |= 1L << pair[1];
            }
        }
        return advice;
    }

    /** How the file has to be opened: writing is only needed for what is written back. */
    static int opening(long flags) {
        return (flags & SHARED) != 0 && (flags & MAY_WRITE) != 0 ? 2 : 0;
    }
}
