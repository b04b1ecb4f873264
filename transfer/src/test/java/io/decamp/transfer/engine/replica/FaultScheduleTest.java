package io.decamp.transfer.engine.replica;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.PageTransport;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Whatever happens to the bytes between two nodes, the replica is that of a sealed epoch, and the sender gets there
 * again.
 */
class FaultScheduleTest {
    private static final int SCHEDULES = 8;
    private static final int PAGES = 120;
    private static final long BASE = 0x40000;

    private final long seed = Long.getLong("decamp.seed", System.nanoTime());
    private final Random random = new Random(seed);

    @ParameterizedTest
    @EnumSource
    void shouldEndWithASealedEpochWhateverHappensToTheBytes(FaultyProxy.Fault fault) throws IOException {
        System.out.println(fault + ", seed " + seed);
        for (int schedule = 0; schedule < SCHEDULES; schedule++) {
            boolean backwards = random.nextInt(4) == 0;
            long mark = backwards ? random.nextInt(3000) : random.nextInt(2 * PAGES * 4096);
            String when = fault + " at " + mark + (backwards ? " backwards" : "") + ", seed " + seed;
            try (TransferFixture nodes = new TransferFixture();
                    FaultyProxy proxy = new FaultyProxy(nodes.receiver.address(), fault, mark, backwards)) {
                ship(nodes, proxy, when);
            }
        }
    }

    /** Two epochs over a proxy that harms the first connection; a failed call is answered by opening again. */
    private void ship(TransferFixture nodes, FaultyProxy proxy, String when) throws IOException {
        int failures = 0;
        while (true) {
            try (PageTransport.Session session = nodes.open(1, proxy.port())) {
                long sealed = session.lastSealedEpoch();
                if (sealed > 0) {
                    check(nodes, (int) sealed, when);
                }
                if (sealed == 2) {
                    return;
                }
                long epoch = sealed + 1;
                session.begin(epoch);
                session.send(epoch, segment(nodes, (int) epoch));
                session.seal(epoch, epoch == 2, List.of(new AddressSpace(1, 1)));
            } catch (DecampException e) {
                assertTrue(e.category() == DecampException.Category.RETRY || e.code().equals("peer-not-trusted"), when + ": " + e);
                assertTrue(++failures <= 2, () -> when + ": fails again and again: " + e);
            }
        }
    }

    private static FakeSegment segment(TransferFixture nodes, int epoch) {
        PageRuns runs = new PageRuns();
        byte[] payload = new byte[PAGES * 4096];
        for (int i = 0; i < PAGES; i++) {
            runs.add(1, address(i), 1, PageSource.BYTES);
            Arrays.fill(payload, i * 4096, (i + 1) * 4096, (byte) (i * 7 + epoch));
        }
        return FakeSegment.of(nodes.segmentFile, runs, payload);
    }

    private static long address(int i) {
        return BASE + i * 8192L;
    }

    private static void check(TransferFixture nodes, int epoch, String when) throws IOException {
        for (int i = 0; i < PAGES; i++) {
            byte[] expected = new byte[4096];
            Arrays.fill(expected, (byte) (i * 7 + epoch));
            assertArrayEquals(expected, nodes.page(1, 1, address(i)), when + ", page " + i);
        }
        assertEquals(epoch == 2, nodes.store.sealed(TransferFixture.WORKLOAD, 1).isPresent(), when);
    }
}
