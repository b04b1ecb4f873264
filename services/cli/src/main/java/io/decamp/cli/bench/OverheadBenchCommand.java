package io.decamp.cli.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.Quantity;
import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Steps;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.PageRuns;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.WritePattern;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures what protection costs a workload that stays where it is. */
@Command(name = "overhead", description = "What protection costs writers, Redis and memcached.")
final class OverheadBenchCommand implements Callable<Integer> {
    private static final List<String> SUBJECTS = List.of("injection", "writers", "patterns", "redis", "memcached");
    private static final List<WritePattern> PATTERNS = List.of(
            WritePattern.UNIFORM, WritePattern.HOT_HALF, WritePattern.SKEW, WritePattern.SWEEP, WritePattern.PHASES);
    /** An unpaced writer logs a line after so many pages: often enough to be timed, too rarely to be slowed by it. */
    private static final int UNPACED_PAGES_PER_SECOND = 200_000;

    private static final int MAX_SECONDS = 600;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "shows this and ends")
    private boolean help;

    @Option(
            names = "--subjects",
            split = ",",
            description = "injection, writers, patterns, redis, memcached (default: all)")
    private List<String> subjects = SUBJECTS;

    @Option(names = "--size", description = "memory of a writer (default: 256MiB)")
    private String size = "256MiB";

    @Option(names = "--data", description = "values that a server holds (default: 128MiB)")
    private String data = "128MiB";

    @Option(names = "--write-rates", split = ",", description = "of the paced writers (default: 10MB/s,75MB/s)")
    private List<String> rates = List.of("10MB/s", "75MB/s");

    @Option(names = "--pattern-rate", description = "of each pattern of writes (default: 75MB/s)")
    private String patternRate = "75MB/s";

    @Option(names = "--rounds", description = "of unprotected and protected (default: ${DEFAULT-VALUE})")
    private int rounds = 3;

    @Option(names = "--seconds", description = "of each measurement (default: ${DEFAULT-VALUE})")
    private int seconds = 10;

    @Option(names = "--pin", description = "split: the workload has a processor of its own; none (default: split)")
    private String pin = "split";

    @Option(names = "--seed", description = "of the servers' load (default: ${DEFAULT-VALUE})")
    private long seed = 1;

    @Option(names = "--json", paramLabel = "FILE", description = "writes the figures there")
    private Path json;

    @Option(names = "--quick", description = "all of it in seconds: shows that it works, not how well")
    private boolean quick;

    private final List<Target> targets = new ArrayList<>();

    @Override
    public Integer call() throws Exception {
        int injections = 10;
        if (quick) {
            size = "16MiB";
            data = "8MiB";
            rates = List.of("10MB/s");
            rounds = 1;
            seconds = 1;
            injections = 1;
        }
        int mib = Math.toIntExact(Quantity.bytes(size) >> 20);
        if (rounds < 1 || seconds < 1 || seconds > MAX_SECONDS || mib < 1 || !SUBJECTS.containsAll(subjects)
                || !List.of("split", "none").contains(pin)) {
            throw DecampException.refused(
                    "bad-option",
                    "--rounds " + rounds + " --seconds " + seconds + " --size " + size + " --subjects " + subjects
                            + " --pin " + pin,
                    "Give --rounds 3 --seconds 10 --size 256MiB; subjects are " + SUBJECTS);
        }
        Pinning pinning = Pinning.of(pin);
        ObjectNode root = new ObjectMapper().createObjectNode();
        root.put("scenario", "overhead " + size)
                .put("sizeBytes", (long) mib << 20)
                .put("windowSeconds", seconds)
                .put("rounds", rounds)
                .put("seed", seed)
                .put("conditions", pinning.toString())
                .put("quick", quick);
        System.out.println("  " + pinning);
        if (subjects.contains("injection")) {
            injections(root, mib, injections);
        }
        try (Cluster cluster = Cluster.up(false, new Steps(System.out));
                Pinning.Moved _ = pinning.moveOthers()) {
            writers(root, mib, new WriterOverhead(cluster, pinning, Duration.ofSeconds(seconds)));
            servers(root, cluster, pinning);
        }
        Target.print(targets, quick);
        targets.forEach(t -> t.addTo(root.withArray("targets").addObject()));
        if (json != null) {
            Files.writeString(json, root.toPrettyString() + "\n");
        }
        return 0;
    }

    private void writers(ObjectNode root, int mib, WriterOverhead bench) {
        if (subjects.contains("writers")) {
            for (String rate : rates) {
                report(root, bench.run("paced " + rate, ChainSpec.of(mib, pages(rate)), rounds));
            }
            report(root, bench.run("unpaced", ChainSpec.of(mib, UNPACED_PAGES_PER_SECOND).unpaced(), rounds));
        }
        if (subjects.contains("patterns")) {
            for (WritePattern pattern : PATTERNS) {
                // all phases in one window
                ChainSpec spec = ChainSpec.of(mib, pages(patternRate)).withPhases(seconds * 200).withPattern(pattern);
                report(root, bench.run(pattern.label() + " " + patternRate, spec, rounds));
            }
        }
    }

    private void report(ObjectNode root, WriterOverhead.Result result) {
        System.out.println(result);
        result.addTo(root.withArray("writers").addObject());
        targets.add(result.target());
    }

    private void servers(ObjectNode root, Cluster cluster, Pinning pinning) {
        Duration full = Duration.ofMillis(quick ? 300 : 2000);
        var plan = new ServerOverhead.Plan(Duration.ofSeconds(seconds), full, Quantity.bytes(data), rounds, seed);
        for (String server : List.of("redis", "memcached")) {
            if (subjects.contains(server)) {
                ServerOverhead.Result result = new ServerOverhead(cluster, pinning, plan).run(server);
                System.out.println(result);
                result.addTo(root.withArray("servers").addObject());
                targets.addAll(result.targets());
            }
        }
    }

    private static int pages(String rate) {
        return Math.toIntExact(Quantity.bytesPerSecond(rate) / PageRuns.PAGE_BYTES);
    }

    private static void injections(ObjectNode root, int mib, int count) {
        List<Long> stopped = Injections.stopMicros(ChainSpec.of(mib, 256), count);
        double median = Median.of(stopped.stream().mapToDouble(Long::doubleValue));
        long max = stopped.stream().mapToLong(Long::longValue).max().orElseThrow();
        ObjectNode o = root.putObject("injectionStopMicros").put("median", median).put("max", max);
        stopped.forEach(o.putArray("runs")::add);
        System.out.printf(
                Locale.ROOT, "  injection stops a thread for %.0f us (median of %d, max %d us)%n", median, count, max);
    }
}
