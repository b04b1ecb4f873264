package io.decamp.transfer.engine.replica;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.v1.WireSavings;
import java.io.IOException;
import java.util.Locale;
import java.util.Random;

/** What rewriting 2000 scattered pages an epoch takes on the wire, by kind of writer and by cap. Not a test. */
public final class WireSavingsBenchmark {
    private static final long BASE = 0x7f0000000000L;
    private static final int PAGES = 2000;
    private static final int EPOCHS = 12;
    private static final int WARM = 4;
    private static final long[] CAPS = {12_500_000, 125_000_000, 0};

    private WireSavingsBenchmark() {}

    interface Writer {
        void write(Random random, byte[] memory, int page, int epoch);
    }

    public static void main(String[] args) throws IOException {
        for (long cap : CAPS) {
            System.out.printf(Locale.ROOT, "%n%s%n", cap == 0 ? "loopback, no cap" : cap * 8 / 1_000_000 + " Mbit/s");
            run(cap, "the same again", (random, memory, page, epoch) -> {});
            run(cap, "16 bytes of random", (random, memory, page, epoch) -> {
                for (int i = 0; i < 16; i++) {
                    memory[page * 4096 + random.nextInt(4096)] = (byte) random.nextInt();
                }
            });
            run(cap, "new records", (random, memory, page, epoch) -> {
                for (int i = 0; i < 4096; i++) {
                    memory[page * 4096 + i] = (byte) (i % 64 < 12 ? random.nextInt() : page + i % 64);
                }
            });
            run(cap, "new random", (random, memory, page, epoch) -> {
                for (int i = 0; i < 4096; i++) {
                    memory[page * 4096 + i] = (byte) random.nextInt();
                }
            });
        }
    }

    private static void run(long cap, String name, Writer writer) throws IOException {
        Random random = new Random(1);
        byte[] memory = new byte[PAGES * 4096];
        random.nextBytes(memory);
        PageRuns runs = new PageRuns();
        for (int page = 0; page < PAGES; page++) {
            runs.add(1, BASE + page * 3L * 4096, 1, PageSource.BYTES);
        }
        try (TransferFixture nodes = new TransferFixture()) {
            PageTransport.Session session = nodes.open(1, nodes.receiver.address().getPort(), cap);
            long wire = 0;
            long nanos = 0;
            WireSavings.Builder saved = WireSavings.newBuilder();
            for (int epoch = 1; epoch <= EPOCHS; epoch++) {
                for (int page = 0; page < PAGES; page++) {
                    writer.write(random, memory, page, epoch);
                }
                FakeSegment segment = FakeSegment.of(nodes.segmentFile, runs, memory);
                long start = System.nanoTime();
                session.begin(epoch);
                session.send(epoch, segment);
                PageTransport.Seal seal = session.seal(epoch, false, TransferFixture.ONE_SPACE);
                if (epoch > WARM) {
                    nanos += System.nanoTime() - start;
                    wire += seal.wireBytes();
                    saved.setPagesUnchanged(saved.getPagesUnchanged() + seal.savings().getPagesUnchanged())
                            .setPagesDelta(saved.getPagesDelta() + seal.savings().getPagesDelta())
                            .setPagesCompressed(saved.getPagesCompressed() + seal.savings().getPagesCompressed())
                            .setEncodeMicros(saved.getEncodeMicros() + seal.savings().getEncodeMicros());
                }
            }
            session.close();
            int measured = (EPOCHS - WARM) * PAGES;
            System.out.printf(
                    Locale.ROOT,
                    "%-20s %6.0f bytes/page  %7.1f ms/epoch  encoding %5.0f ns/page  unchanged %3d %%, delta %3d %%, compressed %3d %%%n",
                    name,
                    (double) wire / measured,
                    nanos / 1e6 / (EPOCHS - WARM),
                    saved.getEncodeMicros() * 1e3 / measured,
                    100 * saved.getPagesUnchanged() / measured,
                    100 * saved.getPagesDelta() / measured,
                    100 * saved.getPagesCompressed() / measured);
        }
    }
}
