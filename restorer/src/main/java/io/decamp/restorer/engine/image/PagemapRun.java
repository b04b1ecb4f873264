package io.decamp.restorer.engine.image;

import static io.decamp.contracts.page.PageRuns.PAGE_BYTES;

/**
 * One pagemap entry: pages from {@code address} on and where their content is.
 *
 * @param flags {@link #PARENT}, {@link #LAZY}, {@link #PRESENT} (criu/include/pagemap.h)
 */
public record PagemapRun(long address, long pages, int flags) {
    /** The content is in the parent image at the same virtual address. */
    public static final int PARENT = 1;
    /** The content comes from the lazy page server. */
    public static final int LAZY = 2;
    /** The content is in this image's own pages file. */
    public static final int PRESENT = 4;

    static final int KNOWN_FLAGS = PARENT | LAZY | PRESENT;

    public boolean is(int flag) {
        return (flags & flag) != 0;
    }

    /** First address behind the run. */
    public long end() {
        return address + pages * PAGE_BYTES;
    }

    /** In bytes. */
    public long length() {
        return pages * PAGE_BYTES;
    }

    PagemapRun withFlags(int newFlags) {
        return newFlags == flags ? this : new PagemapRun(address, pages, newFlags);
    }
}
