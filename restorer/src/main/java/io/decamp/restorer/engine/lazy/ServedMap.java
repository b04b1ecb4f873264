package io.decamp.restorer.engine.lazy;

import io.decamp.restorer.engine.image.PagemapRun;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Which addresses of one address space are still to be read from the replica, and at which offset. An address that is
 * not in it is zero when it faults: it was never in the replica, or the workload has dropped it.
 *
 * <p>Follows what the workload does to its mappings (userfaultfd events), so that data is never put where the workload
 * has since put or dropped something. Not thread safe.
 */
final class ServedMap {
    /**
     * Addresses {@code [start, end)} hold what the replica has from {@code origin} on: the address at the time of the
     * freeze, which differs from {@code start} after an mremap.
     */
    record Extent(long start, long end, long origin) {
        long length() {
            return end - start;
        }

        long originOf(long address) {
            return origin + (address - start);
        }

        Extent part(long from, long to) {
            return new Extent(from, to, originOf(from));
        }
    }

    private final TreeMap<Long, Extent> extents;
    private long bytes;

    ServedMap() {
        this(new TreeMap<>(), 0);
    }

    private ServedMap(TreeMap<Long, Extent> extents, long bytes) {
        this.extents = extents;
        this.bytes = bytes;
    }

    static ServedMap of(List<PagemapRun> runs) {
        ServedMap map = new ServedMap();
        for (PagemapRun run : runs) {
            map.put(new Extent(run.address(), run.end(), run.address()));
        }
        return map;
    }

    /** Takes the place of whatever was in its range. */
    void put(Extent extent) {
        remove(extent.start(), extent.end());
        add(extent);
    }

    /** The extent that holds {@code address}, or null. */
    Extent at(long address) {
        Map.Entry<Long, Extent> entry = extents.floorEntry(address);
        return entry != null && entry.getValue().end() > address ? entry.getValue() : null;
    }

    /** What is left from {@code address} on of the first extent that ends behind it, or null. */
    Extent from(long address) {
        Extent here = at(address);
        if (here != null) {
            return here.part(address, here.end());
        }
        Map.Entry<Long, Extent> next = extents.ceilingEntry(address);
        return next == null ? null : next.getValue();
    }

    /** The workload has unmapped or dropped {@code [start, end)}, or its pages are in place. */
    void remove(long start, long end) {
        Extent first = at(start);
        if (first != null && first.start() < start) {
            take(first);
            add(first.part(first.start(), start));
            if (first.end() > end) {
                add(first.part(end, first.end()));
                return;
            }
        }
        while (true) {
            Map.Entry<Long, Extent> entry = extents.ceilingEntry(start);
            if (entry == null || entry.getKey() >= end) {
                return;
            }
            Extent extent = entry.getValue();
            take(extent);
            if (extent.end() > end) {
                add(extent.part(end, extent.end()));
                return;
            }
        }
    }

    /** mremap: what was at {@code [from, from + length)} is at {@code to}; {@code from} is empty (MREMAP_DONTUNMAP too). */
    void move(long from, long to, long length) {
        ServedMap moved = new ServedMap();
        for (Extent extent = from(from); extent != null && extent.start() < from + length; ) {
            long end = Math.min(extent.end(), from + length);
            moved.add(new Extent(
                    extent.start() - from + to, end - from + to, extent.origin()));
            extent = from(end);
        }
        remove(from, from + length);
        remove(to, to + length);
        moved.forEach(this::add);
    }

    /** For a forked child, whose memory is the parent's at this moment. */
    ServedMap copy() {
        return new ServedMap(new TreeMap<>(extents), bytes);
    }

    void forEach(Consumer<Extent> action) {
        extents.values().forEach(action);
    }

    int size() {
        return extents.size();
    }

    boolean isEmpty() {
        return extents.isEmpty();
    }

    long bytes() {
        return bytes;
    }

    private void add(Extent extent) {
        extents.put(extent.start(), extent);
        bytes += extent.length();
    }

    private void take(Extent extent) {
        extents.remove(extent.start());
        bytes -= extent.length();
    }
}
