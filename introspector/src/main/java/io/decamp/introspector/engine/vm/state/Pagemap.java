package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.PagemapEntry;
import io.decamp.introspector.engine.vm.guest.AddressSpace;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestRam;
import io.decamp.introspector.engine.vm.guest.GuestVmas;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PageTables;
import io.decamp.introspector.engine.vm.image.Concerns;
import io.decamp.introspector.engine.vm.memory.PageKinds.Kind;
import io.decamp.introspector.engine.vm.memory.PageKinds;
import io.decamp.introspector.engine.vm.state.Mapping.Pages;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * Finds the pages that are a process's own: those that were written. Pages of zeros that all processes share, and pages
 * of files, are made anew at the destination. Pages that the guest swapped out can't be read from outside. What an
 * entry stands for is decided by {@link PageKinds}, as for the replica: a page that only one of the two knew would be
 * lost. One thread.
 *
 * <p>The process is frozen, its guest's kernel is not, and may make a huge page of small ones: their table is out of
 * the page tables for milliseconds, and none of its pages is found. Whoever does that holds the process's {@code
 * mmap_lock}, or comes and goes between two walks, which then differ. So the walk counts that found the same as the one
 * before it, with the lock free at both ends.
 */
final class Pagemap {
    private static final long PAGE = GuestRam.PAGE_BYTES;

    /** The largest vDSO known has three pages. */
    private static final long MAX_VDSO_BYTES = 64 << 10;

    /** The workload stands still meanwhile; the guest's kernel needs milliseconds, if its processor is run. */
    private static final Duration LIMIT = Duration.ofSeconds(2);

    private static final long NOT_MOVING = -1;

    private final GuestKernel kernel;
    private final Concerns concerns;
    private final PageKinds kinds;

    Pagemap(GuestKernel kernel, Concerns concerns) {
        this.kernel = kernel;
        this.concerns = concerns;
        kinds = PageKinds.of(kernel);
    }

    /**
     * The pages of a process.
     *
     * @param content of those that the image itself has to hold
     * @param moving address of one that was on its way to another frame, or {@link #NOT_MOVING}
     */
    record Found(List<PagemapEntry> runs, byte[] content, long moving) {
        private boolean isSame(Found other) {
            return moving == NOT_MOVING
                    && other.moving == NOT_MOVING
                    && runs.equals(other.runs)
                    && Arrays.equals(content, other.content);
        }
    }

    Found of(KernelObject mm, List<Mapping> mappings, int pid) {
        Walk walk = new Walk(mm, mappings, pid);
        if (concerns.checksOnly()) {
            return walk.once();
        }
        SteadyLook<Found> look =
                new SteadyLook<>(walk::once, Found::isSame, () -> GuestVmas.isUnderChange(mm), LIMIT);
        Found found = look.take();
        if (!look.isSteady()) {
            concerns.retry(
                    found.moving == NOT_MOVING ? "vm-memory-busy" : "vm-page-moving",
                    "The guest's kernel has been changing the memory of process " + pid + " for " + LIMIT.toMillis()
                            + " ms" + (found.moving == NOT_MOVING ? "" : ", at 0x" + Long.toHexString(found.moving)),
                    "Try again; if it stays, a page is broken or was removed by the guest's kernel");
        }
        return found;
    }

    private final class Walk {
        private final KernelObject mm;
        private final List<Mapping> mappings;
        private final int pid;
        private final AddressSpace space;
        private long moving;

        Walk(KernelObject mm, List<Mapping> mappings, int pid) {
            this.mm = mm;
            this.mappings = mappings;
            this.pid = pid;
            space = AddressSpace.of(mm);
        }

        Found once() {
            PageRuns runs = new PageRuns();
            ByteArrayOutputStream content = new ByteArrayOutputStream();
            moving = NOT_MOVING;
            for (Mapping mapping : mappings) {
                if (mapping.pages() == Pages.VDSO) {
                    vdso(mapping, content);
                    runs.add(mapping.start(), mapping.end(), PageRuns.IN_IMAGE);
                } else if (mapping.pages() != Pages.ELSEWHERE
                        && mapping.area().number("anon_vma") != 0) {
                    space.walk(mapping.start(), mapping.end(), (va, entry, bytes) -> {
                        if (isOwn(mapping.pages() == Pages.PRIVATE_FILE, va, entry, bytes)) {
                            runs.add(
                                    Math.max(va, mapping.start()),
                                    Math.min(va + bytes, mapping.end()),
                                    PageRuns.IN_REPLICA);
                        }
                    });
                }
            }
            return new Found(runs.entries(), content.toByteArray(), moving);
        }

        /** @param ofFile its pages belong to a file's cache until the process writes to them and gets copies */
        private boolean isOwn(boolean ofFile, long va, long entry, long bytes) {
            Kind kind = kinds.of(entry, bytes);
            if (kind == Kind.IN_TRANSIT) {
                moving = va;
            } else if (kind.isRefused()) {
                concerns.refuse(kind.code(), kind.what(va) + " (process " + pid + ")", kind.advice());
            }
            return kind == Kind.FRAME && (!ofFile || kinds.isAnonymous(PageTables.frame(entry, bytes)));
        }

        /** Pages that nobody touched yet are in no page table: the kernel's own image of the vDSO has them all. */
        private void vdso(Mapping mapping, ByteArrayOutputStream content) {
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
                long entry = kernel.pageTables().entry(space.pgd(), mapping.start() + at);
                content.writeBytes(
                        entry != 0 && isOwn(true, mapping.start() + at, entry, PAGE)
                                ? kernel.bytes(kernel.directMap(PageTables.frame(entry, PAGE)), (int) PAGE)
                                : kernel.bytes(image.number("data") + offset + at, (int) PAGE));
            }
        }
    }
}
