package io.decamp.cli.bench.vm;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.bench.Median;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Bytes per second out of the guest's memory, page walk included, against copying as many bytes between two buffers of
 * this process in the same portions. Does not depend on what executes the guest's instructions.
 *
 * @param pieces that the page tables have the memory in
 */
record ReadSpeed(long bytes, int pieces, List<Double> guestBytesPerSecond, List<Double> memcpyBytesPerSecond) {
    /** Both sides are read once before they count: the first touch of a page is the kernel's time. */
    static ReadSpeed measure(OutsideSaver outside, Holder holder, int rounds) {
        List<Double> guest = new ArrayList<>();
        List<Double> memcpy = new ArrayList<>();
        PageList pages = outside.pages(holder.pid());
        try (Arena arena = Arena.ofShared()) {
            MemorySegment source = arena.allocate(pages.bytes());
            PageList.warm(source);
            pages.copyTo(outside.image());
            for (int i = 0; i < rounds; i++) {
                long begin = System.nanoTime();
                outside.pages(holder.pid()).copyTo(outside.image());
                long middle = System.nanoTime();
                pages.copyAlike(source, outside.image());
                long end = System.nanoTime();
                guest.add(pages.bytes() * 1e9 / (middle - begin));
                memcpy.add(pages.bytes() * 1e9 / (end - middle));
            }
        }
        return new ReadSpeed(pages.bytes(), pages.pieces(), guest, memcpy);
    }

    double guest() {
        return Median.of(guestBytesPerSecond.stream().mapToDouble(Double::doubleValue));
    }

    double memcpy() {
        return Median.of(memcpyBytesPerSecond.stream().mapToDouble(Double::doubleValue));
    }

    void addTo(ObjectNode o) {
        o.put("bytes", bytes)
                .put("pieces", pieces)
                .put("guestBytesPerSecond", Math.round(guest()))
                .put("memcpyBytesPerSecond", Math.round(memcpy()));
        guestBytesPerSecond.forEach(r -> o.withArray("guestRuns").add(Math.round(r)));
        memcpyBytesPerSecond.forEach(r -> o.withArray("memcpyRuns").add(Math.round(r)));
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "  reading %d MiB of guest memory (%d pieces), page walk included: %.1f GB/s; memcpy of as much: %.1f GB/s",
                bytes >> 20,
                pieces,
                guest() / 1e9,
                memcpy() / 1e9);
    }
}
