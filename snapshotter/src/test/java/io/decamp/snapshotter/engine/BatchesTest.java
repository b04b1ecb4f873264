package io.decamp.snapshotter.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.MemorySource;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BatchesTest {
    @Test
    void shouldGiveNothingForNoRuns() {
        assertNull(new Batches(new PageRuns()).next(Batches.MAX_PAGES));
    }

    @Test
    void shouldSplitARunThatIsLargerThanOneRead() {
        PageRuns runs = new PageRuns();
        runs.add(1, 0x10000, 5000, PageSource.BYTES);

        Batches batches = new Batches(runs);

        PageRuns first = batches.next(Batches.MAX_PAGES);
        PageRuns second = batches.next(Batches.MAX_PAGES);
        PageRuns third = batches.next(Batches.MAX_PAGES);
        assertEquals(2048, first.pages(0));
        assertEquals(0x10000 + 2048L * 4096, second.address(0));
        assertEquals(5000 - 2 * 2048, third.pages(0));
        assertNull(batches.next(Batches.MAX_PAGES));
    }

    @Test
    void shouldNotCountRunsWithoutBytesAgainstTheLimit() {
        PageRuns runs = new PageRuns();
        runs.add(1, 0x1000, 1 << 20, PageSource.ZERO);
        runs.add(1, 0x7f0000000000L, 1, PageSource.BYTES);

        PageRuns batch = new Batches(runs).next(Batches.MAX_PAGES);

        assertEquals(2, batch.size());
        assertEquals(1 << 20, batch.pages(0));
    }

    @Test
    void shouldCoverEveryPageExactlyOnceInOrderForRandomRuns() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        PageRuns runs = new PageRuns();
        long address = 0x1000;
        for (int i = 0; i < 20_000; i++) {
            int pages = random.nextInt(10) == 0 ? 1 + random.nextInt(9000) : 1 + random.nextInt(4);
            PageSource source = PageSource.ofCode(1 + random.nextInt(3));
            runs.add(1 + random.nextInt(3), address, pages, source, source == PageSource.SAME_AS ? 9 : 0);
            address += (pages + 1) * 4096L;
        }

        Batches batches = new Batches(runs);
        int run = 0;
        int done = 0;
        for (PageRuns b = batches.next(Batches.MAX_PAGES); b != null; b = batches.next(Batches.MAX_PAGES)) {
            assertTrue(b.payloadBytes() <= MemorySource.MAX_READ_BYTES && b.size() <= Batches.MAX_RUNS);
            for (int i = 0; i < b.size(); i++) {
                assertEquals(runs.space(run), b.space(i));
                assertEquals(runs.address(run) + done * 4096L, b.address(i));
                assertEquals(runs.source(run), b.source(i));
                assertEquals(runs.sameAs(run), b.sameAs(i));
                done += b.pages(i);
                if (done == runs.pages(run)) {
                    run++;
                    done = 0;
                }
            }
        }
        assertEquals(runs.size(), run);
    }
}
