package io.decamp.cli.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.Quantity;
import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Steps;
import io.decamp.contracts.error.DecampException;
import io.decamp.testkit.WritePattern;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Compares orders of sending on the same writers over the same link. */
@Command(name = "propagation", description = "What the order of sending gains: pages sent again, downtime, bytes.")
final class PropagationBenchCommand implements Callable<Integer> {
    private static final List<String> POLICIES =
            List.of(PropagationReport.ADDRESS, PropagationReport.MICROWIPER, PropagationReport.COMBINED);
    /** The paper's case: a hot set that nearly takes what the link gives to pages. */
    private static final double HOT = 0.8 * LinkRate.FOR_PAGES;
    /** What they write, as a share of the link: at 1 Gbit/s 94, 100, 40 and 20 MB/s. */
    private static final List<PropagationRun.Load> LOADS = List.of(
            new PropagationRun.Load(PropagationReport.HOT_HALF, WritePattern.HOT_HALF, HOT),
            new PropagationRun.Load(PropagationReport.HOT_HALF_LAPS, WritePattern.HOT_HALF_LAPS, HOT),
            new PropagationRun.Load(PropagationReport.SKEW, WritePattern.SKEW, 0.8),
            new PropagationRun.Load("sweep", WritePattern.SWEEP, 0.32),
            new PropagationRun.Load("uniform", WritePattern.UNIFORM, 0.16),
            new PropagationRun.Load("hot-half-last", WritePattern.HOT_HALF_LAST, HOT),
            new PropagationRun.Load("hot-half-mixed", WritePattern.HOT_HALF_MIXED, HOT));

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "shows this and ends")
    private boolean help;

    @Option(names = "--size", description = "memory of each workload (default: 1GiB)")
    private String size = "1GiB";

    @Option(names = "--rate", description = "of the link, as tc writes it (default: 1gbit)")
    private String rate = "1gbit";

    @Option(names = "--policies", split = ",", description = "default: address,microwiper,combined")
    private List<String> policies = POLICIES;

    @Option(
            names = "--writers",
            split = ",",
            description = "hot-half, hot-half-laps, skew, sweep, uniform (default: these), hot-half-last, hot-half-mixed")
    private List<String> writers = List.of(
            PropagationReport.HOT_HALF, PropagationReport.HOT_HALF_LAPS, PropagationReport.SKEW, "sweep", "uniform");

    @Option(names = "--parts", split = ",", description = "a: a move without protection; b: protection, then a move")
    private List<String> parts = List.of("a", "b");

    @Option(names = "--runs", description = "of each (default: ${DEFAULT-VALUE}); figures are medians")
    private int runs = 1;

    @Option(names = "--protect-seconds", description = "before the move of part b (default: ${DEFAULT-VALUE})")
    private int protectSeconds = 60;

    @Option(names = "--interval", description = "between epochs of part b (default: ${DEFAULT-VALUE})")
    private String interval = "1s";

    @Option(names = "--seed", description = "of the workloads (default: ${DEFAULT-VALUE})")
    private long seed = 1;

    @Option(names = "--fill", description = "word: a write changes 8 bytes; page: all of the page (default: word)")
    private String fill = "word";

    @Option(
            names = "--encodings",
            description = "off: no differences are sent; on: as the product does (default: off)")
    private String encodings = "off";

    @Option(names = "--plot", paramLabel = "DIR", description = "writes propagation.svg there")
    private Path plot;

    @Option(names = "--json", paramLabel = "FILE", description = "writes the figures there")
    private Path json;

    @Option(names = "--quick", description = "all of it with small sizes: shows that it works, not how well")
    private boolean quick;

    @Override
    public Integer call() throws Exception {
        if (quick) {
            size = "32MiB";
            rate = "200mbit";
            protectSeconds = 2;
            runs = 1;
        }
        requireUsable();
        long bytes = Quantity.bytes(size);
        LinkRate link = LinkRate.of(rate);
        var plan = new PropagationBench.Plan(
                Math.toIntExact(bytes >> 20),
                link,
                Duration.ofSeconds(protectSeconds),
                Quantity.time(interval),
                seed,
                fill.equals("page"));
        System.out.printf("  seed %d, %s, link %s, encodings %s%n", seed, size, link, encodings);
        List<PropagationRun> all = new ArrayList<>();
        for (String policy : policies) {
            try (Cluster cluster = Cluster.up(false, new Steps(System.out), settings(policy), "--rate", link.tc())) {
                run(new PropagationBench(cluster, policy, plan), all);
            }
        }
        PropagationReport report = new PropagationReport(all, bytes, link);
        report.print(System.out);
        System.out.println();
        Target.print(report.targets(), quick);
        write(report, plan);
        if (plot != null) {
            Files.createDirectories(plot);
            Files.writeString(plot.resolve("propagation.svg"), PropagationPlot.of(report, size, link));
        }
        return report.verified() ? 0 : 1;
    }

    private void requireUsable() {
        List<String> known = LOADS.stream().map(PropagationRun.Load::name).toList();
        boolean usable = runs >= 1
                && protectSeconds >= 1
                && POLICIES.containsAll(policies)
                && known.containsAll(writers)
                && List.of("a", "b").containsAll(parts)
                && List.of("word", "page").contains(fill)
                && List.of("on", "off").contains(encodings);
        if (!usable) {
            throw DecampException.refused(
                    "bad-option",
                    "Policies " + policies + ", writers " + writers + ", parts " + parts + ", --runs " + runs
                            + ", --fill " + fill + ", --encodings " + encodings + ", --protect-seconds "
                            + protectSeconds,
                    "Policies are " + POLICIES + ", writers " + known + ", parts a and b");
        }
    }

    private Map<String, String> settings(String policy) {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("decamp.propagation", policy);
        if (encodings.equals("off")) {
            // orders are compared, not codecs: each write changes its page, and all it holds is random, so differences
            // are all that could be saved
            settings.put("decamp.data.delta-cache-bytes", "0");
        }
        return settings;
    }

    private void run(PropagationBench bench, List<PropagationRun> all) {
        for (PropagationRun.Load load : LOADS.stream().filter(l -> writers.contains(l.name())).toList()) {
            for (int run = 1; run <= runs; run++) {
                if (parts.contains("a")) {
                    all.add(told(bench.move(load, run)));
                }
                if (parts.contains("b")) {
                    all.add(told(bench.guard(load, run)));
                }
            }
        }
    }

    private static PropagationRun told(PropagationRun run) {
        System.out.println("  " + run);
        return run;
    }

    private void write(PropagationReport report, PropagationBench.Plan plan) throws IOException {
        ObjectNode root = new ObjectMapper().createObjectNode();
        root.put("scenario", "propagation " + size)
                .put("sizeBytes", (long) plan.sizeMib() << 20)
                .put("link", "veth, " + rate)
                .put("seed", seed)
                .put("encodings", encodings)
                .put("fill", fill)
                .put("protectSeconds", protectSeconds)
                .put("intervalMillis", plan.interval().toMillis())
                .put("quick", quick);
        report.addTo(root);
        if (json != null) {
            Files.writeString(json, root.toPrettyString() + "\n");
        }
    }
}
