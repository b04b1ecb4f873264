package io.decamp.transfer.engine.replica;

import com.sun.management.OperatingSystemMXBean;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.PageTransport;
import io.decamp.linux.file.SparseFile;
import io.decamp.transfer.engine.send.TlsPageTransport;
import io.decamp.transfer.engine.send.TransportLimits;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Random;

/**
 * Speed of the page stream over loopback, both ends in this process: with TLS and without, into fresh pages and into
 * ones
 * that were got ready, and a staged delta of scattered pages from its first byte to its acknowledgement. Not a test.
 */
public final class TransferBenchmark {
    private static final long BYTES = 1L << 30;
    private static final int SEGMENT_BYTES = 8 << 20;
    private static final int DELTA_PAGES = 2048;
    private static final long BASE = 0x7f0000000000L;

    private TransferBenchmark() {}

    public static void main(String[] args) throws Exception {
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 3;
        try (TransferFixture nodes = new TransferFixture(new ReplicaLimits(4L << 30, 4L << 30))) {
            PageReceiver plain = PageReceiver.startPlainForBenchmarks(
                    TransferFixture.BETA,
                    nodes.store,
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                    ReceiverLimits.DEFAULT);
            long generation = 1;
            for (int round = 0; round < rounds; round++) {
                for (boolean tls : new boolean[] {false, true}) {
                    for (boolean prepared : new boolean[] {false, true}) {
                        PageTransport transport = tls
                                ? new TlsPageTransport(TransferFixture.alphaTls(), TransportLimits.DEFAULT)
                                : TlsPageTransport.plainForBenchmarks(TransportLimits.DEFAULT);
                        PageReceiver receiver = tls ? nodes.receiver : plain;
                        String address = "127.0.0.1:" + receiver.address().getPort();
                        try (PageTransport.Session session = transport.open(
                                TransferFixture.WORKLOAD,
                                generation,
                                new PageTransport.Target(TransferFixture.ALPHA, TransferFixture.BETA, address, 0))) {
                            run(nodes, session, generation, (tls ? "tls" : "plain") + (prepared ? ", prepared" : ", fresh"),
                                    prepared);
                        }
                        nodes.store.drop(TransferFixture.WORKLOAD, generation++);
                    }
                }
            }
            plain.close();
        }
    }

    private static void run(
            TransferFixture nodes, PageTransport.Session session, long generation, String what, boolean prepared)
            throws Exception {
        byte[] payload = new byte[SEGMENT_BYTES];
        new Random(1).nextBytes(payload);
        session.begin(1);
        if (prepared) {
            PageRuns all = new PageRuns();
            all.add(1, BASE, (int) (BYTES / PageRuns.PAGE_BYTES), PageSource.BYTES);
            session.prepare(1, all);
            awaitReserved(nodes.replica(generation).resolve("space-1"));
        }
        PageRuns first = new PageRuns();
        FakeSegment segment = FakeSegment.of(nodes.segmentFile, first, payload);
        long cpuStart = cpuNanos();
        long start = System.nanoTime();
        for (long at = 0; at < BYTES; at += SEGMENT_BYTES) {
            first.clear();
            first.add(1, BASE + at, SEGMENT_BYTES / PageRuns.PAGE_BYTES, PageSource.BYTES);
            session.send(1, segment);
        }
        session.seal(1, false, TransferFixture.ONE_SPACE);
        long bulk = System.nanoTime() - start;
        long cpu = cpuNanos() - cpuStart;

        PageRuns scattered = new PageRuns();
        for (int i = 0; i < DELTA_PAGES; i++) {
            scattered.add(1, BASE + i * (BYTES / DELTA_PAGES), 1, PageSource.BYTES);
        }
        start = System.nanoTime();
        session.begin(2);
        session.send(2, new FakeSegment(nodes.segmentFile, segment.offset(), SEGMENT_BYTES, scattered));
        long sent = System.nanoTime();
        session.seal(2, true, TransferFixture.ONE_SPACE);
        long end = System.nanoTime();
        System.out.printf(
                Locale.ROOT,
                "%-16s 1 GiB %.2f GB/s, %.0f ms of CPU on both ends; delta of %d scattered pages %.1f ms sent + %.1f ms sealed and applied%n",
                what,
                (double) BYTES / bulk,
                cpu / 1e6,
                DELTA_PAGES,
                (sent - start) / 1e6,
                (end - sent) / 1e6);
    }

    private static long cpuNanos() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private static void awaitReserved(Path file) throws Exception {
        while (!java.nio.file.Files.exists(file)) {
            Thread.sleep(1);
        }
        try (SparseFile space = SparseFile.open(file, 0)) {
            while (space.allocatedBytes() < BYTES) {
                Thread.sleep(1);
            }
        }
    }
}
