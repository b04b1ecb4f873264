package io.decamp.cli.bench.vm;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.bench.Median;
import io.decamp.cli.bench.Target;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/** Processes of several sizes, saved by both engines in turn while the guest is idle, computes, or passes data on. */
final class Grid {
    private final List<Saving> savings = new ArrayList<>();
    private final List<Load> loads;
    private final int rounds;

    Grid(List<Load> loads, int rounds) {
        this.loads = loads;
        this.rounds = rounds;
    }

    /** Each engine first saves once without being counted: pages that the host has not given yet would be its fault. */
    void run(Holder holder, OutsideSaver outside, Consumer<String> lines) {
        for (Saving.Engine engine : Saving.Engine.values()) {
            save(engine, holder, outside, Load.IDLE);
        }
        for (Load load : loads) {
            try (Load.Running _ = load.start(holder.guest())) {
                for (int round = 0; round < rounds; round++) {
                    for (int i = 0; i < 2; i++) {
                        savings.add(save(Saving.Engine.values()[(round + i) % 2], holder, outside, load));
                    }
                }
            }
            lines.accept(line(load, holder.mib(), holder.label()));
        }
    }

    private static Saving save(Saving.Engine engine, Holder holder, OutsideSaver outside, Load load) {
        if (engine == Saving.Engine.IN_GUEST) {
            return GuestCriu.save(holder, load);
        }
        Holder.Used before = holder.used();
        OutsideSaver.Saved saved = outside.save(holder.pid());
        Holder.Used used = holder.used().since(before);
        return new Saving(
                engine,
                load,
                holder.mib(),
                saved.frozenMillis(),
                saved.savedMillis(),
                used.cpuNanos() / 1e6,
                saved.bytes(),
                saved.phases());
    }

    static String head() {
        return String.format(
                Locale.ROOT,
                "  %-9s%-9s%38s%38s%18s%n  %-18s%12s%12s%14s%12s%12s%14s%9s%9s",
                "", "", "criu in the guest, ms", "out of band, ms", "faster, times",
                "process  load", "frozen", "saved", "guest's CPU", "frozen", "saved", "guest's CPU", "frozen", "saved");
    }

    private String line(Load load, int mib, String label) {
        StringBuilder text = new StringBuilder(String.format(Locale.ROOT, "  %-9s%-9s", label, load.label()));
        for (Saving.Engine engine : Saving.Engine.values()) {
            text.append(String.format(
                    Locale.ROOT,
                    "%12.1f%12.1f%14.2f",
                    median(engine, load, mib, Saving::frozenMillis),
                    median(engine, load, mib, Saving::savedMillis),
                    median(engine, load, mib, Saving::guestCpuMillis)));
        }
        return text.append(String.format(
                        Locale.ROOT,
                        "%9.1f%9.1f",
                        1 / ratio(load, mib, Saving::frozenMillis),
                        1 / ratio(load, mib, Saving::savedMillis)))
                .toString();
    }

    private double median(Saving.Engine engine, Load load, int mib, ToDoubleFunction<Saving> figure) {
        return Median.of(of(engine, load, mib).mapToDouble(figure));
    }

    private Stream<Saving> of(Saving.Engine engine, Load load, int mib) {
        return savings.stream().filter(s -> s.engine() == engine && s.load() == load && s.mib() == mib);
    }

    /** Out of band to in the guest; below 1 where out of band is faster. */
    private double ratio(Load load, int mib, ToDoubleFunction<Saving> figure) {
        return median(Saving.Engine.OUTSIDE, load, mib, figure) / median(Saving.Engine.IN_GUEST, load, mib, figure);
    }

    private List<Integer> sizes() {
        return savings.stream().map(Saving::mib).distinct().toList();
    }

    /** Where the time of out of band went, medians of all rounds and loads. */
    String phases() {
        StringBuilder text = new StringBuilder("  Out of band by phase, ms:");
        for (int mib : sizes()) {
            TreeMap<Integer, String> ordered = new TreeMap<>();
            List<Saving> ours = savings.stream()
                    .filter(s -> s.engine() == Saving.Engine.OUTSIDE && s.mib() == mib)
                    .toList();
            for (String phase : ours.getFirst().phases().keySet()) {
                double millis = Median.of(ours.stream().mapToDouble(s -> s.phases().get(phase)));
                ordered.put(ordered.size(), String.format(Locale.ROOT, "%s %.2f", phase, millis));
            }
            text.append(String.format(Locale.ROOT, "%n    %5d MiB  %s", mib, String.join(", ", ordered.values())));
        }
        return text.toString();
    }

    /** Never slower: the worst of all cells, each a median. */
    List<Target> targets() {
        return List.of(
                never("frozen time", Saving::frozenMillis),
                never("time to save", Saving::savedMillis));
    }

    private Target never(String what, ToDoubleFunction<Saving> figure) {
        double worst = Double.NaN;
        String where = "";
        for (int mib : sizes()) {
            for (Load load : loads) {
                double ratio = ratio(load, mib, figure);
                if (Double.isNaN(worst) || ratio > worst) {
                    worst = ratio;
                    where = mib + " MiB, " + load.label();
                }
            }
        }
        return Target.atMost(what + ", out of band to criu in the guest, worst case", worst, 1, "", where);
    }

    void addTo(ObjectNode root) {
        savings.forEach(s -> s.addTo(root.withArray("runs").addObject()));
        for (int mib : sizes()) {
            for (Load load : loads) {
                ObjectNode cell = root.withArray("medians").addObject().put("mib", mib).put("load", load.label());
                for (Saving.Engine engine : Saving.Engine.values()) {
                    cell.putObject(engine.label())
                            .put("frozenMillis", Saving.rounded(median(engine, load, mib, Saving::frozenMillis)))
                            .put("savedMillis", Saving.rounded(median(engine, load, mib, Saving::savedMillis)))
                            .put("guestCpuMillis", Saving.rounded(median(engine, load, mib, Saving::guestCpuMillis)));
                }
                cell.putObject("ratio")
                        .put("frozen", Saving.rounded(ratio(load, mib, Saving::frozenMillis)))
                        .put("saved", Saving.rounded(ratio(load, mib, Saving::savedMillis)));
            }
        }
    }
}
