package io.decamp.cli.bench;

import com.sun.management.OperatingSystemMXBean;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.port.Segment;
import io.decamp.linux.file.SparseFile;
import io.decamp.testkit.Await;
import io.decamp.testkit.Scratch;
import io.decamp.testkit.Trees;
import io.decamp.transfer.engine.replica.PageReceiver;
import io.decamp.transfer.engine.replica.ReceiverLimits;
import io.decamp.transfer.engine.replica.ReplicaLimits;
import io.decamp.transfer.engine.replica.ReplicaStore;
import io.decamp.transfer.engine.send.TlsPageTransport;
import io.decamp.transfer.engine.send.TransportLimits;
import io.decamp.transfer.engine.tls.LoneMachineAuthority;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import javax.net.ssl.SSLContext;

/**
 * The page stream alone, over loopback, both ends in this process: a first full copy, then a scattered delta from its first
 * byte to its acknowledgement. Random bytes, which no layer can make smaller.
 */
final class TransferBench implements AutoCloseable {
    private static final NodeId ALPHA = new NodeId("alpha");
    private static final NodeId BETA = new NodeId("beta");
    private static final WorkloadId WORKLOAD = new WorkloadId("runc:bench");
    private static final List<AddressSpace> ONE_SPACE = List.of(new AddressSpace(1, 1));
    private static final long BASE = 0x7f0000000000L;
    private static final int SEGMENT_BYTES = 8 << 20;
    private static final int DELTA_PAGES = 2048;
    private static final Duration PREPARE_LIMIT = Duration.ofMinutes(1);

    private final long bytes;
    private final Path directory = Scratch.onTmpfs("decamp-bench-");
    private final SSLContext alphaTls;
    private final ReplicaStore store;
    private final PageReceiver secured;
    private final PageReceiver plain;
    private final Path payload = directory.resolve("segment");
    private long generation;

    TransferBench(long bytes) {
        this.bytes = bytes;
        LoneMachineAuthority authority = LoneMachineAuthority.open(directory.resolve("tls"));
        alphaTls = authority.contextOf(ALPHA);
        store = ReplicaStore.open(directory, new ReplicaLimits(2 * bytes, 2 * bytes));
        var any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        secured = PageReceiver.start(BETA, store, authority.contextOf(BETA), any, ReceiverLimits.DEFAULT);
        plain = PageReceiver.startPlainForBenchmarks(BETA, store, any, ReceiverLimits.DEFAULT);
        byte[] random = new byte[SEGMENT_BYTES];
        new Random(1).nextBytes(random);
        try {
            Files.write(payload, random);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * @param bytesPerSecond of the full copy, from its first byte to its acknowledgement
     * @param cpuMillis of both ends together, for the full copy
     * @param deltaMillis of the scattered pages, sent, sealed and applied
     */
    record Sample(boolean tls, boolean prepared, double bytesPerSecond, double cpuMillis, double deltaMillis) {}

    /** @param prepared the destination got its memory ready before the first byte */
    Sample run(boolean tls, boolean prepared) {
        PageTransport transport = tls
                ? new TlsPageTransport(alphaTls, TransportLimits.DEFAULT)
                : TlsPageTransport.plainForBenchmarks(TransportLimits.DEFAULT);
        int port = (tls ? secured : plain).address().getPort();
        generation++;
        try (PageTransport.Session session = transport.open(
                WORKLOAD, generation, new PageTransport.Target(ALPHA, BETA, "127.0.0.1:" + port, 0))) {
            session.begin(1);
            if (prepared) {
                session.prepare(1, runs(BASE, (int) (bytes / PageRuns.PAGE_BYTES)));
                awaitPrepared();
            }
            long cpu = cpuNanos();
            long start = System.nanoTime();
            for (long at = 0; at < bytes; at += SEGMENT_BYTES) {
                session.send(1, new FileSegment(payload, runs(BASE + at, SEGMENT_BYTES / PageRuns.PAGE_BYTES)));
            }
            session.seal(1, false, ONE_SPACE);
            double seconds = (System.nanoTime() - start) / 1e9;
            double cpuMillis = (cpuNanos() - cpu) / 1e6;
            return new Sample(tls, prepared, bytes / seconds, cpuMillis, delta(session));
        } finally {
            store.drop(WORKLOAD, generation);
        }
    }

    private double delta(PageTransport.Session session) {
        PageRuns scattered = new PageRuns();
        for (int i = 0; i < DELTA_PAGES; i++) {
            scattered.add(1, BASE + i * (bytes / DELTA_PAGES / PageRuns.PAGE_BYTES * PageRuns.PAGE_BYTES), 1, PageSource.BYTES);
        }
        long start = System.nanoTime();
        session.begin(2);
        session.send(2, new FileSegment(payload, scattered));
        session.seal(2, true, ONE_SPACE);
        return (System.nanoTime() - start) / 1e6;
    }

    private void awaitPrepared() {
        Path space = directory.resolve("replicas")
                .resolve(WORKLOAD.fileName())
                .resolve("g" + generation)
                .resolve("space-1");
        Await.until("memory for " + bytes + " bytes", PREPARE_LIMIT, () -> {
            if (!Files.exists(space)) {
                return false;
            }
            try (SparseFile file = SparseFile.open(space, 0)) {
                return file.allocatedBytes() >= bytes;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static PageRuns runs(long address, int pages) {
        PageRuns runs = new PageRuns();
        runs.add(1, address, pages, PageSource.BYTES);
        return runs;
    }

    private static long cpuNanos() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    @Override
    public void close() {
        secured.close();
        plain.close();
        store.close();
        Trees.delete(directory);
    }

    /** As much of the file as the runs say, from its start. */
    private record FileSegment(Path file, PageRuns runs) implements Segment {
        @Override
        public long offset() {
            return 0;
        }

        @Override
        public long length() {
            return runs.totalPages() * PageRuns.PAGE_BYTES;
        }

        @Override
        public void close() {}
    }
}
