package io.decamp.cli.bench;

import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Watch;
import io.decamp.contracts.event.EventHeader;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.testkit.ChainOracle;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.PidWorkload;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** One self-checking workload on alpha, and what is said of it. Closing it kills every copy. */
final class Writer implements AutoCloseable {
    /** The workload must have run on after its move for the gap to have ended. */
    private static final int LINES_AFTER = 100;

    private final Cluster cluster;
    private final PidWorkload workload;
    private final WorkloadId id;
    private final Watch watch;

    private Writer(Cluster cluster, PidWorkload workload, WorkloadId id, Watch watch) {
        this.cluster = cluster;
        this.workload = workload;
        this.id = id;
        this.watch = watch;
    }

    static Writer start(Cluster cluster, ChainSpec spec) {
        return start(cluster, spec, epoch -> {});
    }

    /** @param onEpoch told of each epoch */
    static Writer start(Cluster cluster, ChainSpec spec, Consumer<PagesDirty> onEpoch) {
        PidWorkload workload = PidWorkload.start(spec, cluster.lab().alpha().enter());
        try {
            WorkloadId id =
                    WorkloadId.of("pid:" + workload.locatorPid(), cluster.lab().alpha().id());
            return new Writer(cluster, workload, id, Watch.open(cluster.session(), id, onEpoch));
        } catch (RuntimeException | Error e) {
            workload.close();
            throw e;
        }
    }

    WorkloadId id() {
        return id;
    }

    Watch watch() {
        return watch;
    }

    PidWorkload workload() {
        return workload;
    }

    /**
     * A real move, as the workload and its source have seen it.
     *
     * @param evictionMillis from the request until the source is free of it
     * @param downtimeMillis largest gap in the workload's own real-time log after the request
     * @param bytesAfter shipped after the request, as Decamp counts
     * @param verified every line of the log was recomputed independently and held, all memory included
     */
    record Moved(
            EventHeader request, double evictionMillis, double downtimeMillis, long bytesAfter, boolean verified) {}

    /**
     * Moves it to beta, lets it run on there, ends it and judges all it ever did.
     *
     * @param isProtected it is, and is to be released at beta before it ends
     */
    Moved moveAndJudge(boolean isProtected) {
        CompletableFuture<Instant> sourceFree = Asking.exitOf(workload.log().init());
        EventHeader asked = Asking.evict(cluster, id, false);
        long bytesAfter = watch.awaitRestored(asked.id(), Asking.LIMIT).getBytesAfter();
        workload.log().awaitLines(LINES_AFTER, Asking.LIMIT);
        double free = seconds(sourceFree.join());
        if (isProtected) {
            Asking.release(cluster, id);
        }
        ChainOracle.Report end = workload.stopAndJudge();
        double since = seconds(asked.time());
        double downtime = end.gaps().stream()
                .filter(g -> g.toSeconds() > since)
                .mapToDouble(ChainOracle.Gap::millis)
                .max()
                .orElse(0);
        end.errors().forEach(e -> System.out.println("  WRONG: " + e));
        return new Moved(asked, (free - since) * 1e3, downtime, bytesAfter, end.verified());
    }

    private static double seconds(Instant t) {
        return t.getEpochSecond() + t.getNano() / 1e9;
    }

    @Override
    public void close() {
        watch.close();
        workload.close();
    }
}
