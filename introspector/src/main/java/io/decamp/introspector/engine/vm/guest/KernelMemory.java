package io.decamp.introspector.engine.vm.guest;

import static io.decamp.introspector.engine.vm.guest.GuestFault.hex;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * Kernel virtual memory: the image and the linear mapping by arithmetic, the rest by the kernel's page tables, anew for
 * each read. Refuses user addresses and reads that are too large. Thread safe.
 *
 * <p>Source: {@code Documentation/arch/x86/x86_64/mm.rst}.
 *
 * @param directMap where the linear mapping begins; 0 when it is not known yet
 */
record KernelMemory(
        GuestRam ram,
        PageTables tables,
        long pgd,
        long physBase,
        long imageBytes,
        long directMap,
        long directMapBytes) {
    /** {@code __START_KERNEL_map}: where the kernel image is mapped. */
    private static final long IMAGE = 0xffff_ffff_8000_0000L;

    /** Reaches what VMCOREINFO is enough for. */
    static KernelMemory ofImage(GuestRam ram, VmcoreInfo info) {
        PageTables tables = new PageTables(ram, info.fiveLevels());
        long pgd = info.symbol("swapper_pg_dir") - IMAGE + info.physBase();
        return new KernelMemory(ram, tables, pgd, info.physBase(), info.imageBytes(), 0, 0);
    }

    KernelMemory withDirectMap(long base) {
        return new KernelMemory(ram, tables, pgd, physBase, imageBytes, base, ram.end());
    }

    long physical(long va) {
        if (va >= 0) {
            throw GuestFault.unmapped(va, va < GuestRam.PAGE_BYTES ? "a null pointer" : "not a kernel address");
        }
        if (inImage(va)) {
            return va - IMAGE + physBase;
        }
        return inDirectMap(va) ? va - directMap : tables.translate(pgd, va);
    }

    private boolean inImage(long va) {
        return va >= IMAGE && va - IMAGE < imageBytes;
    }

    private boolean inDirectMap(long va) {
        return va - directMap >= 0 && va - directMap < directMapBytes;
    }

    /** Bytes from the address on which lie one behind the other in physical memory, at least to the end of the page. */
    private long contiguous(long va, long physical) {
        long ofPage = GuestRam.PAGE_BYTES - (va & GuestRam.PAGE_BYTES - 1);
        return inImage(va) || inDirectMap(va) ? Math.max(ofPage, ram.layout().contiguous(physical)) : ofPage;
    }

    void read(long va, MemorySegment to) {
        long done = 0;
        while (done < to.byteSize()) {
            long physical = physical(va + done);
            long length = Math.min(to.byteSize() - done, contiguous(va + done, physical));
            ram.read(physical, to.asSlice(done, length));
            done += length;
        }
    }

    byte[] bytes(long va, int length) {
        if (length < 0 || length > GuestKernel.MAX_READ_BYTES) {
            throw GuestFault.bound("Reading " + length + " bytes at " + hex(va) + " at once is refused");
        }
        byte[] bytes = new byte[length];
        read(va, MemorySegment.ofArray(bytes));
        return bytes;
    }

    byte u8(long va) {
        return ram.u8(physical(va));
    }

    short u16(long va) {
        return inPage(va, 2) ? ram.u16(physical(va)) : (short) split(va, 2);
    }

    int u32(long va) {
        return inPage(va, 4) ? ram.u32(physical(va)) : (int) split(va, 4);
    }

    long u64(long va) {
        return inPage(va, 8) ? ram.u64(physical(va)) : split(va, 8);
    }

    private static boolean inPage(long va, int bytes) {
        return (va & GuestRam.PAGE_BYTES - 1) <= GuestRam.PAGE_BYTES - bytes;
    }

    private long split(long va, int bytes) {
        long value = 0;
        for (int i = bytes - 1; i >= 0; i--) {
            value = value << 8 | u8(va + i) & 0xff;
        }
        return value;
    }

    String text(long va, int limit) {
        byte[] bytes = new byte[Math.min(limit, GuestRam.PAGE_BYTES)];
        StringBuilder text = new StringBuilder();
        for (int length = 0; length < limit; ) {
            int ofPage = (int) (GuestRam.PAGE_BYTES - (va + length & GuestRam.PAGE_BYTES - 1));
            int chunk = Math.min(limit - length, ofPage);
            read(va + length, MemorySegment.ofArray(bytes).asSlice(0, chunk));
            int end = 0;
            while (end < chunk && bytes[end] != 0) {
                end++;
            }
            text.append(new String(bytes, 0, end, StandardCharsets.ISO_8859_1));
            if (end < chunk) {
                return text.toString();
            }
            length += chunk;
        }
        throw GuestFault.bound("Text at " + hex(va) + " is longer than " + limit + " bytes");
    }
}
