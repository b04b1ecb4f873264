package io.decamp.transfer.engine.replica;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.PageTransport;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Random epochs of random runs, some broken off, against arrays. */
class ReplicaModelTest {
    private static final int PAGES = 300;
    private static final long BASE = 0x7f0000000000L;
    private static final int EPOCHS = 25;
    private static final int MAX_RUNS = 60;

    private final long seed = Long.getLong("decamp.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private long nextSpace = 1;

    @Test
    void shouldHoldWhatAModelHoldsAfterEverySealedEpoch() throws IOException {
        System.out.println("seed " + seed);
        Map<Long, byte[]> model = new TreeMap<>();
        model.put(nextSpace++, new byte[PAGES * 4096]);
        try (TransferFixture nodes = new TransferFixture()) {
            PageTransport.Session session = nodes.open(1);
            for (long epoch = 1; epoch <= EPOCHS; epoch++) {
                Map<Long, byte[]> after = copy(model);
                session.begin(epoch);
                for (int segments = random.nextInt(4); segments >= 0; segments--) {
                    session.send(epoch, randomSegment(nodes, after));
                }
                if (random.nextInt(4) == 0) {
                    session.close();
                    session = nodes.open(1);
                } else {
                    List<AddressSpace> alive = endSome(after);
                    session.seal(epoch, random.nextInt(5) == 0, alive);
                    model = after;
                }
                if (random.nextInt(5) == 0) {
                    nodes.stop();
                    nodes.start(nodes.memory, TransferFixture.ROOMY);
                    session = nodes.open(1);
                }
                if (session.lastSealedEpoch() > 0) {
                    compare(nodes, model, "seed " + seed + ", epoch " + epoch);
                }
            }
            session.close();
        }
    }

    private FakeSegment randomSegment(TransferFixture nodes, Map<Long, byte[]> model) {
        if (random.nextInt(6) == 0) {
            model.put(nextSpace++, new byte[PAGES * 4096]);
        }
        PageRuns runs = new PageRuns();
        ByteArrayOutputStream payload = new ByteArrayOutputStream();
        List<Long> ids = new ArrayList<>(model.keySet());
        for (Long id : ids) {
            // a space is known from its first run on
            addZero(runs, model, id, 0, 1);
        }
        for (int i = random.nextInt(MAX_RUNS); i >= 0; i--) {
            long id = ids.get(random.nextInt(ids.size()));
            int first = random.nextInt(PAGES);
            int count = 1 + random.nextInt(random.nextInt(10) == 0 ? PAGES - first : Math.min(4, PAGES - first));
            switch (random.nextInt(4)) {
                case 0 -> addZero(runs, model, id, first, count);
                case 1 -> addSameAs(runs, model, id, ids.get(random.nextInt(ids.size())), first, count);
                default -> addBytes(runs, model, id, first, count, payload);
            }
        }
        return FakeSegment.of(nodes.segmentFile, runs, payload.toByteArray());
    }

    private static void addZero(PageRuns runs, Map<Long, byte[]> model, long id, int first, int count) {
        runs.add(id, BASE + first * 4096L, count, PageSource.ZERO);
        java.util.Arrays.fill(model.get(id), first * 4096, (first + count) * 4096, (byte) 0);
    }

    private static void addSameAs(PageRuns runs, Map<Long, byte[]> model, long id, long from, int first, int count) {
        if (id != from) {
            runs.add(id, BASE + first * 4096L, count, PageSource.SAME_AS, from);
            System.arraycopy(model.get(from), first * 4096, model.get(id), first * 4096, count * 4096);
        }
    }

    private void addBytes(
            PageRuns runs, Map<Long, byte[]> model, long id, int first, int count, ByteArrayOutputStream payload) {
        byte[] bytes = new byte[count * 4096];
        random.nextBytes(bytes);
        runs.add(id, BASE + first * 4096L, count, PageSource.BYTES);
        payload.writeBytes(bytes);
        System.arraycopy(bytes, 0, model.get(id), first * 4096, bytes.length);
    }

    private List<AddressSpace> endSome(Map<Long, byte[]> model) {
        if (model.size() > 1 && random.nextInt(4) == 0) {
            List<Long> ids = new ArrayList<>(model.keySet());
            model.remove(ids.get(random.nextInt(ids.size())));
        }
        return model.keySet().stream().map(id -> new AddressSpace(id, id.intValue())).toList();
    }

    private static Map<Long, byte[]> copy(Map<Long, byte[]> model) {
        Map<Long, byte[]> copy = new TreeMap<>();
        model.forEach((id, bytes) -> copy.put(id, bytes.clone()));
        return copy;
    }

    private static void compare(TransferFixture nodes, Map<Long, byte[]> model, String when) throws IOException {
        for (Map.Entry<Long, byte[]> space : model.entrySet()) {
            for (int page = 0; page < PAGES; page++) {
                byte[] expected = java.util.Arrays.copyOfRange(space.getValue(), page * 4096, (page + 1) * 4096);
                assertArrayEquals(
                        expected,
                        nodes.page(1, space.getKey(), BASE + page * 4096L),
                        when + ", space " + space.getKey() + ", page " + page);
            }
        }
        try (var files = java.nio.file.Files.list(nodes.replica(1))) {
            assertEquals(model.size(), files.filter(f -> f.getFileName().toString().startsWith("space-")).count(), when);
        }
    }
}
