package io.decamp.cli.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.contracts.page.PageRuns;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Medians, ratios to plain pre-copy, and what must hold. */
final class PropagationReport {
    static final String ADDRESS = "address";
    static final String MICROWIPER = "microwiper";
    static final String COMBINED = "combined";
    static final String HOT_HALF = "hot-half";
    static final String HOT_HALF_LAPS = "hot-half-laps";
    static final String SKEW = "skew";

    private static final double HALF = 0.5;
    private static final double QUARTER = 0.25;
    /** Two medians of the same code differ by as much between runs. */
    private static final double NO_WORSE = 1.1;

    private final List<PropagationRun> all;
    private final long sizeBytes;
    private final LinkRate link;

    PropagationReport(List<PropagationRun> all, long sizeBytes, LinkRate link) {
        this.all = List.copyOf(all);
        this.sizeBytes = sizeBytes;
        this.link = link;
    }

    /** Those whose policies and writers were run. */
    List<Target> targets() {
        List<Target> targets = new ArrayList<>();
        String once = "every page must go once: " + (sizeBytes >> 12) + " pages in "
                + String.format(Locale.ROOT, "%.1f s", (double) sizeBytes / link.bytesPerSecond())
                + " at the least, whatever the order";
        for (String hot : List.of(HOT_HALF, HOT_HALF_LAPS)) {
            addHot(targets, hot, once);
        }
        if (has(ADDRESS, SKEW, PropagationRun.Guarded.class) && has(COMBINED, SKEW, PropagationRun.Guarded.class)) {
            targets.add(Target.atMost(
                    "(b) skew, bytes after the first copy, combined / address",
                    guardedRatio(SKEW, PropagationRun.Guarded::laterLinkBytes), QUARTER, "",
                    String.format(
                            Locale.ROOT,
                            "%.2f with the first copy, which no order can spare: every page must go once",
                            guardedRatio(SKEW, g -> g.firstLinkBytes() + g.laterLinkBytes()))));
        }
        return targets;
    }

    private void addHot(List<Target> targets, String hot, String once) {
        boolean microwiper = has(MICROWIPER, hot, PropagationRun.Move.class);
        if (microwiper && has(ADDRESS, hot, PropagationRun.Move.class)) {
            targets.add(Target.atMost(
                    "(a) " + hot + ", pages sent again, microwiper / address",
                    moveRatio(hot, MICROWIPER, ADDRESS, PropagationRun.Move::pagesAgain), HALF, "", once));
            targets.add(Target.atMost(
                    "(a) " + hot + ", downtime, microwiper / address",
                    moveRatio(hot, MICROWIPER, ADDRESS, PropagationRun.Move::downtimeMillis), HALF, "", ""));
        }
        if (microwiper && has(COMBINED, hot, PropagationRun.Move.class)) {
            targets.add(Target.atMost(
                    "(a) " + hot + ", pages sent again, combined / microwiper",
                    moveRatio(hot, COMBINED, MICROWIPER, PropagationRun.Move::pagesAgain), NO_WORSE, "", "no worse"));
            targets.add(Target.atMost(
                    "(a) " + hot + ", downtime, combined / microwiper",
                    moveRatio(hot, COMBINED, MICROWIPER, PropagationRun.Move::downtimeMillis), NO_WORSE, "",
                    "no worse"));
        }
    }

    /** A table for each part that was run. */
    void print(PrintStream out) {
        if (!loads(PropagationRun.Move.class).isEmpty()) {
            printMoves(out);
        }
        if (!loads(PropagationRun.Guarded.class).isEmpty()) {
            printGuarded(out);
        }
    }

    private void printMoves(PrintStream out) {
        out.printf(
                Locale.ROOT,
                "%n(a) one move without protection; at the least %,d pages once each, %.1f s%n",
                sizeBytes >> 12,
                (double) sizeBytes / link.bytesPerSecond());
        out.println("    writer          policy      pages first     again   ratio  rounds  ended by          total s"
                + "  downtime ms   ratio  link used");
        for (PropagationRun.Load load : loads(PropagationRun.Move.class)) {
            for (String policy : policies(PropagationRun.Move.class)) {
                PropagationRun.Move any = moves(load.name(), policy).getFirst();
                out.printf(
                        Locale.ROOT,
                        "    %-14s  %-10s  %,11.0f %,9.0f  %6.2f  %6.0f  %-16s  %7.2f  %11.1f  %6.2f  %7.0f %%%n",
                        load.name(),
                        policy,
                        move(load.name(), policy, PropagationRun.Move::pagesFirst),
                        move(load.name(), policy, PropagationRun.Move::pagesAgain),
                        moveRatio(load.name(), policy, ADDRESS, PropagationRun.Move::pagesAgain),
                        move(load.name(), policy, PropagationRun.Move::rounds),
                        any.convergedBy(),
                        move(load.name(), policy, PropagationRun.Move::evictionMillis) / 1e3,
                        move(load.name(), policy, PropagationRun.Move::downtimeMillis),
                        moveRatio(load.name(), policy, ADDRESS, PropagationRun.Move::downtimeMillis),
                        100 * move(load.name(), policy, PropagationRun.Move::bytesPerSecond) / link.bytesPerSecond());
            }
        }
    }

    private void printGuarded(PrintStream out) {
        out.printf("%n(b) protection, then an eviction; MB on the link, at the least what was written meanwhile, once%n");
        out.println("    writer          policy      first copy     after it   ratio   at least   found again"
                + "  evicted in ms  downtime ms");
        for (PropagationRun.Load load : loads(PropagationRun.Guarded.class)) {
            for (String policy : policies(PropagationRun.Guarded.class)) {
                double later = guarded(load.name(), policy, PropagationRun.Guarded::laterLinkBytes);
                out.printf(
                        Locale.ROOT,
                        "    %-14s  %-10s  %10.0f  %11.0f  %6.2f  %9.0f  %12.0f  %13.0f  %11.1f%n",
                        load.name(),
                        policy,
                        guarded(load.name(), policy, PropagationRun.Guarded::firstLinkBytes) / 1e6,
                        later / 1e6,
                        later / guarded(load.name(), ADDRESS, PropagationRun.Guarded::laterLinkBytes),
                        guarded(load.name(), policy, this::leastBytes) / 1e6,
                        guarded(load.name(), policy, PropagationRun.Guarded::foundBytes) / 1e6,
                        guarded(load.name(), policy, PropagationRun.Guarded::evictionMillis),
                        guarded(load.name(), policy, PropagationRun.Guarded::downtimeMillis));
            }
        }
    }

    void addTo(ObjectNode root) {
        ArrayNode runs = root.putArray("runs");
        all.forEach(r -> r.addTo(runs.addObject()));
        ArrayNode targets = root.putArray("targets");
        targets().forEach(t -> t.addTo(targets.addObject()));
    }

    boolean verified() {
        return all.stream().allMatch(PropagationRun::verified);
    }

    private boolean has(String policy, String writer, Class<? extends PropagationRun> part) {
        return all.stream()
                .anyMatch(r -> part.isInstance(r) && r.policy().equals(policy) && r.load().name().equals(writer));
    }

    private List<PropagationRun.Load> loads(Class<? extends PropagationRun> part) {
        return all.stream().filter(part::isInstance).map(PropagationRun::load).distinct().toList();
    }

    private List<String> policies(Class<? extends PropagationRun> part) {
        return all.stream().filter(part::isInstance).map(PropagationRun::policy).distinct().toList();
    }

    List<PropagationRun.Move> moves(String writer, String policy) {
        return all.stream()
                .filter(r -> r.policy().equals(policy) && r.load().name().equals(writer))
                .filter(PropagationRun.Move.class::isInstance)
                .map(PropagationRun.Move.class::cast)
                .toList();
    }

    private double move(String writer, String policy, ToDoubleFunction<PropagationRun.Move> figure) {
        List<PropagationRun.Move> found = moves(writer, policy);
        return found.isEmpty() ? Double.NaN : Median.of(found.stream().mapToDouble(figure));
    }

    private double moveRatio(String writer, String policy, String to, ToDoubleFunction<PropagationRun.Move> figure) {
        return move(writer, policy, figure) / move(writer, to, figure);
    }

    private double guarded(String writer, String policy, ToDoubleFunction<PropagationRun.Guarded> figure) {
        List<PropagationRun.Guarded> found = all.stream()
                .filter(r -> r.policy().equals(policy) && r.load().name().equals(writer))
                .filter(PropagationRun.Guarded.class::isInstance)
                .map(PropagationRun.Guarded.class::cast)
                .toList();
        return found.isEmpty() ? Double.NaN : Median.of(found.stream().mapToDouble(figure));
    }

    /** Every page that was written after the first copy must go once more. */
    private double leastBytes(PropagationRun.Guarded g) {
        double writes = g.protectedSeconds() * link.bytesPerSecond() * g.load().shareOfLink() / PageRuns.PAGE_BYTES;
        return g.load().distinct((double) sizeBytes / PageRuns.PAGE_BYTES, writes) * PageRuns.PAGE_BYTES;
    }

    private double guardedRatio(String writer, ToDoubleFunction<PropagationRun.Guarded> figure) {
        return guarded(writer, COMBINED, figure) / guarded(writer, ADDRESS, figure);
    }
}
