package io.decamp.cli.bench;

import io.decamp.cli.launch.Cluster;
import io.decamp.contracts.event.Event;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Policy;
import io.decamp.testkit.ChainSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Moves one workload after another over a limited link, by the policy that the nodes were started with. */
final class PropagationBench {
    private final Cluster cluster;
    private final String policy;
    private final Plan plan;

    /**
     * What is the same for every policy.
     *
     * @param protection how long a workload is protected before it is moved
     * @param interval between epochs: the same for all, so that orders are compared and not intervals
     * @param seed of the workloads; each run has another
     */
    record Plan(int sizeMib, LinkRate link, Duration protection, Duration interval, long seed, boolean wholePages) {}

    PropagationBench(Cluster cluster, String policy, Plan plan) {
        this.cluster = cluster;
        this.policy = policy;
        this.plan = plan;
    }

    /** (a) */
    PropagationRun.Move move(PropagationRun.Load load, int run) {
        try (Writer writer = Writer.start(cluster, spec(load, run))) {
            long before = received();
            Writer.Moved moved = writer.moveAndJudge(false);
            long linkBytes = received() - before;
            EvictionMeasured m = writer.watch().awaitMeasured(moved.request().id(), Asking.LIMIT);
            return new PropagationRun.Move(
                    policy,
                    load,
                    run,
                    m.getPagesFirst(),
                    m.getPagesAgain(),
                    linkBytes,
                    moved.evictionMillis(),
                    moved.downtimeMillis(),
                    m.getRounds(),
                    m.getConvergedBy(),
                    rounds(writer.watch().progress(), moved, m),
                    moved.verified());
        }
    }

    /** (b) */
    PropagationRun.Guarded guard(PropagationRun.Load load, int run) {
        try (Writer writer = Writer.start(cluster, spec(load, run))) {
            long before = received();
            Asking.protect(cluster, writer.id(), fixedInterval());
            writer.watch().awaitEpochs(0, 1, Asking.LIMIT);
            long first = received() - before;
            long begin = System.nanoTime();
            Pause.of(plan.protection());
            double seconds = (System.nanoTime() - begin) / 1e9;
            List<PagesDirty> later = after(writer.watch().epochs());
            Writer.Moved moved = writer.moveAndJudge(true);
            return new PropagationRun.Guarded(
                    policy,
                    load,
                    run,
                    first,
                    received() - before - first,
                    later.stream().mapToLong(PagesDirty::getPagesWritten).sum() * PageRuns.PAGE_BYTES,
                    later.stream().mapToLong(PagesDirty::getPagesShipped).sum(),
                    later.stream().mapToLong(PagesDirty::getPagesHeld).sum(),
                    later.size(),
                    seconds,
                    moved.evictionMillis(),
                    moved.downtimeMillis(),
                    moved.verified());
        }
    }

    private static List<PagesDirty> after(List<PagesDirty> epochs) {
        return epochs.subList(1, epochs.size());
    }

    private Policy fixedInterval() {
        long micros = plan.interval().toNanos() / 1000;
        return Policy.newBuilder()
                .setMinIntervalMicros(micros)
                .setMaxIntervalMicros(micros)
                .build();
    }

    private ChainSpec spec(PropagationRun.Load load, int run) {
        return ChainSpec.of(plan.sizeMib(), plan.link().pagesPerSecond(load.shareOfLink()))
                .withPattern(load.pattern())
                .withWholePages(plan.wholePages())
                .withSeed(plan.seed() + run);
    }

    private long received() {
        return cluster.lab().beta().counters().receivedBytes();
    }

    /** The last that was said of each round; what came after the last report was sent while frozen. */
    private static List<PropagationRun.Round> rounds(
            List<Event<MigrationProgress>> progress, Writer.Moved moved, EvictionMeasured m) {
        List<PropagationRun.Round> rounds = new ArrayList<>();
        long sentBefore = 0;
        for (int i = 0; i < progress.size(); i++) {
            MigrationProgress now = progress.get(i).data();
            boolean last = i + 1 == progress.size() || progress.get(i + 1).data().getRound() != now.getRound();
            if (last && now.getBytesSent() > sentBefore) {
                double at = Duration.between(moved.request().time(), progress.get(i).header().time()).toMillis() / 1e3;
                rounds.add(round(now.getRound(), at, now.getBytesSent() - sentBefore));
                sentBefore = now.getBytesSent();
            }
        }
        if (m.getBytesAfter() > sentBefore) {
            double end = (m.getReal().getTotalMicros() - m.getReal().getHandOffMicros()) / 1e6;
            rounds.add(round(m.getRounds(), end, m.getBytesAfter() - sentBefore));
        }
        return rounds;
    }

    private static PropagationRun.Round round(int number, double at, long bytes) {
        return new PropagationRun.Round(number, at, (double) bytes / PageRuns.PAGE_BYTES);
    }
}
