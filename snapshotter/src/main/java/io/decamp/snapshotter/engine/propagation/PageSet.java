package io.decamp.snapshotter.engine.propagation;

import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** A set of pages of any address spaces: one bit each, in chunks of 2 MiB. Not thread safe. */
public final class PageSet {
    private static final int CHUNK_PAGES = 512;
    private static final int WORDS = CHUNK_PAGES / Long.SIZE;

    private final Map<Long, TreeMap<Long, long[]>> spaces = new HashMap<>();
    private long size;
    private long lastSpace;
    private long lastChunk = -1;
    private long[] lastBits;

    /** Number of pages in it. */
    public long size() {
        return size;
    }

    public boolean contains(long space, long address) {
        long page = address / PageRuns.PAGE_BYTES;
        long[] bits = chunk(space, page / CHUNK_PAGES, false);
        return bits != null && (bits[(int) (page % CHUNK_PAGES) / Long.SIZE] >>> page & 1) != 0;
    }

    /** @return how many of the pages were not in it before */
    public long add(long space, long address, int pages) {
        long before = size;
        change(space, address, pages, true);
        return size - before;
    }

    /** Adds all runs, whatever their source. */
    public void addAll(PageRuns runs) {
        for (int i = 0; i < runs.size(); i++) {
            change(runs.space(i), runs.address(i), runs.pages(i), true);
        }
    }

    /** Removes all runs, whatever their source. */
    public void removeAll(PageRuns runs) {
        for (int i = 0; i < runs.size(); i++) {
            change(runs.space(i), runs.address(i), runs.pages(i), false);
        }
    }

    /** Forgets the pages of spaces that have ended. */
    public void retain(List<AddressSpace> alive) {
        Set<Long> ids = new HashSet<>();
        alive.forEach(space -> ids.add(space.id()));
        spaces.entrySet().removeIf(entry -> {
            boolean gone = !ids.contains(entry.getKey());
            if (gone) {
                entry.getValue().values().forEach(bits -> size -= count(bits));
            }
            return gone;
        });
        lastChunk = -1;
    }

    public void clear() {
        spaces.clear();
        size = 0;
        lastChunk = -1;
    }

    /** Its pages as BYTES runs, ascending within a space. */
    public PageRuns toRuns() {
        PageRuns runs = new PageRuns();
        Walk walk = new Walk(runs);
        walk.all(this);
        return runs;
    }

    /** Pages of {@code from}'s BYTES runs that are in this set go to {@code in}, all other pages to {@code out}. */
    public void split(PageRuns from, PageRuns in, PageRuns out) {
        for (int i = 0; i < from.size(); i++) {
            if (from.source(i) != PageSource.BYTES) {
                out.addFrom(from, i);
                continue;
            }
            for (int done = 0; done < from.pages(i); ) {
                long at = from.address(i) + (long) done * PageRuns.PAGE_BYTES;
                boolean member = contains(from.space(i), at);
                int end = done + 1;
                while (end < from.pages(i)
                        && contains(from.space(i), from.address(i) + (long) end * PageRuns.PAGE_BYTES) == member) {
                    end++;
                }
                (member ? in : out).add(from.space(i), at, end - done, PageSource.BYTES);
                done = end;
            }
        }
    }

    private void change(long space, long address, int pages, boolean set) {
        long page = address / PageRuns.PAGE_BYTES;
        long end = page + pages;
        while (page < end) {
            int from = (int) (page % CHUNK_PAGES);
            int to = (int) Math.min(CHUNK_PAGES, from + end - page);
            long[] bits = chunk(space, page / CHUNK_PAGES, set);
            if (bits != null) {
                change(bits, from, to, set);
            }
            page += to - from;
        }
    }

    private void change(long[] bits, int from, int to, boolean set) {
        for (int w = from / Long.SIZE; w <= (to - 1) / Long.SIZE; w++) {
            int low = Math.max(0, from - w * Long.SIZE);
            int high = Math.min(Long.SIZE, to - w * Long.SIZE);
            long mask = (-1L << low) & (-1L >>> (Long.SIZE - high));
            long after = set ? bits[w] | mask : bits[w] & ~mask;
            size += Long.bitCount(after) - Long.bitCount(bits[w]);
            bits[w] = after;
        }
    }

    /** Scans report pages in runs of neighbours: the chunk that was asked for last is most often asked for next. */
    private long[] chunk(long space, long chunk, boolean make) {
        if (chunk == lastChunk && space == lastSpace && lastBits != null) {
            return lastBits;
        }
        TreeMap<Long, long[]> chunks = make
                ? spaces.computeIfAbsent(space, id -> new TreeMap<>())
                : spaces.getOrDefault(space, new TreeMap<>());
        long[] bits = make ? chunks.computeIfAbsent(chunk, key -> new long[WORDS]) : chunks.get(chunk);
        lastSpace = space;
        lastChunk = chunk;
        lastBits = bits;
        return bits;
    }

    private static int count(long[] bits) {
        int n = 0;
        for (long word : bits) {
            n += Long.bitCount(word);
        }
        return n;
    }

    /** Joins neighbouring pages to runs, across chunks. */
    private static final class Walk {
        /** Keeps the bytes of a run within what receivers compute with. */
        private static final int RUN_LIMIT_PAGES = 1 << 20;

        private final PageRuns out;
        private long space;
        private long first;
        private int pages;

        Walk(PageRuns out) {
            this.out = out;
        }

        void all(PageSet set) {
            set.spaces.keySet().stream().sorted().forEach(id -> {
                space = id;
                set.spaces.get(id).forEach(this::chunk);
                flush();
            });
        }

        private void chunk(long index, long[] bits) {
            for (int w = 0; w < WORDS; w++) {
                long left = bits[w];
                while (left != 0) {
                    int from = Long.numberOfTrailingZeros(left);
                    int length = Long.numberOfTrailingZeros(~(left >>> from));
                    length = Math.min(length, Long.SIZE - from);
                    run(index * CHUNK_PAGES + (long) w * Long.SIZE + from, length);
                    left = from + length == Long.SIZE ? 0 : left & -1L << (from + length);
                }
            }
        }

        private void run(long page, int length) {
            if (pages > 0 && first + pages == page && pages + length <= RUN_LIMIT_PAGES) {
                pages += length;
                return;
            }
            flush();
            first = page;
            pages = length;
        }

        private void flush() {
            if (pages > 0) {
                out.add(space, first * PageRuns.PAGE_BYTES, pages, PageSource.BYTES);
                pages = 0;
            }
        }
    }
}
