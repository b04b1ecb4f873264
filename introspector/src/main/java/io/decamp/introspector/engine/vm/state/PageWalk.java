package io.decamp.introspector.engine.vm.state;

import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestRam;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PageTables;
import io.decamp.introspector.engine.vm.state.Mapping.Pages;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * Finds the pages that are a process's own: those that were written. Pages of zeros that all processes share, and pages
 * of
 * files, are made anew at the destination. Pages that the guest swapped out can't be read from outside. One thread.
 */
final class PageWalk {
    private static final long PAGE = GuestRam.PAGE_BYTES;

    /** {@code PAGE_MAPPING_ANON} in {@code struct page.mapping}. */
    private static final int ANONYMOUS = 1;

    /** The largest vDSO known has three pages. */
    private static final long MAX_VDSO_BYTES = 64 << 10;

    /** {@code __swp_type}: the upper five bits of an entry that is not present (arch/x86/include/asm/pgtable_64.h). */
    private static final int SWAP_TYPE_SHIFT = 59;

    private final GuestKernel kernel;
    private final Concerns concerns;
    private final long zeroPage;
    private final long hugeZeroFrame;

    PageWalk(GuestKernel kernel, Concerns concerns) {
        this.kernel = kernel;
        this.concerns = concerns;
        zeroPage = kernel.physical(kernel.symbol("empty_zero_page"));
        OptionalLong huge = kernel.findSymbol("huge_zero_pfn");
        // all ones while there is none: no frame equals that
        hugeZeroFrame = huge.isPresent() ? kernel.u64(huge.getAsLong()) << 12 : -1;
    }

    /** The pages of a process, and what the image itself has to hold of them. */
    record Found(PageRuns runs, List<MemorySegment> content) {}

    Found walk(KernelObject mm, List<Mapping> mappings, int pid) {
        Found found = new Found(new PageRuns(), new ArrayList<>());
        long tables = new UserMemory(mm).tables();
        for (Mapping mapping : mappings) {
            if (mapping.pages() == Pages.VDSO) {
                vdso(mm, tables, mapping, found);
            } else if (mapping.pages() != Pages.ELSEWHERE && mapping.area().number("anon_vma") != 0) {
                kernel.pageTables()
                        .walk(tables, mapping.start(), mapping.end(), (va, entry, bytes) -> {
                            if (isOwn(mapping, va, entry, bytes, pid)) {
                                found.runs.add(
                                        Math.max(va, mapping.start()),
                                        Math.min(va + bytes, mapping.end()),
                                        PageRuns.IN_REPLICA);
                            }
                        });
            }
        }
        return found;
    }

    private boolean isOwn(Mapping mapping, long va, long entry, long bytes, int pid) {
        if (!PageTables.hasFrame(entry)) {
            absent(va, entry, pid);
            return false;
        }
        long frame = PageTables.frame(entry, bytes);
        if (frame == zeroPage && bytes == PAGE || frame == hugeZeroFrame) {
            return false;
        }
        return mapping.pages() == Pages.ANONYMOUS || isAnonymous(frame);
    }

    /** A file's page belongs to its page cache until the process writes to it and gets a copy. */
    private boolean isAnonymous(long frame) {
        KernelObject page = kernel.page(frame);
        long head = page.number("compound_head");
        KernelObject whole = (head & 1) != 0 ? kernel.object("page", head - 1) : page;
        return (whole.number("mapping") & ANONYMOUS) != 0;
    }

    private void absent(long va, long entry, int pid) {
        String where = "The page at 0x" + Long.toHexString(va) + " of process " + pid;
        int type = (int) (entry >>> SWAP_TYPE_SHIFT);
        if (type < swapFiles()) {
            concerns.refuse("vm-swapped", where + " is swapped out", "Turn swap off in the guest: swapoff -a");
        } else {
            concerns.retry(
                    "vm-page-moving",
                    where + " is on its way to another frame (entry 0x" + Long.toHexString(entry) + ")",
                    "Try again; if it stays, the page is broken or was removed by the guest's kernel");
        }
    }

    private int swapFiles() {
        OptionalLong count = kernel.findSymbol("nr_swapfiles");
        return count.isPresent() ? kernel.u32(count.getAsLong()) : 0;
    }

    /** Pages that nobody touched yet are in no page table: the kernel's own image of the vDSO has them all. */
    private void vdso(KernelObject mm, long tables, Mapping mapping, Found found) {
        KernelObject image = kernel.object("vdso_image", mm.number("context.vdso_image"));
        long size = image.number("size");
        long offset = mapping.start() - mm.number("context.vdso");
        long length = mapping.end() - mapping.start();
        if (size <= 0 || size > MAX_VDSO_BYTES || offset < 0 || offset + length > size) {
            throw new GuestFault(
                    GuestFault.Reason.BOUND,
                    "A vDSO of " + size + " bytes is mapped from " + offset + " for " + length);
        }
        for (long at = 0; at < length; at += PAGE) {
            long entry = kernel.pageTables().entry(tables, mapping.start() + at);
            boolean written = (entry & PageTables.PRESENT) != 0 && isAnonymous(PageTables.frame(entry, PAGE));
            found.content.add(
                    written
                            ? kernel.ram().slice(PageTables.frame(entry, PAGE), PAGE)
                            : MemorySegment.ofArray(kernel.bytes(image.number("data") + offset + at, (int) PAGE)));
        }
        found.runs.add(mapping.start(), mapping.end(), PageRuns.IN_IMAGE);
    }
}
