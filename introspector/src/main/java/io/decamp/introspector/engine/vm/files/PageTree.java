package io.decamp.introspector.engine.vm.files;

import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;

/**
 * Walks an XArray (include/linux/xarray.h): the tree from page index to folio that is a file's page cache. Entries by
 * their two lowest bits: x0 a pointer, x1 a value (a shadow of an evicted page, or a swap slot), 10 internal: above
 * 4096 a node, below 256 a sibling, which belongs to the slot whose number it has. Guest memory is not trusted:
 * depth, number of nodes and shifts are bounded.
 */
final class PageTree {
    static final int SLOTS = 64;
    private static final int SLOT_SHIFT = 6;
    private static final int MAX_SHIFT = 60;
    private static final long MAX_INTERNAL_SIBLING = SLOTS << 2;
    private static final long FIRST_NODE = 4096;
    /** 64 pages a leaf: four times what the 1 GiB needs that may travel. */
    private static final int MAX_NODES = 1 << 14;

    /** How the guest's memory holds a node. */
    interface Nodes {
        /** {@code xa_node.shift} of the node at that address. */
        int shift(long node);

        /** All 64 of {@code xa_node.slots}. */
        long[] slots(long node);
    }

    /** What is found, in ascending order of indexes. */
    interface Sink {
        /** {@code count} pages from {@code index} on belong to the folio that this entry points to. */
        void folio(long index, long count, long page);

        /** Not in memory, but somewhere else. */
        void elsewhere(long index, long count);
    }

    private final Nodes nodes;
    private final Sink sink;
    private final long end;
    private int visited;

    private PageTree(Nodes nodes, Sink sink, long end) {
        this.nodes = nodes;
        this.sink = sink;
        this.end = end;
    }

    /**
     * @param head {@code xarray.xa_head}
     * @param end first index that is of no interest
     * @throws GuestFault when this can't be such a tree
     */
    static void walk(long head, long end, Nodes nodes, Sink sink) {
        PageTree tree = new PageTree(nodes, sink, end);
        if (isNode(head)) {
            tree.node(head & ~3L, 0, MAX_SHIFT + SLOT_SHIFT);
        } else if (head != 0 && end > 0) {
            tree.entry(head, 0, 1);
        }
    }

    private static boolean isInternal(long entry) {
        return (entry & 3) == 2;
    }

    private static boolean isNode(long entry) {
        return isInternal(entry) && Long.compareUnsigned(entry, FIRST_NODE) > 0;
    }

    private static boolean isSibling(long entry) {
        return isInternal(entry) && Long.compareUnsigned(entry, MAX_INTERNAL_SIBLING) < 0;
    }

    private void node(long node, long base, int parentShift) {
        int shift = nodes.shift(node);
        if (shift < 0 || shift >= parentShift || shift % SLOT_SHIFT != 0 || ++visited > MAX_NODES) {
            throw broken("node 0x" + Long.toHexString(node) + " has shift " + shift + " below " + parentShift);
        }
        long[] slots = nodes.slots(node);
        for (int i = 0; i < SLOTS; i++) {
            long index = base + ((long) i << shift);
            if (index >= end) {
                return;
            }
            long entry = slots[i];
            if (entry == 0 || isSibling(entry)) {
                continue;
            }
            if (isNode(entry)) {
                node(entry & ~3L, index, shift);
            } else {
                entry(entry, index, (long) span(slots, i) << shift);
            }
        }
    }

    /** The slot and the siblings behind it. */
    private static int span(long[] slots, int first) {
        long sibling = (long) first << 2 | 2;
        int next = first + 1;
        while (next < SLOTS && slots[next] == sibling) {
            next++;
        }
        return next - first;
    }

    private void entry(long entry, long index, long count) {
        if ((entry & 1) != 0) {
            sink.elsewhere(index, count);
        } else if (isInternal(entry)) {
            throw broken("entry 0x" + Long.toHexString(entry) + " at " + index + " is being changed");
        } else {
            sink.folio(index, count, entry);
        }
    }

    private static GuestFault broken(String what) {
        return new GuestFault(Reason.BOUND, "The page cache of a file can't be read: " + what);
    }
}
