package io.decamp.introspector.engine.vm.guest;

import static io.decamp.introspector.engine.vm.guest.GuestFault.hex;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A process's memory as its page tables have it. Refuses kernel addresses; a page that is not there is a fault for
 * {@link #read}, and left out by {@link #copy} and {@link #pieces}. Nothing is remembered but the top table: valid as
 * long as the process has this {@code mm}. Thread safe.
 */
public final class AddressSpace {
    private final GuestRam ram;
    private final PageTables tables;
    private final long pgd;

    AddressSpace(GuestRam ram, PageTables tables, long pgd) {
        this.ram = ram;
        this.tables = tables;
        this.pgd = pgd;
    }

    /** @param mm a {@code struct mm_struct} */
    public static AddressSpace of(KernelObject mm) {
        GuestKernel kernel = mm.kernel();
        return new AddressSpace(kernel.ram(), kernel.pageTables(), kernel.physical(mm.number("pgd")));
    }

    /** Physical address of the top page table. */
    public long pgd() {
        return pgd;
    }

    /** See {@link PageTables#walk}. */
    public void walk(long from, long to, LeafSink sink) {
        tables.walk(pgd, from, to, sink);
    }

    /** Fills the whole segment. */
    public void read(long va, MemorySegment to) {
        if (va < 0 || va + to.byteSize() > tables.userEnd()) {
            throw GuestFault.unmapped(va, "not in the lower half");
        }
        long done = 0;
        while (done < to.byteSize()) {
            long inPage = va + done & GuestRam.PAGE_BYTES - 1;
            long length = Math.min(to.byteSize() - done, GuestRam.PAGE_BYTES - inPage);
            ram.read(tables.translate(pgd, va + done), to.asSlice(done, length));
            done += length;
        }
    }

    public byte[] bytes(long va, int length) {
        if (length < 0 || length > GuestKernel.MAX_READ_BYTES) {
            throw GuestFault.bound("Reading " + length + " bytes at " + hex(va) + " at once is refused");
        }
        byte[] bytes = new byte[length];
        read(va, MemorySegment.ofArray(bytes));
        return bytes;
    }

    public long u64(long va) {
        return ByteBuffer.wrap(bytes(va, Long.BYTES)).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    public int u32(long va) {
        return ByteBuffer.wrap(bytes(va, Integer.BYTES)).order(ByteOrder.LITTLE_ENDIAN).getInt();
    }

    /** Takes the pieces of memory that are there. */
    @FunctionalInterface
    public interface PieceSink {
        /** @param length bytes that are one behind the other in physical memory too, as one entry maps them */
        void piece(long virtual, long physical, long length);
    }

    /**
     * Tells all pieces of a range that have a frame, in order. Those of one entry are one piece, cut to the range.
     *
     * @return bytes told
     */
    public long pieces(long from, long to, PieceSink sink) {
        long[] told = {0};
        walk(from, to, (virtual, entry, bytes) -> {
            if (PageTables.hasFrame(entry)) {
                long start = Math.max(virtual, from);
                long length = Math.min(virtual + bytes, to) - start;
                sink.piece(start, PageTables.frame(entry, bytes) + (start - virtual), length);
                told[0] += length;
            }
        });
        return told[0];
    }

    /**
     * Copies all pages of a range that have a frame to where the address is in the buffer, counted from {@code from};
     * leaves the rest of the buffer as it is.
     *
     * @return bytes copied
     */
    public long copy(long from, long to, MemorySegment buffer) {
        return pieces(
                from, to, (virtual, physical, length) -> ram.read(physical, buffer.asSlice(virtual - from, length)));
    }
}
