package io.decamp.transfer.engine.replica;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.v1.WireSavings;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What is left off the wire is there at the destination all the same: random writers against arrays, over a slow link. */
class EncodedStreamTest {
    private static final int PAGES = 400;
    private static final long BASE = 0x7f0000000000L;
    private static final int EPOCHS = 25;

    /** A cap under which every codec pays. */
    private static final long SLOW = 40_000_000;

    private final long seed = Long.getLong("decamp.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final Map<Long, byte[]> source = new TreeMap<>();
    private final Map<Long, TreeSet<Integer>> owed = new TreeMap<>();
    private boolean sealedOnce;
    private WireSavings savings = WireSavings.getDefaultInstance();

    @Test
    void shouldHoldWhatTheSourceHoldsAtEachSealWhateverWasLeftOut() throws IOException {
        System.out.println("seed " + seed);
        addSpace(1);
        try (TransferFixture nodes = new TransferFixture()) {
            PageTransport.Session session = open(nodes);
            for (long epoch = 1; epoch <= EPOCHS; epoch++) {
                String when = "seed " + seed + ", epoch " + epoch;
                session.begin(epoch);
                Map<Long, TreeSet<Integer>> sent = new TreeMap<>();
                for (int round = random.nextInt(3); round >= 0; round--) {
                    write(round);
                    session.send(epoch, takeOwed(nodes, sent));
                }
                if (random.nextInt(4) == 0) {
                    session.close();
                    putBack(sent);
                    session = open(nodes);
                } else {
                    count(session.seal(epoch, false, alive()).savings());
                    compare(nodes, when);
                    sealedOnce = true;
                    endOne();
                }
                if (random.nextInt(8) == 0) {
                    nodes.stop();
                    nodes.start(nodes.memory, TransferFixture.ROOMY);
                    session = open(nodes);
                }
            }
            session.close();
        }
        assertTrue(savings.getPagesUnchanged() > 0 && savings.getPagesDelta() > 0, "seed " + seed + ": " + savings);
        assertTrue(savings.getPagesCompressed() > 0, "seed " + seed + ": " + savings);
    }

    @Test
    void shouldComeToTheSourcesStateWhereverTheConnectionBreaks() throws IOException {
        System.out.println("seed " + seed);
        for (int schedule = 0; schedule < 20; schedule++) {
            FaultyProxy.Fault fault = schedule % 3 == 0 ? FaultyProxy.Fault.FLIP_BIT : FaultyProxy.Fault.CUT;
            long mark = 3000 + schedule * 60_000L + random.nextInt(60_000);
            source.clear();
            owed.clear();
            sealedOnce = false;
            addSpace(1);
            try (TransferFixture nodes = new TransferFixture();
                    FaultyProxy proxy = new FaultyProxy(nodes.receiver.address(), fault, mark, false)) {
                shipFive(nodes, proxy, fault + " at " + mark + ", seed " + seed);
            }
        }
    }

    private void shipFive(TransferFixture nodes, FaultyProxy proxy, String when) throws IOException {
        int failures = 0;
        PageTransport.Session session = nodes.open(1, proxy.port(), SLOW);
        while (session.lastSealedEpoch() < 5) {
            Map<Long, TreeSet<Integer>> sent = new TreeMap<>();
            long epoch = session.lastSealedEpoch() + 1;
            try {
                session.begin(epoch);
                write(1);
                session.send(epoch, takeOwed(nodes, sent));
                session.seal(epoch, false, alive());
                compare(nodes, when + ", epoch " + epoch);
                sealedOnce = true;
            } catch (DecampException e) {
                assertTrue(++failures <= 1, () -> when + ": fails again: " + e);
                putBack(sent);
                session = nodes.open(1, proxy.port(), SLOW);
                assertEquals(epoch - 1, session.lastSealedEpoch(), when);
            }
        }
        session.close();
    }

    private static PageTransport.Session open(TransferFixture nodes) {
        return nodes.open(1, nodes.receiver.address().getPort(), SLOW);
    }

    private void addSpace(long id) {
        byte[] memory = new byte[PAGES * 4096];
        for (int page = 0; page < PAGES; page++) {
            fill(memory, page);
        }
        source.put(id, memory);
        owed.put(id, new TreeSet<>());
        for (int page = 0; page < PAGES; page++) {
            owed.get(id).add(page);
        }
    }

    private void fill(byte[] memory, int page) {
        byte[] content = new byte[4096];
        switch (random.nextInt(3)) {
            case 0 -> random.nextBytes(content);
            case 1 -> Arrays.fill(content, (byte) random.nextInt());
            default -> {
                for (int i = 0; i < 4096; i++) {
                    content[i] = (byte) (i / 16 * random.nextInt(4));
                }
            }
        }
        System.arraycopy(content, 0, memory, page * 4096, 4096);
    }

    private void write(int round) {
        if (round == 2 && source.size() < 4) {
            addSpace(source.keySet().stream().mapToLong(id -> id).max().orElseThrow() + random.nextInt(3) + 1);
        }
        for (Map.Entry<Long, byte[]> space : source.entrySet()) {
            for (int i = random.nextInt(60); i > 0; i--) {
                int first = random.nextInt(random.nextInt(2) == 0 ? PAGES / 8 : PAGES);
                int count = Math.min(PAGES - first, 1 + random.nextInt(5));
                for (int page = first; page < first + count; page++) {
                    owed.get(space.getKey()).add(page);
                    change(space.getValue(), page);
                }
            }
        }
    }

    private void change(byte[] memory, int page) {
        switch (random.nextInt(6)) {
            case 0 -> fill(memory, page);
            case 1 -> Arrays.fill(memory, page * 4096, (page + 1) * 4096, (byte) 0);
            case 2 -> {
                // written, and the same as before
            }
            default -> memory[page * 4096 + random.nextInt(4096)]++;
        }
    }

    private FakeSegment takeOwed(TransferFixture nodes, Map<Long, TreeSet<Integer>> sent) {
        PageRuns runs = new PageRuns();
        ByteArrayOutputStream payload = new ByteArrayOutputStream();
        boolean hold = sealedOnce && random.nextInt(2) == 0;
        owed.forEach((id, pages) -> {
            TreeSet<Integer> held = new TreeSet<>(pages);
            held.removeIf(page -> !hold || random.nextInt(4) > 0);
            pages.removeAll(held);
            sent.computeIfAbsent(id, any -> new TreeSet<>()).addAll(pages);
            while (!pages.isEmpty()) {
                addRun(runs, payload, id, pages);
            }
            pages.addAll(held);
        });
        return FakeSegment.of(nodes.segmentFile, runs, payload.toByteArray());
    }

    private void addRun(PageRuns runs, ByteArrayOutputStream payload, long id, TreeSet<Integer> pages) {
        int first = pages.pollFirst();
        boolean zero = isZero(id, first);
        int count = 1;
        while (pages.contains(first + count) && isZero(id, first + count) == zero) {
            pages.remove(first + count);
            count++;
        }
        long other = source.keySet().stream()
                .filter(o -> o < id && !owed.get(o).contains(first) && alike(o, id, first))
               .findFirst().orElse(0L);
        if (zero) {
            runs.add(id, BASE + first * 4096L, count, PageSource.ZERO);
        } else if (other != 0 && count == 1) {
            runs.add(id, BASE + first * 4096L, 1, PageSource.SAME_AS, other);
        } else {
            runs.add(id, BASE + first * 4096L, count, PageSource.BYTES);
            payload.write(source.get(id), first * 4096, count * 4096);
        }
    }

    private boolean alike(long one, long other, int page) {
        return Arrays.equals(
                source.get(one), page * 4096, (page + 1) * 4096, source.get(other), page * 4096, (page + 1) * 4096);
    }

    private boolean isZero(long id, int page) {
        byte[] memory = source.get(id);
        for (int i = page * 4096; i < (page + 1) * 4096; i++) {
            if (memory[i] != 0) {
                return false;
            }
        }
        return true;
    }

    private void putBack(Map<Long, TreeSet<Integer>> sent) {
        sent.forEach((id, pages) -> owed.get(id).addAll(pages));
    }

    private void endOne() {
        if (source.size() > 2 && random.nextInt(4) == 0) {
            long id = source.keySet().stream().skip(1).findFirst().orElseThrow();
            source.remove(id);
            owed.remove(id);
        }
    }

    private List<AddressSpace> alive() {
        return source.keySet().stream().map(id -> new AddressSpace(id, id.intValue())).toList();
    }

    private void count(WireSavings more) {
        savings = savings.toBuilder()
                .setPagesUnchanged(savings.getPagesUnchanged() + more.getPagesUnchanged())
                .setPagesDelta(savings.getPagesDelta() + more.getPagesDelta())
                .setPagesCompressed(savings.getPagesCompressed() + more.getPagesCompressed())
                .build();
    }

    private void compare(TransferFixture nodes, String when) throws IOException {
        for (Map.Entry<Long, byte[]> space : source.entrySet()) {
            for (int page = 0; page < PAGES; page++) {
                if (owed.get(space.getKey()).contains(page)) {
                    continue;
                }
                byte[] expected = Arrays.copyOfRange(space.getValue(), page * 4096, (page + 1) * 4096);
                assertArrayEquals(
                        expected,
                        nodes.page(1, space.getKey(), BASE + page * 4096L),
                        when + ", space " + space.getKey() + ", page " + page);
            }
        }
    }
}
