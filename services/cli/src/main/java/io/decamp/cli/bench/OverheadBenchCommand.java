package io.decamp.cli.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Steps;
import io.decamp.cli.Quantity;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.PageRuns;
import io.decamp.testkit.ChainSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures what protection costs a workload that stays where it is. */
@Command(name = "overhead", description = "Throughput of a paced writer, unprotected and protected in turn.")
final class OverheadBenchCommand implements Callable<Integer> {
    private static final int INJECTIONS = 10;
    private static final int MAX_SECONDS = 600;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "shows this and ends")
    private boolean help;

    @Option(names = "--size", description = "memory of the workload (default: ${DEFAULT-VALUE})")
    private String size = "256MiB";

    @Option(names = "--write-rates", split = ",", description = "distinct pages a second, times 4096 (default: 10MB/s,75MB/s)")
    private List<String> rates = List.of("10MB/s", "75MB/s");

    @Option(names = "--rounds", description = "of unprotected and protected (default: ${DEFAULT-VALUE})")
    private int rounds = 5;

    @Option(names = "--seconds", description = "of each measurement (default: ${DEFAULT-VALUE})")
    private int seconds = 10;

    @Option(names = "--json", paramLabel = "FILE", description = "writes the figures there")
    private Path json;

    @Override
    public Integer call() throws Exception {
        int mib = Math.toIntExact(Quantity.bytes(size) >> 20);
        if (rounds < 1 || seconds < 1 || seconds > MAX_SECONDS || mib < 1) {
            throw DecampException.refused(
                    "bad-option",
                    "--rounds " + rounds + " --seconds " + seconds + " --size " + size,
                    "Give --rounds 5 --seconds 10 --size 256MiB");
        }
        ObjectNode root = new ObjectMapper().createObjectNode();
        root.put("scenario", "overhead " + size).put("sizeBytes", (long) mib << 20).put("windowSeconds", seconds);
        injections(root, mib);
        try (Cluster cluster = Cluster.up(false, new Steps(System.out))) {
            OverheadBench bench = new OverheadBench(cluster, Duration.ofSeconds(seconds));
            for (String rate : rates) {
                int pages = Math.toIntExact(Quantity.bytesPerSecond(rate) / PageRuns.PAGE_BYTES);
                report(root.withArray("rates").addObject().put("writeRate", rate), bench.run(ChainSpec.of(mib, pages), rounds));
            }
        }
        if (json != null) {
            Files.writeString(json, root.toPrettyString() + "\n");
        }
        return 0;
    }

    private static void injections(ObjectNode root, int mib) {
        List<Long> stopped = OverheadBench.injections(ChainSpec.of(mib, 256), INJECTIONS);
        double median = Median.of(stopped.stream().mapToDouble(Long::doubleValue));
        long max = stopped.stream().mapToLong(Long::longValue).max().orElseThrow();
        ObjectNode o = root.putObject("injectionStopMicros").put("median", median).put("max", max);
        stopped.forEach(o.putArray("runs")::add);
        System.out.printf(
                Locale.ROOT, "  injection stops a thread for %.0f us (median of %d, max %d us)%n", median, INJECTIONS, max);
    }

    private static void report(ObjectNode o, List<OverheadBench.Sample> samples) {
        for (OverheadBench.Sample s : samples) {
            o.withArray("runs")
                    .addObject()
                    .put("round", s.round())
                    .put("protected", s.isProtected())
                    .put("bytesPerSecond", Math.round(s.bytesPerSecond()))
                    .put("cpuMillisPerSecond", EvictRun.rounded(s.cpuMillisPerSecond()));
        }
        ObjectNode median = o.putObject("median");
        double[] throughput = new double[2];
        double[] cpu = new double[2];
        for (int i = 0; i < 2; i++) {
            boolean isProtected = i == 1;
            throughput[i] = Median.of(samples.stream()
                    .filter(s -> s.isProtected() == isProtected)
                    .mapToDouble(OverheadBench.Sample::bytesPerSecond));
            cpu[i] = Median.of(samples.stream()
                    .filter(s -> s.isProtected() == isProtected)
                    .mapToDouble(OverheadBench.Sample::cpuMillisPerSecond));
            median.putObject(isProtected ? "protected" : "unprotected")
                    .put("bytesPerSecond", Math.round(throughput[i]))
                    .put("cpuMillisPerSecond", EvictRun.rounded(cpu[i]));
        }
        double lost = 1 - throughput[1] / throughput[0];
        o.putObject("ratio").put("throughput", 1 - lost).put("cpu", cpu[1] / cpu[0]);
        System.out.printf(
                Locale.ROOT,
                "  %-8s unprotected %.2f MB/s, protected %.2f MB/s: %.2f %% less; the workload's own CPU %.1f and %.1f ms/s%n",
                o.get("writeRate").asText(),
                throughput[0] / 1e6,
                throughput[1] / 1e6,
                100 * lost,
                cpu[0],
                cpu[1]);
    }
}
