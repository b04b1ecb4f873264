package io.decamp.introspector.engine.memory;

import io.decamp.linux.memory.IoBatch;
import java.util.List;

/**
 * What the kernel lets be done with one address space. The seam between deciding what to track and the system calls:
 * above it everything is tested without a process.
 *
 * <p>Bound to one incarnation: after an exec or exit of the process every method throws {@link SpaceGoneException}
 * rather than answer for the program that took its place. Addresses are in bytes and multiples of the page size.
 */
public interface SpaceKernel extends AutoCloseable {
    /** A range of private anonymous memory, in bytes. */
    record Range(long from, long to) {}

    /** Which pages a scan reports. */
    enum Query {
        /** Populated and written since they were protected. */
        WRITTEN,
        /** In memory or in swap, written or not, tracked or not. */
        POPULATED,
        /** Neither in memory nor in swap: reads as zero. */
        HOLES,
        /** In memory and not written since they were protected. */
        CLEAN
    }

    /** Gets the regions of a scan in ascending order. */
    @FunctionalInterface
    interface Regions {
        /** @param zero all of it is mapped to the kernel's zero page */
        void region(long from, long to, boolean zero);
    }

    /** How a scan ended. */
    enum Outcome {
        COMPLETE,
        /** A part of the range is not registered for tracking; pages before it may have been protected unreported. */
        NOT_REGISTERED
    }

    /** All private anonymous mappings, which is what CRIU may serve lazily and more, in ascending order. */
    List<Range> mappings();

    /**
     * Puts a range under asynchronous write protection, as yet with all pages written.
     *
     * @return false when there is no mapping that can be registered
     */
    boolean register(long from, long to);

    /**
     * Reports the pages of a range that {@code query} asks for.
     *
     * @param protect clears the written state of what is reported, at the moment it is reported
     */
    Outcome scan(Query query, boolean protect, long from, long to, Regions regions);

    /**
     * Reads the page-table entries of consecutive pages; {@link #entry} gives them out. A page that {@link Query#CLEAN}
     * would call so although it is another one than at the last scan has the entry 0.
     */
    void readEntries(long address, int pages);

    /** The pagemap entry (admin-guide/mm/pagemap.rst) of page {@code i} of the last {@link #readEntries}. */
    long entry(int i);

    /** @return false when it stopped at a page that can't be read, {@link IoBatch#remoteAddress} */
    boolean read(IoBatch batch);

    /** Closes this service's descriptors; tracking goes on if a keeper holds it. */
    @Override
    void close();

    /** Ends tracking for good. */
    void release();
}
