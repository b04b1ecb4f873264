package io.decamp.introspector.engine.vm.guest;

import static io.decamp.introspector.engine.vm.guest.GuestFault.hex;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * The mappings of an address space, from the kernel's maple tree. Refuses trees deeper or with more nodes than the
 * kernel makes, and mappings out of order. Source: {@code include/linux/maple_tree.h}, {@code lib/maple_tree.c}.
 */
public final class GuestVmas {
    /** Default of {@code vm.max_map_count} is 65,530; more than this is taken for damage. */
    public static final int MAX_VMAS = 1 << 18;

    /** {@code MAPLE_HEIGHT_MAX}. */
    private static final int MAX_HEIGHT = 31;
    /** Leaves are at least a third full; inner nodes add a tenth. */
    private static final int MAX_NODES = MAX_VMAS;
    /** Entries below are no pointers ({@code XA_ZERO_ENTRY} and the like), if {@link #INTERNAL} is set. */
    private static final long MAX_INTERNAL = 4096;

    private static final long INTERNAL = 2;
    /** {@code MAPLE_NODE_MASK}: nodes are aligned to 256 bytes, the low bits tell the type. */
    private static final long NODE_MASK = 0xff;

    private static final int TYPE_SHIFT = 3;
    private static final int TYPE_MASK = 0xf;
    // enum maple_type, in case BTF has it not
    private static final int LEAF_64 = 1;
    private static final int RANGE_64 = 2;
    private static final int ARANGE_64 = 3;

    /** RWSEM_WRITER_LOCKED of kernel/locking/rwsem.c. */
    private static final long WRITER = 1;

    /** Guards upper tables, and all of them in a kernel that has no lock for each. */
    private static final String TABLES_LOCK = "page_table_lock.rlock.raw_lock.val";

    private final GuestKernel kernel;
    private final long nodeBytes;
    private final Shape range;
    private final Shape allocation;

    /** Where a kind of node has its pivots and slots: counts are build options of the kernel. */
    private record Shape(int pivots, int pivotAt, int slotAt, int slots) {}

    public GuestVmas(GuestKernel kernel) {
        this.kernel = kernel;
        Btf types = kernel.types();
        nodeBytes = types.sizeOf("maple_node");
        range = shape(types, "maple_range_64");
        allocation = shape(types, "maple_arange_64");
    }

    private static Shape shape(Btf types, String node) {
        Shape shape = new Shape(
                (int) types.sizeOf(node, "pivot") / 8,
                (int) types.offsetOf(node, "pivot"),
                (int) types.offsetOf(node, "slot"),
                (int) types.sizeOf(node, "slot") / 8);
        if (shape.slots != shape.pivots + 1 || shape.slots > 256) {
            throw GuestFault.type("Type " + node + " has " + shape.slots + " slots and " + shape.pivots + " pivots");
        }
        return shape;
    }

    /**
     * @param mm a {@code struct mm_struct}
     * @return each {@code vm_area_struct}, in order of addresses
     */
    public List<KernelObject> of(KernelObject mm) {
        long root = mm.number("mm_mt.ma_root");
        Tree tree = new Tree();
        if ((root & INTERNAL) != 0 && Long.compareUnsigned(root, MAX_INTERNAL) > 0) {
            tree.node(root, 0, -1L, 0);
        } else if (root != 0) {
            tree.add(root);
        }
        return tree.found;
    }

    /**
     * Whether mappings or whole page tables of an address space are being changed: somebody holds {@code mmap_lock} for
     * writing, or {@code page_table_lock}. It is no lock of ours: what is found out holds while the guest stands.
     *
     * @param mm a {@code struct mm_struct}
     */
    public static boolean isUnderChange(KernelObject mm) {
        return (mm.number("mmap_lock.count") & WRITER) != 0 || mm.has(TABLES_LOCK) && mm.number(TABLES_LOCK) != 0;
    }

    private final class Tree {
        private final List<KernelObject> found = new ArrayList<>();
        private final TypeView vma = kernel.types().view("vm_area_struct");
        private int nodes;
        private long end;

        /** @param last the largest index that the node stands for, unsigned */
        void node(long encoded, long first, long last, int height) {
            long address = encoded & ~NODE_MASK;
            int type = (int) (encoded >>> TYPE_SHIFT) & TYPE_MASK;
            if (type < LEAF_64 || type > ARANGE_64 || height > MAX_HEIGHT || ++nodes > MAX_NODES) {
                throw GuestFault.bound("Maple node " + hex(encoded) + ", the " + nodes + "th, of type " + type
                        + " at height " + height + ", can't be one of an address space");
            }
            MemorySegment node = MemorySegment.ofArray(kernel.bytes(address, (int) nodeBytes));
            Shape shape = type == ARANGE_64 ? allocation : range;
            long low = first;
            for (int i = 0; i < shape.slots; i++) {
                long high = i < shape.pivots ? pivot(node, shape, i, last) : last;
                long entry = word(node, shape.slotAt + i * 8);
                if (type == LEAF_64) {
                    leaf(entry);
                } else if (entry != 0) {
                    node(entry, low, high, height + 1);
                }
                if (Long.compareUnsigned(high, last) >= 0) {
                    break;
                }
                low = high + 1;
            }
        }

        /** A pivot of 0 behind the first means that the slot is the last ({@code mas_safe_pivot}). */
        private long pivot(MemorySegment node, Shape shape, int i, long last) {
            long pivot = word(node, shape.pivotAt + i * 8);
            return i > 0 && pivot == 0 || Long.compareUnsigned(pivot, last) > 0 ? last : pivot;
        }

        private static long word(MemorySegment node, int offset) {
            return node.get(ValueLayout.JAVA_LONG_UNALIGNED, offset);
        }

        private void leaf(long entry) {
            boolean internal = (entry & INTERNAL) != 0 && Long.compareUnsigned(entry, MAX_INTERNAL) < 0;
            if (entry != 0 && !internal) {
                add(entry);
            }
        }

        void add(long address) {
            KernelObject area = new KernelObject(kernel, vma, address);
            long start = area.number("vm_start");
            long behind = area.number("vm_end");
            if (Long.compareUnsigned(start, end) < 0
                    || Long.compareUnsigned(behind, start) <= 0
                    || (start | behind) % GuestRam.PAGE_BYTES != 0) {
                throw GuestFault.bound("Mapping from " + hex(start) + " to " + hex(behind) + " follows one that ends at"
                        + " " + hex(end));
            }
            if (found.size() == MAX_VMAS) {
                throw GuestFault.bound("An address space has more than " + MAX_VMAS + " mappings");
            }
            end = behind;
            found.add(area);
        }
    }
}
