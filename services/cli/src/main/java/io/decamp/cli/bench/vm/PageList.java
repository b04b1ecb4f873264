package io.decamp.cli.bench.vm;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.guest.AddressSpace;
import io.decamp.introspector.engine.vm.guest.GuestRam;
import io.decamp.introspector.engine.vm.guest.GuestVmas;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** Where in the guest's memory a process's private memory is: pieces of it, in order of virtual addresses. */
final class PageList {
    /** {@code VM_SHARED} (include/linux/mm.h): what others write too, and no image of the process holds. */
    private static final long SHARED = 8;

    private MemorySegment[] pieces = new MemorySegment[64];
    private long[] addresses = new long[64];
    private int count;
    private long bytes;

    private PageList() {}

    /** Walks the page tables of all private mappings that have pages of their own, and takes all that these map. */
    static PageList walk(GuestVmas vmas, KernelObject mm) {
        return walk(vmas, mm, true);
    }

    /** As above, but of mappings of no file: every page there is the process's own. */
    static PageList anonymous(GuestVmas vmas, KernelObject mm) {
        return walk(vmas, mm, false);
    }

    private static PageList walk(GuestVmas vmas, KernelObject mm, boolean ofFiles) {
        PageList list = new PageList();
        AddressSpace space = AddressSpace.of(mm);
        GuestRam ram = mm.kernel().ram();
        for (KernelObject vma : vmas.of(mm)) {
            boolean isPrivate = (vma.number("vm_flags") & SHARED) == 0;
            boolean wanted = ofFiles || vma.number("vm_file") == 0;
            if (isPrivate && wanted && vma.number("anon_vma") != 0) {
                space.pieces(
                        vma.number("vm_start"),
                        vma.number("vm_end"),
                        (virtual, physical, length) -> list.add(virtual, ram.slice(physical, length)));
            }
        }
        return list;
    }

    private void add(long address, MemorySegment memory) {
        if (count == pieces.length) {
            pieces = Arrays.copyOf(pieces, 2 * count);
            addresses = Arrays.copyOf(addresses, 2 * count);
        }
        pieces[count] = memory;
        addresses[count++] = address;
        bytes += memory.byteSize();
    }

    long bytes() {
        return bytes;
    }

    int pieces() {
        return count;
    }

    /** Copies everything, one piece behind the other. */
    void copyTo(MemorySegment buffer) {
        if (bytes > buffer.byteSize()) {
            throw DecampException.refused(
                    "bench-buffer",
                    bytes + " bytes do not fit into " + buffer.byteSize(),
                    "Give the guest less to save");
        }
        long at = 0;
        for (int i = 0; i < count; i++) {
            MemorySegment.copy(pieces[i], 0, buffer, at, pieces[i].byteSize());
            at += pieces[i].byteSize();
        }
    }

    /** Copies as many bytes in the same portions between two buffers. */
    void copyAlike(MemorySegment from, MemorySegment to) {
        long at = 0;
        for (int i = 0; i < count; i++) {
            MemorySegment.copy(from, at, to, at, pieces[i].byteSize());
            at += pieces[i].byteSize();
        }
    }

    /** Whether every address is where it is in the other list: then what was copied meanwhile was copied from there. */
    boolean same(PageList other) {
        if (count != other.count || !Arrays.equals(addresses, 0, count, other.addresses, 0, count)) {
            return false;
        }
        for (int i = 0; i < count; i++) {
            if (pieces[i].address() != other.pieces[i].address()
                    || pieces[i].byteSize() != other.pieces[i].byteSize()) {
                return false;
            }
        }
        return true;
    }

    /** Takes a piece. */
    @FunctionalInterface
    interface Sink {
        /** @param memory the guest's memory itself, from the virtual address on */
        void piece(long virtual, MemorySegment memory);
    }

    /** Tells the pieces in order. */
    void forEach(Sink sink) {
        for (int i = 0; i < count; i++) {
            sink.piece(addresses[i], pieces[i]);
        }
    }

    /** Touches every page, so that the first copy finds them. */
    static void warm(MemorySegment buffer) {
        for (long at = 0; at < buffer.byteSize(); at += 4096) {
            buffer.set(ValueLayout.JAVA_BYTE, at, (byte) 1);
        }
    }
}
