package io.decamp.cli.bench;

import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.NodePlan;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Policy;
import io.decamp.testkit.ChainSpec;
import java.nio.file.Path;
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
                    rounds(writer, moved, m),
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

    /** Those before the freeze, and the final delta as the last one. */
    private List<PropagationRun.Round> rounds(Writer writer, Writer.Moved moved, EvictionMeasured m) {
        Path log = cluster.processes(cluster.lab().alpha())
                .process(NodePlan.Service.NODE)
                .log();
        List<PropagationRun.Round> rounds = new ArrayList<>(
                RoundLog.of(log, writer.id(), moved.request().time()));
        long before = rounds.stream().mapToLong(PropagationRun.Round::pages).sum();
        double sealed = (m.getReal().getTotalMicros() - m.getReal().getHandOffMicros()) / 1e6;
        rounds.add(new PropagationRun.Round(
                m.getRounds() + 1, sealed, m.getPagesFirst() + m.getPagesAgain() - before, m.getConvergedBy()));
        return rounds;
    }
}
