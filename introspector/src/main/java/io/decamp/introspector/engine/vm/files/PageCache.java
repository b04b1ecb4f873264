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
     * zeros. The guest's kernel runs meanwhile: it may move any page to another frame, and drop those of a disk file.
     *
     * @throws Absent at the first byte that memory does not have
     * @throws GuestFault {@code guest-memory-moved}: what was handed over may be something else
     */
    void read(Inode inode, long size, Consumer<MemorySegment> to) throws Absent {
        Places before = look(inode, size, to);
        Places after = new Places();
        walk(inode, size, after);
        if (after.digest != before.digest) {
            throw new GuestFault(
                    Reason.MOVED, "Pages of a file of " + size + " bytes have moved while they were copied");
        }
    }

    /** The same of a file that others write to, whose bytes are not needed. */
    void requirePresent(Inode inode, long size) throws Absent {
        look(inode, size, segment -> {});
    }

    private Places look(Inode inode, long size, Consumer<MemorySegment> to) throws Absent {
        Reading reading = new Reading(size, FileSystems.livesInMemory(inode.fileSystem()), to);
        walk(inode, size, reading);
        reading.upTo(size);
        if (reading.absent >= 0) {
            throw new Absent(reading.absent);
        }
        return reading.places;
    }

    private void walk(Inode inode, long size, PageTree.Sink sink) {
        if (size > 0) {
            KernelObject mapping = inode.object().follow("i_mapping");
            long pages = (size + Frames.PAGE_BYTES - 1) / Frames.PAGE_BYTES;
            PageTree.walk(mapping.number("i_pages.xa_head"), pages, nodes, sink);
        }
    }

    /** Where everything is, in one number. */
    private static final class Places implements PageTree.Sink {
        private static final long FACTOR = 0x9e37_79b9_7f4a_7c15L;

        private long digest;

        @Override
        public void folio(long index, long count, long page) {
            digest = ((digest * FACTOR + index) * FACTOR + count) * FACTOR + page;
        }

        @Override
        public void elsewhere(long index, long count) {
            folio(index, count, 0);
        }
    }

    private final class Reading implements PageTree.Sink {
        private final long size;
        private final boolean holesAreZeros;
        private final Consumer<MemorySegment> to;
        private final Places places = new Places();
        private long position;
        private long absent = -1;

        Reading(long size, boolean holesAreZeros, Consumer<MemorySegment> to) {
            this.size = size;
            this.holesAreZeros = holesAreZeros;
            this.to = to;
        }

        @Override
        public void folio(long index, long count, long page) {
            places.folio(index, count, page);
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
            places.elsewhere(index, count);
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
