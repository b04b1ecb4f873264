package io.decamp.linux.pagemap;

/** Receives what a scan finds, in ascending order of addresses. */
@FunctionalInterface
public interface RegionSink {
    /**
     * @param start first address
     * @param end first address behind it
     * @param categories PAGE_IS_ bits, those asked for
     */
    void region(long start, long end, long categories);
}
