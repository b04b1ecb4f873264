package io.decamp.snapshotter.engine.propagation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class PageSetTest {
    private static final long BASE = 0x7f00_0000_0000L;
    private static final int SPAN = 3000;

    @Test
    void shouldHoldWhatAPlainSetHoldsWhateverIsAddedAndRemoved() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        PageSet set = new PageSet();
        TreeSet<Long> plain = new TreeSet<>();
        for (int step = 0; step < 3000; step++) {
            int space = 1 + random.nextInt(2);
            int from = random.nextInt(SPAN);
            int pages = 1 + random.nextInt(random.nextBoolean() ? 4 : 900);
            PageRuns run = run(space, from, pages);
            long before = plain.size();
            if (random.nextBoolean()) {
                for (int p = from; p < from + pages; p++) {
                    plain.add(key(space, p));
                }
                assertEquals(plain.size() - before, set.add(space, run.address(0), pages));
            } else {
                for (int p = from; p < from + pages; p++) {
                    plain.remove(key(space, p));
                }
                set.removeAll(run);
            }
            assertEquals(plain.size(), set.size());
        }
        assertEquals(plain, keys(set.toRuns()));
        set.retain(List.of(new AddressSpace(2, 1)));
        plain.removeIf(key -> key >>> 32 != 2);
        assertEquals(plain.size(), set.size());
        assertEquals(plain, keys(set.toRuns()));
    }

    @Test
    void shouldJoinNeighboursAcrossChunksToOneRun() {
        PageSet set = new PageSet();
        set.add(1, BASE + 4096L * 500, 600);
        set.add(1, BASE + 4096L * 1100, 1);
        PageRuns runs = set.toRuns();
        assertEquals(1, runs.size());
        assertEquals(601, runs.pages(0));
    }

    @Test
    void shouldSplitRunsByMembershipAndLeaveWhatHasNoBytesOut() {
        PageSet set = new PageSet();
        set.add(1, BASE + 4096L * 10, 5);
        PageRuns from = run(1, 8, 10);
        from.add(1, BASE + 4096L * 12, 1, PageSource.ZERO);
        PageRuns in = new PageRuns();
        PageRuns out = new PageRuns();

        set.split(from, in, out);

        assertEquals(5, in.totalPages());
        assertEquals(6, out.totalPages());
        assertEquals(PageSource.ZERO, out.source(2));
    }

    private static PageRuns run(int space, int page, int pages) {
        PageRuns run = new PageRuns();
        run.add(space, BASE + 4096L * page, pages, PageSource.BYTES);
        return run;
    }

    private static long key(long space, long page) {
        return space << 32 | page;
    }

    private static TreeSet<Long> keys(PageRuns runs) {
        TreeSet<Long> keys = new TreeSet<>();
        for (int i = 0; i < runs.size(); i++) {
            for (int p = 0; p < runs.pages(i); p++) {
                keys.add(key(runs.space(i), (runs.address(i) - BASE) / 4096 + p));
            }
        }
        return keys;
    }
}
