package io.decamp.cli.bench;

import java.util.ArrayList;
import java.util.List;

/** Draws the first run of the paper's case: what each round sent, and how the sum grew. */
final class PropagationPlot {
    private PropagationPlot() {}

    static String of(PropagationReport report, String size, LinkRate link) {
        List<SvgPlot.Series> rounds = new ArrayList<>();
        List<SvgPlot.Series> sums = new ArrayList<>();
        double last = 0;
        double pages = 0;
        for (String policy :
                List.of(PropagationReport.ADDRESS, PropagationReport.MICROWIPER, PropagationReport.COMBINED)) {
            List<PropagationRun.Move> moves = report.moves(PropagationReport.HOT_HALF, policy);
            if (moves.isEmpty()) {
                continue;
            }
            PropagationRun.Move first = moves.getFirst();
            List<double[]> each = new ArrayList<>();
            List<double[]> sum = new ArrayList<>(List.of(new double[] {0, 0}));
            double total = 0;
            for (PropagationRun.Round r : first.sent()) {
                total += r.pages();
                each.add(new double[] {r.number(), r.pages() / 1e3});
                sum.add(new double[] {r.endSeconds(), total / 1e3});
            }
            last = Math.max(last, sum.getLast()[0]);
            pages = Math.max(pages, first.pagesFirst());
            rounds.add(new SvgPlot.Series(policy, SvgPlot.Mark.DOTTED, each));
            sums.add(new SvgPlot.Series(policy, SvgPlot.Mark.DOTTED, sum));
        }
        List<double[]> once = List.of(new double[] {0, pages / 1e3}, new double[] {last, pages / 1e3});
        sums.add(new SvgPlot.Series("every page once", SvgPlot.Mark.LINE, once));
        return SvgPlot.of(
                "One move of " + size + ", half of it written at 0.8 of the link (" + link + ")",
                List.of(
                        new SvgPlot.Panel("round", "thousand pages sent in a round", rounds, List.of()),
                        new SvgPlot.Panel("seconds since the request", "thousand pages sent in all", sums, List.of())));
    }
}
