package io.decamp.snapshotter.engine.control;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.v1.Objective;
import io.decamp.snapshotter.engine.model.CostModel;
import io.decamp.snapshotter.engine.model.Costs;
import io.decamp.snapshotter.engine.model.EpochCosts;
import io.decamp.snapshotter.engine.model.EvictionModel;
import io.decamp.snapshotter.engine.model.SyntheticWriter;
import io.decamp.snapshotter.engine.model.WriteCurve;
import io.decamp.snapshotter.engine.model.WriteModel;
import io.decamp.snapshotter.engine.model.WriteRates;
import io.decamp.snapshotter.engine.propagation.StopRule;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A synthetic workload under the real model and controller, in virtual time: scan, learn, decide, wait. Evictions are
 * tried at random moments on a copy of the workload, with the same costs and the real rule that ends rounds.
 */
final class ClosedLoop {
    /** What one try came to. */
    record Try(double atSeconds, long predictedMicros, long realMicros, Objective.State state) {
        double error() {
            return Math.abs(predictedMicros - realMicros) / (double) realMicros;
        }
    }

    private final SyntheticWriter writer;
    private final WriteModel model = new WriteModel();
    private final Controller controller;
    private final CostModel costs = new CostModel(null);
    private final EpochCosts epochs = new EpochCosts();
    private final SplittableRandom random;
    final List<Try> tries = new ArrayList<>();
    final List<Decision> decisions = new ArrayList<>();
    private long link;
    private PageRuns open = new PageRuns();
    private double lastScan;
    private double openAbove;
    private boolean scanned;

    ClosedLoop(SyntheticWriter writer, Goals goals, long linkBytesPerSecond, long seed) {
        this.writer = writer;
        this.controller = new Controller(goals);
        this.link = linkBytesPerSecond;
        this.random = new SplittableRandom(seed);
    }

    void link(long bytesPerSecond) {
        link = bytesPerSecond;
    }

    /** Runs until a moment, with about one try a second when asked to. */
    void until(double seconds, boolean tryEvictions) {
        while (writer.now() < seconds) {
            Decision d = round();
            if (tryEvictions && random.nextDouble() < d.intervalSeconds()) {
                double into = random.nextDouble() * d.intervalSeconds();
                writer.run(into);
                attempt(d, into);
                writer.run(d.intervalSeconds() - into);
            } else {
                writer.run(d.intervalSeconds());
            }
        }
    }

    private Decision round() {
        long elapsed = scanned ? Math.round((writer.now() - lastScan) * 1e6) : 0;
        PageRuns unlearnable = open;
        openAbove = decisions.isEmpty() ? Double.POSITIVE_INFINITY : last().openAbove();
        open = decisions.isEmpty()
                ? new PageRuns()
                : model.hotterThan(last().openAbove(), last().probePages());
        PageRuns written = writer.scan(open);
        model.observed(written, unlearnable, SyntheticWriter.spaces(), elapsed);
        lastScan = writer.now();
        scanned = true;
        Decision d = controller.decide(situation());
        decisions.add(d);
        return d;
    }

    Decision last() {
        return decisions.getLast();
    }

    WriteCurve curve() {
        return model.curve();
    }

    private Situation situation() {
        return new Situation(model.curve(), model.scansLearned(), costs(), true, 0);
    }

    Costs costs() {
        return costs.costs("pid", (long) writer.pages() * PageRuns.PAGE_BYTES, epochs, link);
    }

    private void attempt(Decision d, double secondsSinceScan) {
        long told = EvictionModel.predict(model.curve(), openAbove, secondsSinceScan, 0, costs())
                .totalMicros();
        tries.add(new Try(writer.now(), told, real(), d.objective().getState()));
    }

    /** An eviction of a copy: the writes are drawn, not expected. */
    private long real() {
        SyntheticWriter copy = writer.fork();
        Costs c = costs();
        double pagesPerSecond = c.shippedBytesPerSecond() / PageRuns.PAGE_BYTES;
        StopRule rule = new StopRule(Long.MAX_VALUE);
        double seconds = c.scanMicros() / 1e6;
        long sent = 0;
        int rounds = 0;
        WriteRates rates = model;
        while (rule.check(
                        copy.owed(),
                        sent,
                        copy.pages(),
                        rounds,
                        (long) c.shippedBytesPerSecond(),
                        rates,
                        Math.round(seconds * 1e9))
                == null) {
            rounds++;
            double took = Math.min(0.25, copy.owed() / pagesPerSecond);
            int pages = (int) (took * pagesPerSecond);
            sent += Math.min(pages, copy.owed());
            copy.send(pages, rates);
            took += c.scanMicros() / 1e6;
            copy.run(took);
            seconds += took;
        }
        double rest = c.scanMicros() + c.roundMicros() + copy.owed() / pagesPerSecond * 1e6;
        return Math.round(seconds * 1e6
                + (rounds == 0 ? 0 : c.roundMicros())
                + c.fixedRoundsMicros()
                + Math.max(c.freezeMicros(), rest)
                + c.finalDeltaMicros()
                + c.handOffMicros());
    }

    double medianError() {
        return tries.stream()
                .map(Try::error)
                .sorted(Comparator.naturalOrder())
                .skip(tries.size() / 2)
                .findFirst()
                .orElse(0.0);
    }

    double shareWithin(long micros) {
        return tries.stream().filter(t -> t.realMicros() <= micros).count() / (double) Math.max(1, tries.size());
    }
}
