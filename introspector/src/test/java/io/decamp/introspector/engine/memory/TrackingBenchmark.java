package io.decamp.introspector.engine.memory;

import io.decamp.contracts.port.MemorySource.Tasks;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.Segment;
import java.util.Arrays;
import java.util.function.LongSupplier;

/**
 * What tracking costs, on this machine, now: run {@code main} with {@code target/test-classes} on the class path. Every
 * number is the median of {@link #ROUNDS}, with the best one behind it: on a busy machine that is the one to believe.
 */
final class TrackingBenchmark {
    private static final int ROUNDS = 7;
    private static final long BYTES = 1L << 30;
    private static final int PAGE = PageRuns.PAGE_BYTES;

    private TrackingBenchmark() {}

    public static void main(String[] arguments) {
        long[] stopped = new long[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            try (TrackedVictim tracked = new TrackedVictim()) {
                stopped[i] = tracked.source.track(TrackedVictim.ID, 1).stoppedMicrosMax();
            }
        }
        print("thread stopped for injection", stopped, "us");
        try (TrackedVictim tracked = new TrackedVictim()) {
            long at = tracked.victim.tell("map %d", BYTES);
            tracked.victim.tell("write %x %d 1", at, BYTES);
            tracked.track();
            MemorySource.Scan first = scan(tracked, Tasks.RUNNING);
            print("first scan of 1 GiB, all written", new long[] {first.scanMicros()}, "us");
            read(tracked, first);
            seal(tracked);
            print(
                    "scan of 1 GiB, nothing written",
                    measured(() -> scan(tracked, Tasks.RUNNING).scanMicros()),
                    "us");
            print(
                    "frozen scan of 1 GiB, nothing written",
                    measured(() -> scan(tracked, Tasks.HELD).scanMicros()),
                    "us");
            for (int pages : new int[] {1000, 20_000}) {
                int stride = (int) (BYTES / pages / PAGE) * PAGE;
                print(
                        "scan, " + pages + " scattered pages written",
                        measured(() -> {
                            scatter(tracked, at, pages, stride);
                            return scan(tracked, Tasks.RUNNING).scanMicros();
                        }),
                        "us");
            }
            scatter(tracked, at, 20_000, (int) (BYTES / 20_000 / PAGE) * PAGE);
            MemorySource.Scan scattered = scan(tracked, Tasks.RUNNING);
            print("read of scattered pages", measured(() -> read(tracked, scattered)), "MB/s");
            print("read of consecutive pages", measured(() -> read(tracked, first)), "MB/s");
        }
    }

    private static void scatter(TrackedVictim tracked, long at, int pages, int stride) {
        for (int i = 0; i < pages; i++) {
            tracked.victim.begin("write %x 64 %d", at + (long) i * stride, i);
            if (i % 500 == 499 || i == pages - 1) {
                for (int k = 0; k <= i % 500; k++) {
                    tracked.victim.answer();
                }
            }
        }
    }

    private static MemorySource.Scan scan(TrackedVictim tracked, Tasks tasks) {
        MemorySource.Scan scan = tracked.source.scan(TrackedVictim.ID, ++tracked.epoch, tasks);
        seal(tracked);
        return scan;
    }

    private static void seal(TrackedVictim tracked) {
        tracked.source.sealed(TrackedVictim.ID, tracked.epoch);
    }

    /** @return MB/s */
    private static long read(TrackedVictim tracked, MemorySource.Scan scan) {
        PageRuns all = scan.written();
        PageRuns chunk = new PageRuns();
        int room = MemorySource.MAX_READ_BYTES / PAGE;
        long bytes = 0;
        long began = System.nanoTime();
        for (int i = 0; i < all.size(); i++) {
            for (int done = 0; done < all.pages(i) && all.source(i) == PageSource.BYTES; ) {
                int n = Math.min(all.pages(i) - done, room);
                chunk.add(all.space(i), all.address(i) + (long) done * PAGE, n, PageSource.BYTES);
                done += n;
                room -= n;
                if (room == 0) {
                    bytes += read(tracked, chunk);
                    room = MemorySource.MAX_READ_BYTES / PAGE;
                }
            }
        }
        bytes += read(tracked, chunk);
        return bytes * 1000 / Math.max(1, System.nanoTime() - began);
    }

    private static long read(TrackedVictim tracked, PageRuns chunk) {
        try (Segment segment = tracked.source.read(TrackedVictim.ID, tracked.epoch, chunk)) {
            return segment.length();
        } finally {
            chunk.clear();
        }
    }

    private static long[] measured(LongSupplier measure) {
        long[] values = new long[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            values[i] = measure.getAsLong();
        }
        return values;
    }

    private static void print(String what, long[] values, String unit) {
        long[] sorted = values.clone();
        Arrays.sort(sorted);
        long best = unit.equals("us") ? sorted[0] : sorted[sorted.length - 1];
        System.out.printf("%-42s %8d %s (best %d)%n", what, sorted[sorted.length / 2], unit, best);
    }
}
