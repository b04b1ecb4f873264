package io.decamp.cli.bench;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.v1.Objective;
import io.decamp.contracts.v1.Policy;
import io.decamp.snapshotter.engine.arbiter.Need;
import io.decamp.snapshotter.engine.arbiter.TurnQueue;
import io.decamp.snapshotter.engine.control.Controller;
import io.decamp.snapshotter.engine.control.Decision;
import io.decamp.snapshotter.engine.control.Goals;
import io.decamp.snapshotter.engine.control.Situation;
import io.decamp.snapshotter.engine.model.CostModel;
import io.decamp.snapshotter.engine.model.Costs;
import io.decamp.snapshotter.engine.model.EpochCosts;
import io.decamp.snapshotter.engine.model.WriteCurve;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;

/**
 * Nodes full of protected workloads, in virtual time: the product's controller chooses intervals, the product's queue
 * of turns shares each node's link, a batch at a time. Only memory, kernel and wire are missing: how much an interval
 * has written is taken from the curve itself.
 */
final class SimulatedFleet {
    private static final long BATCH_BYTES = 8L << 20;
    private static final long NANOS = 1_000_000_000L;
    /** Batches under way at a time on one link, as the product allows. */
    private static final int TURNS_AT_ONCE = 2;

    /** Something that happens at a virtual time. */
    private record Due(long atNanos, long number, Runnable what) {}

    /** What one run came to. */
    record Figures(
            long decisions,
            double decisionsPerSecond,
            long turns,
            double turnsPerSecond,
            double longestWaitSeconds,
            double busyShare,
            double withinShare,
            double statedShare) {}

    /** One workload, by its truth. */
    final class Workload {
        final String name;
        final int host;
        final Policy policy;
        final long bytes;
        final boolean container;
        private final WriteCurve curve;
        private final Controller controller;
        private final EpochCosts epochs = new EpochCosts();
        private Decision decision;
        private long scannedNanos;

        private Workload(String name, int host, SplittableRandom random) {
            this.name = name;
            this.host = host;
            this.container = random.nextInt(3) > 0;
            // 32 MiB to 4 GiB, small ones as frequent as large ones by octave
            this.bytes = (long) (Math.pow(2, 25 + random.nextDouble() * 7)) / PageRuns.PAGE_BYTES * PageRuns.PAGE_BYTES;
            this.policy = policy(random);
            this.curve = curve(random, bytes / PageRuns.PAGE_BYTES);
            this.controller = new Controller(Goals.of(policy));
            decide();
        }

        Decision decision() {
            return decision;
        }

        private void decide() {
            Costs now = costs.costs(container ? "runc" : "pid", bytes, epochs, linkBytesPerSecond);
            decision = controller.decide(new Situation(curve, 10, now, true, 0.1));
            decisions++;
        }

        private Need need() {
            return Need.ofEpoch(decision.prediction().totalMicros(), policy.getEvictWithinMicros());
        }

        private long epochBytes() {
            double seconds = Math.max(decision.intervalSeconds(), (nowNanos - scannedNanos) / 1e9);
            return Math.round(curve.found(seconds, decision.openAbove()) * PageRuns.PAGE_BYTES);
        }
    }

    private static Policy policy(SplittableRandom random) {
        Policy.Builder policy = Policy.newBuilder().setPriority(random.nextInt(4) - 1);
        if (random.nextInt(2) == 0) {
            policy.setEvictWithinMicros(400_000 + random.nextInt(1_600_000));
        }
        return policy.build();
    }

    /** Mostly cold; a few percent of the pages take most writes, some are written without end. */
    private static WriteCurve curve(SplittableRandom random, long pages) {
        double hot = 0.002 + 0.02 * random.nextDouble();
        double warm = 0.05 * random.nextDouble();
        double[] rates = {
            1e-5, 0.002 + 0.01 * random.nextDouble(), 0.2 + random.nextDouble(), 5 + 40 * random.nextDouble()
        };
        double[] groups = {pages * (1 - hot - warm - 0.1), pages * 0.1, pages * warm, pages * hot};
        return new WriteCurve(rates, groups, 1, 0, WriteCurve.Growth.NONE);
    }

    /** A node's link. */
    private final class Link {
        private final TurnQueue<Batch> queue = new TurnQueue<>();
        private int free = TURNS_AT_ONCE;
        private long busyUntilNanos;
        private long busyNanos;

        private void grant() {
            while (free > 0 && !queue.isEmpty()) {
                long began = System.nanoTime();
                Batch next = queue.next(nowNanos);
                arbiterNanos += System.nanoTime() - began;
                turns++;
                free--;
                longestWaitNanos = Math.max(longestWaitNanos, nowNanos - next.waitingSinceNanos);
                long sending = next.bytes * NANOS / linkBytesPerSecond;
                busyUntilNanos = Math.max(busyUntilNanos, nowNanos) + sending;
                busyNanos += sending;
                at(busyUntilNanos, () -> {
                    free++;
                    next.sent();
                    grant();
                });
            }
        }
    }

    /** The part of an epoch that is sent in one turn. */
    private final class Batch {
        private final Workload of;
        private final long bytes;
        private final long bytesAfter;
        private final long waitingSinceNanos = nowNanos;

        private Batch(Workload of, long left) {
            this.of = of;
            this.bytes = Math.min(BATCH_BYTES, left);
            this.bytesAfter = left - bytes;
            long began = System.nanoTime();
            links.get(of.host).queue.add(this, of.name, of.need(), nowNanos);
            arbiterNanos += System.nanoTime() - began;
        }

        private void sent() {
            if (bytesAfter > 0) {
                new Batch(of, bytesAfter);
                links.get(of.host).grant();
            } else {
                of.scannedNanos = nowNanos;
                long began = System.nanoTime();
                of.decide();
                controllerNanos += System.nanoTime() - began;
                at(nowNanos + Math.round(of.decision.intervalSeconds() * NANOS), () -> epoch(of));
            }
        }
    }

    private final CostModel costs = new CostModel(null);
    private final long linkBytesPerSecond;
    private final List<Workload> workloads = new ArrayList<>();
    private final List<Link> links = new ArrayList<>();
    private final PriorityQueue<Due> due = new PriorityQueue<>(
            Comparator.comparingLong(Due::atNanos).thenComparingLong(Due::number));
    private long nowNanos;
    private long numbers;
    private long decisions;
    private long controllerNanos;
    private long turns;
    private long arbiterNanos;
    private long longestWaitNanos;

    SimulatedFleet(int hosts, int workloadsEach, long linkBytesPerSecond, long seed) {
        this.linkBytesPerSecond = linkBytesPerSecond;
        SplittableRandom random = new SplittableRandom(seed);
        for (int host = 0; host < hosts; host++) {
            links.add(new Link());
            for (int i = 0; i < workloadsEach; i++) {
                Workload w = new Workload("runc:h" + host + "w" + i, host, random);
                workloads.add(w);
                at(Math.round(random.nextDouble() * NANOS), () -> epoch(w));
            }
        }
        decisions = 0;
    }

    List<Workload> workloadsOf(int host) {
        return workloads.stream().filter(w -> w.host == host).toList();
    }

    Figures run(double seconds) {
        long end = Math.round(seconds * NANOS);
        while (!due.isEmpty() && due.peek().atNanos() <= end) {
            Due next = due.poll();
            nowNanos = next.atNanos();
            next.what().run();
        }
        long asked = workloads.stream().filter(w -> w.policy.getEvictWithinMicros() > 0).count();
        long within = workloads.stream()
                .filter(w -> w.decision.objective().getState() == Objective.State.ATTAINED)
                .count();
        long stated = workloads.stream()
                .filter(w -> w.decision.objective().getState() == Objective.State.NOT_ATTAINABLE)
                .count();
        return new Figures(
                decisions,
                decisions * 1e9 / Math.max(1, controllerNanos),
                turns,
                turns * 1e9 / Math.max(1, arbiterNanos),
                longestWaitNanos / 1e9,
                links.stream().mapToLong(l -> l.busyNanos).average().orElse(0) / Math.max(1, nowNanos),
                within / (double) Math.max(1, asked),
                stated / (double) Math.max(1, asked));
    }

    private void epoch(Workload w) {
        new Batch(w, Math.max(PageRuns.PAGE_BYTES, w.epochBytes()));
        links.get(w.host).grant();
    }

    private void at(long nanos, Runnable what) {
        due.add(new Due(nanos, numbers++, what));
    }
}
