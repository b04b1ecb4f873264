package io.decamp.introspector.engine.vm.files;

import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/**
 * Contents of regular files as the guest's page cache has them ({@code inode.i_mapping}, include/linux/fs.h). All of
 * a tmpfs or ramfs file is there, and what is not there is a hole. Of a file on a disk only what was read or written
 * lately is there; the rest can't be known from memory.
 */
final class PageCache {
    private static final MemorySegment ZEROS = MemorySegment.ofArray(new byte[64 << 10]);

    private final GuestKernel kernel;
    private final Frames frames;
    private final long upToDate;
    private final PageTree.Nodes nodes;
    private final boolean pageHasIndex;

    PageCache(GuestKernel kernel, Frames frames) {
        this.kernel = kernel;
        this.frames = frames;
        this.upToDate = 1L
                << kernel.types()
                        .enumerator("PG_uptodate")
                        .orElseThrow(() -> new GuestFault(Reason.TYPE, "This kernel has no PG_uptodate"));
        this.pageHasIndex = kernel.types().has("page", "index");
        this.nodes = new PageTree.Nodes() {
            @Override
            public int shift(long node) {
                return (int) kernel.object("xa_node", node).number("shift") & 0xff;
            }

            @Override
            public long[] slots(long node) {
                return kernel.object("xa_node", node).numbers("slots");
            }
        };
    }

    /**
     * The part of a file that is not in memory: the page cache of a disk file, or tmpfs pages that were swapped out.
     */
    static final class Absent extends Exception {
        private static final long serialVersionUID = 1;

        private final long offset;

        Absent(long offset) {
            super(null, null, false, false);
            this.offset = offset;
        }

        long offset() {
            return offset;
        }
    }

    /**
     * Hands over the first bytes of a file, exactly as many as asked for, in order, as segments of guest memory or
     * zeros.
     *
     * @throws Absent at the first byte that memory does not have
     */
    void read(Inode inode, long size, Consumer<MemorySegment> to) throws Absent {
        Reading reading = new Reading(size, FileSystems.livesInMemory(inode.fileSystem()), to);
        if (reading.size > 0) {
            KernelObject mapping = inode.object().follow("i_mapping");
            long pages = (reading.size + Frames.PAGE_BYTES - 1) / Frames.PAGE_BYTES;
            PageTree.walk(mapping.number("i_pages.xa_head"), pages, nodes, reading);
            reading.upTo(reading.size);
        }
        if (reading.absent >= 0) {
            throw new Absent(reading.absent);
        }
    }

    private final class Reading implements PageTree.Sink {
        private final long size;
        private final boolean holesAreZeros;
        private final Consumer<MemorySegment> to;
        private long position;
        private long absent = -1;

        Reading(long size, boolean holesAreZeros, Consumer<MemorySegment> to) {
            this.size = size;
            this.holesAreZeros = holesAreZeros;
            this.to = to;
        }

        @Override
        public void folio(long index, long count, long page) {
            KernelObject folio = kernel.object("page", page);
            long first = pageHasIndex
                    ? folio.number("index")
                    : kernel.object("folio", page).number("index");
            if (first > index || index - first > PageTree.SLOTS << 12) {
                throw new GuestFault(
                        Reason.BOUND, "The folio at page " + index + " of a file says that it begins at " + first);
            }
            long from = index * Frames.PAGE_BYTES;
            upTo(from);
            long length = Math.min(size - from, count * Frames.PAGE_BYTES);
            if ((folio.number("flags") & upToDate) == 0) {
                upTo(from + length);
            } else if (absent < 0) {
                to.accept(frames.bytes(page, (index - first) * Frames.PAGE_BYTES, length));
                position = from + length;
            }
        }

        @Override
        public void elsewhere(long index, long count) {
            long from = index * Frames.PAGE_BYTES;
            upTo(from);
            absent = absent < 0 ? from : absent;
        }

        /** What lies between the last page and this one. */
        private void upTo(long end) {
            if (absent >= 0 || position >= end) {
                return;
            }
            if (!holesAreZeros) {
                absent = position;
                return;
            }
            while (position < end) {
                long length = Math.min(end - position, ZEROS.byteSize());
                to.accept(ZEROS.asSlice(0, length));
                position += length;
            }
        }
    }
}
