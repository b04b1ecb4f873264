package io.decamp.restorer.engine.image;

import static io.decamp.contracts.page.PageRuns.PAGE_BYTES;

import io.decamp.contracts.criu.PagemapEntry;
import io.decamp.contracts.criu.PagemapHead;
import io.decamp.contracts.error.DecampException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * The content of a {@code pagemap-PID.img}: which pages a process has and where each run's content lies.
 *
 * <p>The runs are in the order of addresses and don't overlap. Order and lengths of the PRESENT runs fix the offsets in
 * the pages file, so they may be merged but never moved. Immutable.
 *
 * @param pagesId N of the {@code pages-N.img} in the same directory
 */
public record PagemapImage(int pagesId, List<PagemapRun> runs) {
    /** CRIU keeps page counts of a run in an int (criu/pagemap.c). */
    public static final long MAX_RUN_PAGES = Integer.MAX_VALUE;

    /** User addresses end here on the 47-bit layout that CRIU restores into. */
    public static final long ADDRESS_END = 1L << 47;

    private static final long WHOLE_RUN_PAGES = 1L << 30;

    public PagemapImage {
        runs = List.copyOf(runs);
    }

    /** @throws DecampException {@code bad-image}: see {@link CriuImageFile#read} */
    public static PagemapImage read(Path file) {
        Reader reader = new Reader();
        CriuImageFile.read(file, ImageType.PAGEMAP, reader);
        return reader.result(file.getFileName().toString());
    }

    static PagemapImage parse(String source, byte[] content) {
        Reader reader = new Reader();
        CriuImageFile.parse(source, content, ImageType.PAGEMAP, reader);
        return reader.result(source);
    }

    /**
     * The pagemap of a parent whose pages file is sparse and has file offset == virtual address: one entry for every
     * 4 TiB of the whole address space.
     */
    public static PagemapImage wholeAddressSpace(int pagesId) {
        List<PagemapRun> runs = new ArrayList<>();
        for (long address = 0; address < ADDRESS_END; address += WHOLE_RUN_PAGES * PAGE_BYTES) {
            runs.add(new PagemapRun(address, WHOLE_RUN_PAGES, PagemapRun.PRESENT));
        }
        return new PagemapImage(pagesId, runs);
    }

    /** Every lazy page is read from the parent while restoring: PE_LAZY becomes PE_PARENT. */
    public PagemapImage eager() {
        return mapped(run -> run.is(PagemapRun.LAZY) ? run.withFlags(PagemapRun.PARENT) : run);
    }

    /** Lazy pages stay lazy; only merges what is adjacent. */
    public PagemapImage lazy() {
        return mapped(Function.identity());
    }

    /** The runs that a page server has to serve, merged, in the order of addresses. */
    public List<PagemapRun> lazyRuns() {
        return lazy().runs.stream().filter(run -> run.is(PagemapRun.LAZY)).toList();
    }

    public void write(Path file) {
        CriuImageFile.write(file, ImageType.PAGEMAP, sink -> {
            sink.accept(PagemapHead.newBuilder().setPagesId(pagesId).build());
            for (PagemapRun run : runs) {
                sink.accept(PagemapEntry.newBuilder()
                        .setVaddr(run.address())
                        .setCompatNrPages((int) run.pages())
                        .setFlags(run.flags())
                        .setNrPages(run.pages())
                        .build());
            }
        });
    }

    private PagemapImage mapped(Function<PagemapRun, PagemapRun> change) {
        List<PagemapRun> merged = new ArrayList<>();
        for (PagemapRun original : runs) {
            PagemapRun run = change.apply(original);
            PagemapRun before = merged.isEmpty() ? null : merged.getLast();
            if (before != null
                    && before.flags() == run.flags()
                    && before.end() == run.address()
                    && before.pages() + run.pages() <= MAX_RUN_PAGES) {
                merged.set(
                        merged.size() - 1,
                        new PagemapRun(before.address(), before.pages() + run.pages(), run.flags()));
            } else {
                merged.add(run);
            }
        }
        return new PagemapImage(pagesId, merged);
    }

    private static final class Reader implements CriuImageFile.Messages {
        private final List<PagemapRun> runs = new ArrayList<>();
        private int pagesId = -1;
        private long end;

        @Override
        public void next(int index, CriuImageFile.Message message) {
            if (index == 0) {
                pagesId = message.as(PagemapHead.parser(), "pagemap_head").getPagesId();
                return;
            }
            PagemapEntry entry = message.as(PagemapEntry.parser(), "pagemap_entry");
            if (!entry.getUnknownFields().asMap().isEmpty()) {
                // such as compressed pages: offsets in the pages file would mean something else
                throw message.bad(
                        "a pagemap_entry of CRIU 4.2 or older",
                        "fields " + entry.getUnknownFields().asMap().keySet());
            }
            long pages = entry.hasNrPages()
                    ? entry.getNrPages()
                    : Integer.toUnsignedLong(entry.getCompatNrPages());
            long address = entry.getVaddr();
            if ((address & (PAGE_BYTES - 1)) != 0 || address < end || address >= ADDRESS_END) {
                throw message.bad(
                        "an aligned address from " + hex(end) + " below " + hex(ADDRESS_END), hex(address));
            }
            long room = Math.min(MAX_RUN_PAGES, (ADDRESS_END - address) / PAGE_BYTES);
            if (pages <= 0 || pages > room) {
                throw message.bad("1 to " + room + " pages at " + hex(address), Long.toUnsignedString(pages));
            }
            PagemapRun run = new PagemapRun(address, pages, flags(entry));
            if (run.flags() == 0 || (run.flags() & ~PagemapRun.KNOWN_FLAGS) != 0) {
                throw message.bad("flags parent 1, lazy 2 or present 4", Integer.toUnsignedString(run.flags()));
            }
            runs.add(run);
            end = run.end();
        }

        private static int flags(PagemapEntry entry) {
            if (entry.getInParent()) {
                return entry.getFlags() | PagemapRun.PARENT;
            }
            return entry.hasFlags() ? entry.getFlags() : PagemapRun.PRESENT;
        }

        PagemapImage result(String source) {
            if (pagesId < 0) {
                throw DecampException.refused(
                        "bad-image", source + " has no pagemap_head", "Take a new snapshot");
            }
            return new PagemapImage(pagesId, runs);
        }

        private static String hex(long value) {
            return "0x" + Long.toHexString(value);
        }
    }
}
