package io.decamp.contracts.page;

import java.util.Arrays;

/**
 * A growable list of runs of consecutive pages, kept as parallel arrays so that a scan of a million pages allocates
 * nothing per run. A run is (address space, virtual address, page count, {@link PageSource}). Not thread safe.
 */
public final class PageRuns {
    /** Size of a page in bytes; the only one CRIU images and this stream know. */
    public static final int PAGE_BYTES = 4096;

    private long[] space = new long[64];
    private long[] address = new long[64];
    private int[] pages = new int[64];
    private byte[] source = new byte[64];
    private long[] sameAs = new long[64];
    private int size;

    public int size() {
        return size;
    }

    public boolean isEmpty() {
        return size == 0;
    }

    public void clear() {
        size = 0;
    }

    public void add(long spaceId, long virtualAddress, int pageCount, PageSource from) {
        add(spaceId, virtualAddress, pageCount, from, 0);
    }

    /** @param sameAsSpace the address space that holds the content, for {@link PageSource#SAME_AS}; else 0 */
    public void add(long spaceId, long virtualAddress, int pageCount, PageSource from, long sameAsSpace) {
        if (pageCount <= 0 || (virtualAddress & (PAGE_BYTES - 1)) != 0) {
            throw new IllegalArgumentException("bad run: " + Long.toHexString(virtualAddress) + " + " + pageCount + " pages");
        }
        if (size == space.length) {
            int n = size * 2;
            space = Arrays.copyOf(space, n);
            address = Arrays.copyOf(address, n);
            pages = Arrays.copyOf(pages, n);
            source = Arrays.copyOf(source, n);
            sameAs = Arrays.copyOf(sameAs, n);
        }
        space[size] = spaceId;
        address[size] = virtualAddress;
        pages[size] = pageCount;
        source[size] = (byte) from.code();
        sameAs[size] = sameAsSpace;
        size++;
    }

    /** Appends run {@code i} of {@code other}. */
    public void addFrom(PageRuns other, int i) {
        add(other.space[i], other.address[i], other.pages[i], other.source(i), other.sameAs[i]);
    }

    public long space(int i) {
        return space[i];
    }

    public long address(int i) {
        return address[i];
    }

    public int pages(int i) {
        return pages[i];
    }

    public PageSource source(int i) {
        return PageSource.ofCode(source[i]);
    }

    public long sameAs(int i) {
        return sameAs[i];
    }

    public long bytes(int i) {
        return (long) pages[i] * PAGE_BYTES;
    }

    /** Pages over all runs. */
    public long totalPages() {
        long n = 0;
        for (int i = 0; i < size; i++) {
            n += pages[i];
        }
        return n;
    }

    /** Bytes of payload: over the runs whose source is {@link PageSource#BYTES}. */
    public long payloadBytes() {
        long n = 0;
        for (int i = 0; i < size; i++) {
            if (source[i] == PageSource.BYTES.code()) {
                n += bytes(i);
            }
        }
        return n;
    }
}
