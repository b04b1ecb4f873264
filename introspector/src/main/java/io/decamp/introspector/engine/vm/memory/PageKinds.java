package io.decamp.introspector.engine.vm.memory;

/** What a page-table entry of a process says about a page. */
public interface PageKinds {
    /** What an entry stands for. */
    enum Kind {
        /** A page with content of the process's own, or of a file. */
        FRAME,
        /** Reads as zero: nothing is there, or a page of zeros that all share. */
        HOLE,
        /** The guest's kernel is moving the page: it has content, and is back in microseconds to milliseconds. */
        IN_TRANSIT
    }

    /**
     * @param entry not zero
     * @param bytes what the entry maps
     * @throws io.decamp.contracts.error.DecampException {@code vm-swapped}
     */
    Kind of(long address, long entry, long bytes);

    /** Whether a frame is a process's own (PageAnon), not of a file's cache. */
    boolean isAnonymous(long physical);
}
