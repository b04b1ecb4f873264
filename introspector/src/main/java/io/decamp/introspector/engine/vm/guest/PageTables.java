package io.decamp.introspector.engine.vm.guest;

import static io.decamp.introspector.engine.vm.guest.GuestFault.hex;

import java.lang.foreign.MemorySegment;

/**
 * The guest's page tables, of 4 or 5 levels, walked in its physical memory. Refuses addresses that are not canonical,
 * and entries which point outside RAM. Nothing is remembered between calls: a mapping that changed is seen.
 *
 * <p>Thread safe. Source: Intel SDM volume 3, 4.5 (4-level and 5-level paging), {@code
 * arch/x86/include/asm/pgtable_types.h}.
 */
public final class PageTables {
    /** Entry bit: the entry maps something. */
    public static final long PRESENT = 1;
    /** Entry bit: writable. */
    public static final long WRITE = 1 << 1;
    /** Entry bit in upper levels: a huge page. */
    public static final long HUGE = 1 << 7;
    /** Where an entry holds its address: bits 12 to 51; encryption and protection-key bits are above. */
    public static final long ADDRESS = 0x000f_ffff_ffff_f000L;

    /** {@code _PAGE_BIT_PROTNONE}: not present to the processor, but the page is there (PROT_NONE, NUMA hinting). */
    private static final long PROT_NONE = 1 << 8;

    private static final int ENTRIES = 512;
    private static final int PAGE_SHIFT = 12;
    private static final int BITS_PER_LEVEL = 9;
    /** A level whose entries may be huge pages: 2 MiB and 1 GiB. */
    private static final int MAX_HUGE_SHIFT = 30;

    private final GuestRam ram;
    private final int topShift;

    public PageTables(GuestRam ram, boolean fiveLevels) {
        this.ram = ram;
        topShift = fiveLevels ? 48 : 39;
    }

    public boolean fiveLevels() {
        return topShift == 48;
    }

    /** First address behind the lower (user) half. */
    public long userEnd() {
        return 1L << (topShift + BITS_PER_LEVEL - 1);
    }

    /**
     * @param pgdPhys physical address of the top table
     * @return the physical address
     * @throws GuestFault when there is no present page
     */
    public long translate(long pgdPhys, long va) {
        int unused = 64 - (topShift + BITS_PER_LEVEL);
        if (va << unused >> unused != va) {
            throw GuestFault.unmapped(va, "not a canonical address");
        }
        long table = pgdPhys & ADDRESS;
        for (int shift = topShift; ; shift -= BITS_PER_LEVEL) {
            long entry = ram.u64(table + (va >>> shift & ENTRIES - 1) * 8);
            if ((entry & PRESENT) == 0) {
                throw GuestFault.unmapped(va, "entry " + hex(entry) + " of 2^" + shift + " bytes is not present");
            }
            if (shift == PAGE_SHIFT || shift <= MAX_HUGE_SHIFT && (entry & HUGE) != 0) {
                long mask = (1L << shift) - 1;
                return entry & ADDRESS & ~mask | va & mask;
            }
            table = entry & ADDRESS;
        }
    }

    /**
     * @return the raw entry that maps the address; 0 when there is none. The bytes it stands for are not told: see
     *     {@link #walk}
     */
    public long entry(long pgdPhys, long va) {
        long table = pgdPhys & ADDRESS;
        for (int shift = topShift; ; shift -= BITS_PER_LEVEL) {
            long entry = ram.u64(table + (va >>> shift & ENTRIES - 1) * 8);
            if (shift == PAGE_SHIFT || leaf(entry, shift) || entry == 0) {
                return entry;
            }
            table = entry & ADDRESS;
        }
    }

    /**
     * Tells all entries that are not zero in a range of the lower half, in order. An entry that maps more than is asked
     * for is told whole: its first address may lie before {@code from}.
     *
     * @param to first address behind the range
     * @throws GuestFault when a table is outside RAM, or reached twice: so a walk costs no more than to read all RAM
     *     once
     */
    public void walk(long pgdPhys, long from, long to, LeafSink sink) {
        if (from < 0 || to > userEnd()) {
            throw GuestFault.unmapped(from, "the range to " + hex(to) + " is not in the lower half");
        }
        if (from < to) {
            try {
                new Walk(from, to, sink).level(pgdPhys & ADDRESS, topShift, 0);
            } catch (InternalError e) {
                throw new GuestFault(GuestFault.Reason.GONE, "The RAM file got shorter during a page walk", e);
            }
        }
    }

    private static boolean leaf(long entry, int shift) {
        return shift == PAGE_SHIFT
                || (entry & PRESENT) == 0
                || shift <= MAX_HUGE_SHIFT && (entry & HUGE) != 0;
    }

    /** Whether an entry has a frame: present, or made inaccessible only ({@code pte_protnone}). */
    public static boolean hasFrame(long entry) {
        return (entry & PRESENT) != 0 || (entry & PROT_NONE) != 0;
    }

    /**
     * The frame of an entry for which {@link #hasFrame} holds. Inaccessible ones hold it inverted ({@code
     * arch/x86/include/asm/pgtable-invert.h}, against L1TF).
     *
     * @param bytes what the entry maps
     */
    public static long frame(long entry, long bytes) {
        boolean inverted = (entry & PRESENT) == 0 && entry != 0;
        return (inverted ? ~entry : entry) & ADDRESS & -bytes;
    }

    private final class Walk {
        private final long from;
        private final long to;
        private final LeafSink sink;
        private final FrameSet tables = new FrameSet();

        Walk(long from, long to, LeafSink sink) {
            this.from = from;
            this.to = to;
            this.sink = sink;
        }

        void level(long table, int shift, long base) {
            if (!tables.add(table)) {
                throw GuestFault.bound("Page tables run in a circle: the one at " + hex(table) + " is there twice");
            }
            sink.table(table);
            MemorySegment entries = ram.slice(table, GuestRam.PAGE_BYTES);
            long first = Math.max(0, from - base >> shift);
            long last = Math.min(ENTRIES - 1, to - 1 - base >> shift);
            for (long i = first; i <= last; i++) {
                long entry = entries.get(GuestRam.U64, i * 8);
                if (entry == 0) {
                    continue;
                }
                long va = base + (i << shift);
                if (leaf(entry, shift)) {
                    sink.leaf(va, entry, 1L << shift);
                } else {
                    level(entry & ADDRESS, shift - BITS_PER_LEVEL, va);
                }
            }
        }
    }
}
