package io.decamp.snapshotter.engine;

import com.google.protobuf.ByteString;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.EvictionTimes;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Policy;
import io.decamp.contracts.v1.SnapshotReady;
import io.decamp.snapshotter.engine.arbiter.Need;
import io.decamp.snapshotter.engine.arbiter.Share;
import io.decamp.snapshotter.engine.control.Decision;
import io.decamp.snapshotter.engine.model.Prediction;
import io.decamp.snapshotter.engine.propagation.LinkMeter;
import io.decamp.snapshotter.engine.propagation.PageSet;
import io.decamp.snapshotter.engine.propagation.Rounds;
import io.decamp.snapshotter.engine.propagation.StopRule;
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
    private final Steering steering;
    private final LinkMeter link = new LinkMeter();
    private final Share share;
    private final Rounds rounds;
    private PageTransport.Session session;
    private NodeId destination;
    private long bytesShipped;
    private double openAbove = Double.POSITIVE_INFINITY;
    private Prediction predicted;
    private MemorySource.Scan finalScan;
    /** Rounds whose epoch is not sealed yet; null: none. */
    private Rounds.Result open;
    /** Of an epoch that was sealed while the workload was frozen and had no time for reports. */
    private EpochStats unreported;

    Replication(SnapshotterPorts ports, WorkloadId workload, Policy policy, Steering.Shared shared) {
        this.ports = ports;
        this.workload = workload;
        this.policy = policy;
        this.progress = ReplicaProgress.load(progressFile(ports, workload));
        this.steering = new Steering(workload, policy, shared);
        this.share = ports.arbiter().share(workload);
        this.shipper = new EpochShipper(workload, ports.memory(), link, share);
        this.rounds = new Rounds(ports.propagation(), steering.model());
    }

    /** The cap on the link is part of the connection. */
    void adopt(Policy newPolicy) {
        if (newPolicy.getBandwidthBytesPerSecond() != policy.getBandwidthBytesPerSecond()) {
            disconnect();
        }
        policy = newPolicy;
        steering.adopt(newPolicy);
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

    /** The same, with what of the epoch under way has been handed to the link. */
    long bytesSent() {
        return bytesShipped + shipper.wireBytes();
    }

    EpochShipper shipper() {
        return shipper;
    }

    /** Objective for an eviction; 0: none. */
    long evictWithinMicros() {
        return policy.getEvictWithinMicros();
    }

    /** What the link to the standby gives, in bytes a second; 0 when nobody can tell yet. */
    long linkBytesPerSecond() {
        return link.bytesPerSecond();
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
        link.connected(to.equals(destination), policy.getBandwidthBytesPerSecond());
        session = opened;
        destination = to;
        share.shipsTo(to);
        rounds.interrupted();
    }

    private PageTransport.Session open(NodeId to, NodeAnnounced peer) {
        var target = new PageTransport.Target(
                ports.settings().node(), to, peer.getDataAddress(), policy.getBandwidthBytesPerSecond());
        return ports.transport().open(workload, progress.generation(), target);
    }

    /**
     * One round with the workload running: scan, ship, seal, settle the debt. Pages that the last decision found too
     * hot are neither protected nor shipped: they wait for a move.
     */
    EpochStats epoch() {
        Decision decision = steering.decision();
        boolean holds = rounds.holdsHotRuns() && decision != null;
        openAbove = holds ? decision.openAbove() : Double.POSITIVE_INFINITY;
        PageRuns hot = holds ? steering.model().hotterThan(openAbove, decision.probePages()) : new PageRuns();
        long predictedMicros = decision == null ? 0 : decision.prediction().totalMicros();
        share.needs(Need.ofEpoch(predictedMicros, policy.getEvictWithinMicros()));
        begin();
        return seal(rounds.steady(shipper, hot));
    }

    /** Decides from what was learned up to the last epoch, and says so. */
    Decision decide(EpochStats stats) {
        Decision decision = steering.decide(link.bytesPerSecond());
        report(stats, decision.intervalMicros());
        return decision;
    }

    /**
     * Rounds of a move with the workload running, in as many epochs as need be, until its rule ends them. The last epoch
     * stays open for the stopped round: while it was sealed, the workload would write on.
     */
    StopRule.Reason converge(Rounds.Move move) {
        share.needs(Need.EVICTING);
        while (true) {
            begin();
            Rounds.Result result = rounds.converge(shipper, move);
            if (result.stop() != null) {
                open = result;
                return result.stop();
            }
            report(seal(result), 0);
        }
    }

    /**
     * One round with all tasks stopped, while their state is still being captured: ends the epoch that the rounds left
     * open. What the capture itself writes into the tasks afterwards is left for the final delta.
     */
    void stoppedRound() {
        Rounds.Result before = open;
        // from the scan on, sealing without what it finds would lose that
        open = null;
        MemorySource.Scan scan = shipAll(MemorySource.Tasks.STOPPED, before.left());
        unreported = seal(before.endedBy(scan));
    }

    /** What the rounds have brought is kept when the move ends before its stopped round. */
    void sealOpen() {
        if (open != null) {
            Rounds.Result result = open;
            open = null;
            report(seal(result), 0);
        }
    }

    /** Ships what is left, when nobody can write any more. Seals nothing yet. */
    void shipFinalDelta() {
        begin();
        finalScan = shipAll(MemorySource.Tasks.HELD, new PageRuns());
    }

    /** @param owed pages of earlier scans that this epoch has to bring, as they are now */
    private MemorySource.Scan shipAll(MemorySource.Tasks tasks, PageRuns owed) {
        share.needs(Need.FROZEN);
        rounds.interrupted();
        MemorySource.Scan scan = shipper.scan(tasks, new PageRuns());
        PageSet rest = new PageSet();
        rest.addAll(owed);
        rest.retain(scan.spaces());
        rest.removeAll(scan.written());
        shipper.sendAll(scan.written());
        shipper.sendAll(rest.toRuns());
        shipper.finish();
        return scan;
    }

    private void begin() {
        open = null;
        shipper.begin(session, progress.sealedEpoch() + 1);
    }

    private EpochStats seal(Rounds.Result result) {
        long epoch = progress.sealedEpoch() + 1;
        EpochShipper.Shipped shipped = shipper.finish();
        if (!result.left().isEmpty()) {
            ports.memory().defer(workload, epoch, result.left());
        }
        PageTransport.Seal seal = session.seal(epoch, false, result.lastScan().spaces());
        sealed(epoch, seal);
        EpochStats stats = new EpochStats(
                epoch,
                result.elapsedMicros(),
                result.writtenPages(),
                shipped.payloadPages(),
                result.pagesWithoutBytes(),
                seal.wireBytes(),
                result.lastScan().trackedBytes(),
                result.scanMicros(),
                shipper.elapsedMicros(),
                result.left().totalPages(),
                result.rounds(),
                result.end().label(),
                seal.savings());
        if (result.stop() == null) {
            // else its time is that of the freeze
            steering.learn(stats);
        }
        ports.events().snapshotReady(snapshotReady(epoch, seal).build());
        return stats;
    }

    private void sealed(long epoch, PageTransport.Seal seal) {
        ports.memory().sealed(workload, epoch);
        progress.sealed(epoch);
        shipper.sealed();
        bytesShipped += seal.wireBytes();
    }

    /**
     * What a move takes that begins now.
     *
     * @param acceptedNanos when it was asked for: what it has waited for since is part of it
     */
    EvictionTimes predict(long acceptedNanos) {
        long now = System.nanoTime();
        predicted = steering.predict(openAbove, rounds.secondsSinceScan(now), link.bytesPerSecond());
        if (predicted != null) {
            predicted = predicted.after(Math.max(0, now - acceptedNanos) / 1000);
        }
        return predicted == null ? EvictionTimes.getDefaultInstance() : predicted.toEvent();
    }

    /** An eviction or a dry run is over. */
    void measured(EvictionMeasured measured) {
        if (unreported != null) {
            report(unreported, 0);
            unreported = null;
        }
        steering.measured(predicted, measured);
        ports.events().evictionMeasured(measured);
    }

    private void report(EpochStats stats, long intervalMicros) {
        PagesDirty.Builder event = stats.toEvent()
                .setWorkload(workload.value())
                .setNode(ports.settings().node().value())
                .setStandby(destination.value())
                .setGeneration(progress.generation())
                .setIntervalMicros(intervalMicros)
                .setLinkBytesPerSecond(link.bytesPerSecond());
        steering.tell(event, link.bytesPerSecond());
        ports.events().pagesDirty(event.build());
    }

    void shipPart(String name, Path file) {
        session.sendPart(progress.sealedEpoch() + 1, name, file);
    }

    /** Seals the final epoch: from here on the destination holds all of the workload. */
    SnapshotReady.Builder sealFinal() {
        long epoch = progress.sealedEpoch() + 1;
        PageTransport.Seal seal = session.seal(epoch, true, finalScan.spaces());
        sealed(epoch, seal);
        return snapshotReady(epoch, seal).setFinal(true).addAllParts(seal.parts());
    }

    /** As {@link #sealFinal}, but an epoch as any other: nobody restores from the parts, and the next one drops them. */
    SnapshotReady.Builder sealDry() {
        long epoch = progress.sealedEpoch() + 1;
        PageTransport.Seal seal = session.seal(epoch, false, finalScan.spaces());
        sealed(epoch, seal);
        return snapshotReady(epoch, seal);
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
        shipper.drop();
        open = null;
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
        shipper.drop();
        if (session != null) {
            session.close();
            session = null;
        }
        shipper.close();
    }
}
