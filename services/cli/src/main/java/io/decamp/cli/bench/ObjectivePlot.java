package io.decamp.cli.bench;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.v1.PagesDirty;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Draws how the interval follows the writes, and what evictions would have taken meanwhile. */
final class ObjectivePlot {
    private static final List<String> PHASES = List.of("idle", "uniform", "skew", "sweep", "bursts");

    private ObjectivePlot() {}

    static String of(
            String title,
            ObjectiveFigures objective,
            List<ObjectiveBench.Epoch> epochs,
            List<Double> phaseStarts) {
        double end = epochs.getLast().atSeconds();
        List<SvgPlot.Band> named = new ArrayList<>();
        List<SvgPlot.Band> plain = new ArrayList<>();
        for (int i = 0; i < phaseStarts.size(); i++) {
            double from = phaseStarts.get(i);
            double to = i + 1 < phaseStarts.size() ? phaseStarts.get(i + 1) : end;
            if (to > 0 && from < end) {
                named.add(new SvgPlot.Band(PHASES.get(i % PHASES.size()), from, to, i % 2 == 0));
                plain.add(new SvgPlot.Band("", from, to, i % 2 == 0));
            }
        }
        // an epoch of a move is followed by the move, not by an interval
        List<ObjectiveBench.Epoch> between =
                epochs.stream().filter(e -> e.report().getIntervalMicros() > 0).toList();
        List<double[]> measured = objective.samples().stream()
                .filter(s -> s.measured() != null)
                .map(s -> new double[] {s.atSeconds(), s.realMillis()})
                .toList();
        double within = objective.evictWithinMillis();
        return SvgPlot.of(
                title,
                List.of(
                        panel("MB/s found written", epochs, named, ObjectivePlot::megabytesPerSecond),
                        panel("s until the next epoch", between, plain, e -> e.getIntervalMicros() / 1e6),
                        new SvgPlot.Panel(
                                "seconds",
                                "ms to evict",
                                List.of(
                                        new SvgPlot.Series(
                                                "objective",
                                                SvgPlot.Mark.LINE,
                                                List.of(new double[] {0, within}, new double[] {end, within})),
                                        new SvgPlot.Series("measured (dry)", SvgPlot.Mark.POINTS, measured),
                                        new SvgPlot.Series(
                                                "predicted",
                                                SvgPlot.Mark.STEP,
                                                points(epochs, e -> e.getPredictedEvictionMicros() / 1e3))),
                                plain)));
    }

    private static SvgPlot.Panel panel(
            String label,
            List<ObjectiveBench.Epoch> epochs,
            List<SvgPlot.Band> bands,
            ToDoubleFunction<PagesDirty> value) {
        return new SvgPlot.Panel(
                "seconds", label, List.of(new SvgPlot.Series("", SvgPlot.Mark.STEP, points(epochs, value))), bands);
    }

    private static double megabytesPerSecond(PagesDirty epoch) {
        return epoch.getPagesPerSecond() * PageRuns.PAGE_BYTES / 1e6;
    }

    private static List<double[]> points(List<ObjectiveBench.Epoch> epochs, ToDoubleFunction<PagesDirty> value) {
        return epochs.stream()
                .map(e -> new double[] {e.atSeconds(), value.applyAsDouble(e.report())})
                .toList();
    }
}
