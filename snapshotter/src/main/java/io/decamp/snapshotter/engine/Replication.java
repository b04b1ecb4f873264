package io.decamp.snapshotter.engine;

import com.google.protobuf.ByteString;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Policy;
import io.decamp.contracts.v1.SnapshotReady;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jboss.logging.Logger;

/**
 * The replica of one workload on one standby, and the epochs that keep it up to date. Knows when a replica can be
 * continued and when it must start anew. Used by the workload's loop only.
 */
final class Replication implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(Replication.class);

    private final SnapshotterPorts ports;
    private final WorkloadId workload;
    private Policy policy;
    private final ReplicaProgress progress;
    private final EpochShipper shipper;
    private final EvictionEstimate estimate;
    private PageTransport.Session session;
    private NodeId destination;
    private long lastScanNanos;
    private boolean scannedBefore;
    private long bytesShipped;
    private MemorySource.Scan finalScan;

    Replication(SnapshotterPorts ports, WorkloadId workload, Policy policy) {
        this.ports = ports;
        this.workload = workload;
        this.policy = policy;
        this.progress = ReplicaProgress.load(progressFile(ports, workload));
        this.estimate = new EvictionEstimate(workload);
        this.shipper = new EpochShipper(workload, ports.memory(), PropagationOrder.byAddress());
    }

    /** The cap on the link is part of the connection. */
    void adopt(Policy newPolicy) {
        if (newPolicy.getBandwidthBytesPerSecond() != policy.getBandwidthBytesPerSecond()) {
            disconnect();
        }
        policy = newPolicy;
    }

    boolean connectedTo(NodeId node) {
        return session != null && node.equals(destination);
    }

    NodeId destination() {
        return destination;
    }

    long generation() {
        return progress.generation();
    }

    long sealedEpoch() {
        return progress.sealedEpoch();
    }

    /** All that went over the wire for this replica. */
    long bytesShipped() {
        return bytesShipped;
    }

    /**
     * Tracks the workload and connects to its standby. A replica is continued when the standby still has all that was
     * reported sealed; else a new generation ships everything once more.
     */
    void connect(NodeId to) {
        disconnect();
        NodeAnnounced peer = ports.nodes()
                .find(to)
                .orElseThrow(() -> DecampException.retry(
                        "destination-unknown",
                        "Node " + to + " has not announced itself",
                        "Start Decamp on it, or name another node",
                        null));
        if (progress.generation() == 0 || !progress.destination().equals(to.value())) {
            progress.startGeneration(to.value(), ports.clock().millis());
        }
        PageTransport.Session opened = open(to, peer);
        if (opened.lastSealedEpoch() == progress.sealedEpoch() + 1) {
            // sealed there, and this service died before it noted so: its pages count as in flight and go once more
            progress.sealed(opened.lastSealedEpoch());
        }
        if (opened.lastSealedEpoch() != progress.sealedEpoch()) {
            opened.close();
            progress.startGeneration(to.value(), ports.clock().millis());
            opened = open(to, peer);
        }
        try {
            ports.memory().track(workload, progress.generation());
            // a disconnect may have failed to say so
            ports.memory().broken(workload);
        } catch (RuntimeException e) {
            opened.close();
            throw e;
        }
        session = opened;
        destination = to;
        scannedBefore = false;
    }

    private PageTransport.Session open(NodeId to, NodeAnnounced peer) {
        var target = new PageTransport.Target(
                ports.settings().node(), to, peer.getDataAddress(), policy.getBandwidthBytesPerSecond());
        return ports.transport().open(workload, progress.generation(), target);
    }

    /** One round with the workload running: scan, ship, seal, settle the debt. */
    EpochStats epoch() {
        return epoch(MemorySource.Tasks.RUNNING);
    }

    /**
     * One round with all tasks stopped, while their state is still being captured. What the capture itself writes into
     * them afterwards is left for the final delta.
     */
    EpochStats stoppedEpoch() {
        return epoch(MemorySource.Tasks.STOPPED);
    }

    private EpochStats epoch(MemorySource.Tasks tasks) {
        long epoch = progress.sealedEpoch() + 1;
        long now = System.nanoTime();
        long elapsedMicros = scannedBefore ? (now - lastScanNanos) / 1000 : 0;
        EpochShipper.Shipped shipped = shipper.ship(session, epoch, tasks);
        PageTransport.Seal seal = session.seal(epoch, false, shipped.scan().spaces());
        lastScanNanos = now;
        scannedBefore = true;
        ports.memory().sealed(workload, epoch);
        progress.sealed(epoch);
        bytesShipped += seal.wireBytes();
        long shipMicros = (System.nanoTime() - now) / 1000;
        var stats = new EpochStats(
                epoch,
                elapsedMicros,
                shipped.scan().written().totalPages(),
                shipped.payloadPages(),
                EpochShipper.pagesWithoutBytes(shipped.scan().written()),
                seal.wireBytes(),
                shipped.scan().trackedBytes(),
                shipped.scan().scanMicros(),
                shipMicros);
        ports.events().snapshotReady(snapshotReady(epoch, seal).build());
        return stats;
    }

    void report(EpochStats stats, long intervalMicros) {
        ports.events()
                .pagesDirty(PagesDirty.newBuilder()
                        .setWorkload(workload.value())
                        .setNode(ports.settings().node().value())
                        .setStandby(destination.value())
                        .setGeneration(progress.generation())
                        .setEpoch(stats.epoch())
                        .setPagesWritten(stats.pagesWritten())
                        .setPagesShipped(stats.pagesShipped())
                        .setPagesZero(stats.pagesZero())
                        .setBytesShipped(stats.wireBytes())
                        .setTrackedBytes(stats.trackedBytes())
                        .setIntervalMicros(intervalMicros)
                        .setScanMicros(stats.scanMicros())
                        .setShipMicros(stats.shipMicros())
                        .setPredictedEvictionMicros(estimate.predictMicros(stats, intervalMicros))
                        .setPagesPerSecond(stats.pagesPerSecond())
                        .build());
    }

    /** Ships what is left, when nobody can write any more. Seals nothing yet. */
    void shipFinalDelta() {
        finalScan = shipper.ship(session, progress.sealedEpoch() + 1, MemorySource.Tasks.HELD)
                .scan();
    }

    void shipPart(String name, Path file) {
        session.sendPart(progress.sealedEpoch() + 1, name, file);
    }

    /** Seals the final epoch: from here on the destination holds all of the workload. */
    SnapshotReady.Builder sealFinal() {
        long epoch = progress.sealedEpoch() + 1;
        PageTransport.Seal seal = session.seal(epoch, true, finalScan.spaces());
        ports.memory().sealed(workload, epoch);
        progress.sealed(epoch);
        bytesShipped += seal.wireBytes();
        return snapshotReady(epoch, seal).setFinal(true).addAllParts(seal.parts());
    }

    private SnapshotReady.Builder snapshotReady(long epoch, PageTransport.Seal seal) {
        return SnapshotReady.newBuilder()
                .setWorkload(workload.value())
                .setNode(ports.settings().node().value())
                .setDestination(destination.value())
                .setGeneration(progress.generation())
                .setEpoch(epoch)
                .setDigest(ByteString.copyFrom(seal.digest()));
    }

    /** What is in flight may be lost: the next epoch sends it again. */
    void disconnect() {
        if (session != null) {
            session.close();
            session = null;
            try {
                ports.memory().broken(workload);
            } catch (DecampException e) {
                LOG.debugf("%s: what is in flight is put back at the next connection: %s", workload, e.getMessage());
            }
        }
    }

    /** Whether an earlier incarnation of this service has shipped the workload and not forgotten it. */
    static boolean isLeft(SnapshotterPorts ports, WorkloadId workload) {
        return Files.exists(progressFile(ports, workload));
    }

    private static Path progressFile(SnapshotterPorts ports, WorkloadId workload) {
        return ports.settings().memoryDirectory().resolve("snapshotter").resolve(workload.fileName() + ".properties");
    }

    /** The workload is not this node's any more, or need not be protected: nothing of it stays here. */
    void forget() {
        close();
        ports.memory().untrack(workload);
        progress.delete();
    }

    @Override
    public void close() {
        if (session != null) {
            session.close();
            session = null;
        }
        shipper.close();
    }
}
