package io.decamp.snapshotter.engine;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.EvictionTimes;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.snapshotter.engine.propagation.RoundEnd;
import io.decamp.snapshotter.engine.propagation.RoundListener;
import io.decamp.snapshotter.engine.propagation.Rounds;
import io.decamp.snapshotter.engine.propagation.StopRule;
import org.jboss.logging.Logger;

/**
 * Tells how one move goes on, and in the end what it took beside what was predicted. Says nothing between the freeze
 * and the offer, while the workload waits. Used by the workload's loop only.
 */
final class MoveReport implements RoundListener {
    private static final Logger LOG = Logger.getLogger(MoveReport.class);
    /** Between reports of one step: a person reads them. */
    private static final long LEAST_NANOS = 200_000_000;
    /** A remainder that does not shrink would never be there. */
    private static final double LEAST_DRAIN = 0.05;

    private final SnapshotterPorts ports;
    private final Replication replication;
    private final MigrationOrder order;
    private final String destination;
    private final EvictionTimes predicted;
    private final long bytesBefore;
    private String step = "protect";
    private int round;
    private long owedPages;
    private long mostOwedPages;
    private long mostOwedNanos;
    private long lastNanos;
    private long freezeNanos;
    private long heldNanos;
    private long sealedNanos;

    MoveReport(SnapshotterPorts ports, Replication replication, MigrationOrder order, String destination) {
        this.ports = ports;
        this.replication = replication;
        this.order = order;
        this.destination = destination;
        this.predicted = replication.predict(order.acceptedNanos());
        this.bytesBefore = replication.bytesSent();
    }

    /** As the move began. */
    EvictionTimes predicted() {
        return predicted;
    }

    void step(String newStep) {
        step = newStep;
        publish(System.nanoTime());
    }

    @Override
    public void sent(int inRound, long owed) {
        round = inRound;
        owedPages = owed;
        long now = System.nanoTime();
        if (owed > mostOwedPages) {
            mostOwedPages = owed;
            mostOwedNanos = now;
        }
        if (now - lastNanos >= LEAST_NANOS) {
            publish(now);
        }
    }

    @Override
    public void roundEnded(int ended, long sentPages, RoundEnd end, long owed) {
        LOG.infof(
                "%s: round %d sent %d pages and ended by %s; %d wait",
                order.workload(), ended, sentPages, end.label(), owed);
    }

    private void publish(long now) {
        lastNanos = now;
        long elapsed = Math.max(1, (now - order.acceptedNanos()) / 1000);
        long eta = roundsLeftMicros(now) + predicted.getFreezeMicros() + predicted.getFinalDeltaMicros()
                + predicted.getHandOffMicros();
        long sent = replication.bytesSent() - bytesBefore;
        ports.events()
                .progress(MigrationProgress.newBuilder()
                        .setWorkload(order.workload().value())
                        .setMigration(order.migration())
                        .setNode(ports.settings().node().value())
                        .setDestination(destination)
                        .setStep(step)
                        .setShare((double) elapsed / (elapsed + eta))
                        .setBytesSent(sent)
                        .setBytesPerSecond(replication.linkBytesPerSecond())
                        .setEtaMicros(eta)
                        .setRound(round)
                        .build());
    }

    /** By how fast the remainder has shrunk so far; at the start, as if nothing were written meanwhile. */
    private long roundsLeftMicros(long now) {
        if (round == 0) {
            return predicted.getRoundsMicros();
        }
        double link = Math.max(1, (double) replication.linkBytesPerSecond() / PageRuns.PAGE_BYTES);
        double seconds = (now - mostOwedNanos) / 1e9;
        double drained = seconds <= 0 ? link : (mostOwedPages - owedPages) / seconds;
        return Math.round(owedPages / Math.max(drained, LEAST_DRAIN * link) * 1e6);
    }

    void freezing() {
        freezeNanos = System.nanoTime();
    }

    void held() {
        heldNanos = System.nanoTime();
    }

    void sealed() {
        sealedNanos = System.nanoTime();
    }

    /** @param downtimeMicros from the stop until it runs again, here or there */
    void ended(Rounds.Move move, StopRule.Reason stop, long evictWithinMicros, long downtimeMicros) {
        long handOff = order.dryRun() ? predicted.getHandOffMicros() : (System.nanoTime() - sealedNanos) / 1000;
        long total = (sealedNanos - order.acceptedNanos()) / 1000 + handOff;
        EvictionTimes real = EvictionTimes.newBuilder()
                .setRoundsMicros((freezeNanos - order.acceptedNanos()) / 1000)
                .setFreezeMicros((heldNanos - freezeNanos) / 1000)
                .setFinalDeltaMicros((sealedNanos - heldNanos) / 1000)
                .setHandOffMicros(handOff)
                .setTotalMicros(total)
                .setDowntimeMicros(downtimeMicros)
                .build();
        LOG.infof(
                "%s: %s took %d us, predicted %d us; %d rounds, converged by %s",
                order.workload(),
                order.dryRun() ? "a dry run" : "the eviction",
                total,
                predicted.getTotalMicros(),
                move.rounds(),
                stop.label());
        replication.measured(EvictionMeasured.newBuilder()
                .setWorkload(order.workload().value())
                .setMigration(order.migration())
                .setNode(ports.settings().node().value())
                .setDestination(destination)
                .setDryRun(order.dryRun())
                .setEndedUnixMicros(ports.nowUnixMicros())
                .setPredicted(predicted)
                .setReal(real)
                .setEvictWithinMicros(evictWithinMicros)
                .setRounds(move.rounds())
                .setConvergedBy(stop.label())
                .setPagesFirst(replication.shipper().pagesFirst())
                .setPagesAgain(replication.shipper().pagesAgain())
                .setBytesAfter(replication.bytesSent() - bytesBefore)
                .build());
    }
}
