package io.decamp.cli.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.Quantity;
import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Steps;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.v1.Policy;
import io.decamp.testkit.ChainSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Checks that an eviction asked for at any moment takes no longer than the objective, and what it was predicted to. */
@Command(name = "objective", description = "Dry evictions at random moments of a changing workload.")
final class ObjectiveBenchCommand implements Callable<Integer> {
    private static final int PHASES = 5;
    private static final double MUST_BE_INSIDE = 0.95;
    private static final double MAX_ERROR = 0.15;
    /** Above what 95 of 100 took where nothing but the overhead was bounded. */
    private static final double ROOM = 1.25;

    private static final double ROUND_UP_MILLIS = 10;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "shows this and ends")
    private boolean help;

    @Option(names = "--minutes", description = "of requests (default: ${DEFAULT-VALUE})")
    private double minutes = 3;

    @Option(names = "--size", description = "memory of the workload (default: 256MiB)")
    private String size = "256MiB";

    @Option(names = "--write-rate", description = "in its phases; bursts reach four times of it (default: 20MB/s)")
    private String writeRate = "20MB/s";

    @Option(names = "--phase-seconds", description = "each phase lasts so long (default: ${DEFAULT-VALUE})")
    private double phaseSeconds = 20;

    @Option(names = "--rate", description = "of the link, as tc writes it (default: 1gbit)")
    private String rate = "1gbit";

    @Option(names = "--evict-within", paramLabel = "TIME", description = "objective (default: found by a calibration)")
    private String evictWithin;

    @Option(names = "--calibrate-seconds", description = "all phases once, shortened (default: ${DEFAULT-VALUE})")
    private double calibrateSeconds = 40;

    @Option(names = "--seed", description = "of the workload and of the times of requests (default: ${DEFAULT-VALUE})")
    private long seed = 1;

    @Option(names = "--plot", paramLabel = "DIR", description = "writes interval.svg there")
    private Path plot;

    @Option(names = "--json", paramLabel = "FILE", description = "writes the figures there")
    private Path json;

    @Option(names = "--quick", description = "all of it in seconds: shows that it works, not how well")
    private boolean quick;

    @Override
    public Integer call() throws Exception {
        if (quick) {
            size = "32MiB";
            minutes = 0.25;
            phaseSeconds = 3;
            calibrateSeconds = 5;
        }
        LinkRate link = LinkRate.of(rate);
        ChainSpec spec = spec();
        if (minutes <= 0 || phaseSeconds <= 0 || calibrateSeconds <= 0) {
            throw DecampException.refused(
                    "bad-option",
                    "--minutes " + minutes + " --phase-seconds " + phaseSeconds + " --calibrate-seconds "
                            + calibrateSeconds,
                    "Give --minutes 3 --phase-seconds 20");
        }
        System.out.printf("  seed %d, %s, bursts of 4 x %s, link %s%n", seed, size, writeRate, link);
        try (Cluster cluster = Cluster.up(false, new Steps(System.out), "--rate", link.tc())) {
            boolean calibrated = true;
            double within;
            if (evictWithin == null) {
                Calibration c = calibrate(cluster, spec);
                within = c.objectiveMillis();
                calibrated = c.verified();
            } else {
                within = Quantity.time(evictWithin).toNanos() / 1e6;
            }
            return run(cluster, spec, within) && calibrated ? 0 : 1;
        }
    }

    private ChainSpec spec() {
        int mib = Math.toIntExact(Quantity.bytes(size) >> 20);
        int pages = Math.toIntExact(Quantity.bytesPerSecond(writeRate) / PageRuns.PAGE_BYTES);
        return ChainSpec.of(mib, pages).withPhases((int) (phaseSeconds * 1e3)).withSeed(seed);
    }

    private record Calibration(double objectiveMillis, boolean verified) {}

    /** What the default policy reaches, which bounds nothing but the overhead, on all phases once. */
    private Calibration calibrate(Cluster cluster, ChainSpec spec) {
        ChainSpec shortened = spec.withPhases((int) (calibrateSeconds * 1e3 / PHASES)).withSeed(seed + 1);
        try (ObjectiveBench bench = new ObjectiveBench(cluster, shortened, Policy.getDefaultInstance())) {
            Duration time = Duration.ofMillis((long) (calibrateSeconds * 1e3));
            var free = new ObjectiveFigures(Double.NaN, bench.ask(time, seed + 1));
            double typical = free.realMillis(95);
            if (Double.isInfinite(typical)) {
                throw DecampException.abort(
                        "calibration-failed",
                        "Dry runs fail: " + free.samples().getLast().failure(),
                        "Read the nodes' logs",
                        null);
            }
            double objective = Math.ceil(typical * ROOM / ROUND_UP_MILLIS) * ROUND_UP_MILLIS;
            System.out.printf(
                    Locale.ROOT,
                    "  calibration: without an objective 95 of 100 dry runs took %.0f ms or less; objective %.0f ms%n",
                    typical,
                    objective);
            return new Calibration(objective, bench.endAndJudge());
        }
    }

    private boolean run(Cluster cluster, ChainSpec spec, double within) throws IOException {
        Policy policy = Policy.newBuilder().setEvictWithinMicros(Math.round(within * 1e3)).build();
        try (ObjectiveBench bench = new ObjectiveBench(cluster, spec, policy)) {
            Duration time = Duration.ofMillis((long) (minutes * 60_000));
            var objective = new ObjectiveFigures(within, bench.ask(time, seed));
            List<ObjectiveBench.Epoch> epochs = bench.epochs();
            List<Double> phases = bench.phaseStarts();
            ObjectiveBench.Real real = bench.moveAndJudge();
            List<Target> targets = targets(objective);
            print(objective, epochs, real);
            Target.print(targets, quick);
            write(objective, epochs, real, targets);
            if (plot != null) {
                Files.createDirectories(plot);
                String title = String.format(
                        Locale.ROOT, "%s, phases at %s, evict within %.0f ms, link %s", size, writeRate, within, rate);
                Files.writeString(plot.resolve("interval.svg"), ObjectivePlot.of(title, objective, epochs, phases));
            }
            return real.moved().verified();
        }
    }

    private static List<Target> targets(ObjectiveFigures objective) {
        int n = objective.samples().size();
        return List.of(
                Target.atLeast(
                        "inside the objective",
                        100 * objective.shareInside(),
                        100 * MUST_BE_INSIDE,
                        " %",
                        "of " + n + " requests"),
                Target.atMost(
                        "median prediction error",
                        100 * objective.medianError(),
                        100 * MAX_ERROR,
                        " %",
                        String.format(
                                Locale.ROOT,
                                "without the hand-off, which a dry run does not do: %.1f %%",
                                100 * objective.medianErrorOfWhatWasDone())));
    }

    private static void print(
            ObjectiveFigures objective, List<ObjectiveBench.Epoch> epochs, ObjectiveBench.Real real) {
        double interval = Median.of(epochs.stream()
                .mapToDouble(e -> e.report().getIntervalMicros() / 1e3)
                .filter(millis -> millis > 0));
        System.out.printf(
                Locale.ROOT,
                "  %d dry runs: median %.0f ms, 95 of 100 within %.0f ms, objective %.0f ms; %d epochs, each %.0f ms%n",
                objective.samples().size(),
                objective.realMillis(50),
                objective.realMillis(95),
                objective.evictWithinMillis(),
                epochs.size(),
                interval);
        System.out.printf(
                Locale.ROOT,
                "  the real one: predicted %.0f ms, said %.0f ms, seen from outside %.0f ms; downtime %.0f ms; %s%n",
                real.sample().predictedMillis(),
                real.sample().realMillis(),
                real.moved().evictionMillis(),
                real.moved().downtimeMillis(),
                real.moved().verified() ? "verified" : "WRONG");
    }

    private void write(
            ObjectiveFigures objective,
            List<ObjectiveBench.Epoch> epochs,
            ObjectiveBench.Real real,
            List<Target> targets)
            throws IOException {
        ObjectNode root = new ObjectMapper().createObjectNode();
        root.put("scenario", "objective " + size + " " + writeRate)
                .put("link", "veth, " + rate)
                .put("seed", seed)
                .put("phaseSeconds", phaseSeconds)
                .put("evictWithinMillis", objective.evictWithinMillis())
                .put("calibrated", evictWithin == null)
                .put("quick", quick);
        ArrayNode list = root.putArray("targets");
        targets.forEach(t -> t.addTo(list.addObject()));
        objective.samples().forEach(s -> s.addTo(root.withArray("samples").addObject()));
        ObjectNode end = root.putObject("realEviction");
        real.sample().addTo(end);
        end.put("evictionMillis", EvictRun.rounded(real.moved().evictionMillis()))
                .put("downtimeMillis", EvictRun.rounded(real.moved().downtimeMillis()))
                .put("verified", real.moved().verified());
        epochs.forEach(e -> root.withArray("epochs")
                .addArray()
                .add(Math.round(e.atSeconds() * 1e3) / 1e3)
                .add(Math.round(e.report().getPagesPerSecond()))
                .add(e.report().getIntervalMicros())
                .add(e.report().getPredictedEvictionMicros())
                .add(e.report().getObjective().getState().name()));
        if (json != null) {
            Files.writeString(json, root.toPrettyString() + "\n");
        }
    }
}
