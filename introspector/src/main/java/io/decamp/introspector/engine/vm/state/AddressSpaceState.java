package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.MmEntry;
import io.decamp.contracts.criu.PagemapHead;
import io.decamp.introspector.engine.vm.files.FileImages;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.image.Concerns;
import io.decamp.introspector.engine.vm.image.ImageDirectory;
import io.decamp.introspector.engine.vm.image.ImageFile;
import io.decamp.introspector.engine.vm.image.ImageWriter;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** A process's memory: what is mapped where, which pages are its own, and the few of them that the images hold. */
final class AddressSpaceState {
    /** {@code MMF_DISABLE_THP} (include/linux/sched/coredump.h): transparent huge pages were switched off by prctl. */
    private static final int NO_HUGE_PAGES = 1 << 24;

    /** {@code MMF_DUMPABLE_MASK} */
    private static final int DUMPABLE = 3;

    /** {@code AT_VECTOR_SIZE} of CRIU (criu/include/asm-generic): it refuses images with more. */
    private static final int MAX_AUXILIARY = 44;

    /** Registrations in {@code mm_struct.membarrier_state} (include/linux/sched/mm.h), without those for "ready". */
    private static final int MEMBARRIER_REGISTERED = 1 << 1 | 1 << 3 | 1 << 5 | 1 << 7;

    private final Mappings mappings;
    private final Pagemap pagemap;
    private final FileImages files;
    private final Concerns concerns;

    AddressSpaceState(GuestKernel kernel, FileImages files, Concerns concerns) {
        mappings = new Mappings(kernel, files, concerns);
        pagemap = new Pagemap(kernel, concerns);
        this.files = files;
        this.concerns = concerns;
    }

    /** What one process's memory becomes. */
    record Images(int pid, MmEntry mm, Pagemap.Found pages) {
        /** @param pagesId of the file for pages that the images hold */
        void write(ImageDirectory images, int pagesId) {
            images.write(ImageFile.MM, pid, mm);
            try (ImageWriter pagemap = images.open(ImageFile.PAGEMAP, pid)) {
                pagemap.message(PagemapHead.newBuilder().setPagesId(pagesId).build());
                pages.runs().forEach(pagemap::message);
            }
            try (ImageWriter content = images.open(ImageFile.PAGES, pagesId)) {
                content.raw(MemorySegment.ofArray(pages.content()));
            }
        }
    }

    Images read(KernelObject mm, int pid) {
        check(mm, pid);
        List<Mapping> mapped = mappings.of(mm, pid);
        MmEntry.Builder entry = MmEntry.newBuilder()
                .setMmStartCode(mm.number("start_code"))
                .setMmEndCode(mm.number("end_code"))
                .setMmStartData(mm.number("start_data"))
                .setMmEndData(mm.number("end_data"))
                .setMmStartStack(mm.number("start_stack"))
                .setMmStartBrk(mm.number("start_brk"))
                .setMmBrk(mm.number("brk"))
                .setMmArgStart(mm.number("arg_start"))
                .setMmArgEnd(mm.number("arg_end"))
                .setMmEnvStart(mm.number("env_start"))
                .setMmEnvEnd(mm.number("env_end"))
                .setExeFileId(files.regular(mm.follow("exe_file"), "executable of process " + pid))
                .addAllMmSavedAuxv(auxiliary(mm))
                .setDumpable((int) mm.number("flags") & DUMPABLE)
                .setThpDisabled((mm.number("flags") & NO_HUGE_PAGES) != 0);
        mapped.forEach(mapping -> entry.addVmas(mapping.entry()));
        return new Images(pid, entry.build(), pagemap.of(mm, mapped, pid));
    }

    /**
     * Pairs up to the one that ends them, as {@code /proc/PID/auxv} shows them. Those that CRIU has no room for are
     * left out, as
     * it does itself; programs read theirs from their stack.
     */
    private static List<Long> auxiliary(KernelObject mm) {
        List<Long> pairs = new ArrayList<>();
        long[] saved = mm.numbers("saved_auxv");
        for (int i = 0; i + 1 < Math.min(saved.length, MAX_AUXILIARY); i += 2) {
            pairs.add(saved[i]);
            pairs.add(saved[i + 1]);
            if (saved[i] == 0) {
                break;
            }
        }
        return pairs;
    }

    private void check(KernelObject mm, int pid) {
        if (mm.has("context.ldt") && mm.number("context.ldt") != 0) {
            concerns.refuse(
                    "vm-cpu-state",
                    "Process " + pid + " has a local descriptor table",
                    "Only plain 64-bit programs can be carried");
        }
        if (mm.has("context.lam_cr3_mask") && mm.number("context.lam_cr3_mask") != 0) {
            concerns.refuse(
                    "vm-cpu-state", "Process " + pid + " uses linear address masking", "Start it without tagged "
                            + "addresses");
        }
        if (hasProtectionKeys(mm)) {
            concerns.refuse(
                    "vm-cpu-state",
                    "Process " + pid + " has memory protection keys (pkey_alloc)",
                    "Start it without: CRIU's images don't say which memory has which key");
        }
        Unrestored.warnOfMemory(mm, pid, concerns);
        if (mm.has("membarrier_state") && (mm.number("membarrier_state") & MEMBARRIER_REGISTERED) != 0) {
            concerns.warn(
                    "vm-membarrier",
                    "Process " + pid + " has registered for membarrier(), which CRIU 3.17 doesn't restore",
                    "A program that relies on it without looking at its result may fail after the move");
        }
    }

    /**
     * Key 0 is everybody's; one may be that by which the kernel makes PROT_EXEC memory unreadable, which it does again
     * by itself ({@code mm_context_t} of arch/x86/include/asm/mmu.h).
     */
    private static boolean hasProtectionKeys(KernelObject mm) {
        if (!mm.has("context.pkey_allocation_map")) {
            return false;
        }
        long own = 1;
        long executeOnly = mm.number("context.execute_only_pkey");
        if (executeOnly > 0 && executeOnly < Short.SIZE) {
            own |= 1L << executeOnly;
        }
        return (mm.number("context.pkey_allocation_map") & 0xffff & ~own) != 0;
    }
}
