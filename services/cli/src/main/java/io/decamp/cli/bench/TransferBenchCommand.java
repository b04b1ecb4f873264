package io.decamp.cli.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.Quantity;
import io.decamp.contracts.error.DecampException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures the page stream: with TLS and without, into prepared pages and into fresh ones, in turn. */
@Command(name = "transfer", description = "A first full copy, with TLS and without, into prepared and into fresh pages.")
final class TransferBenchCommand implements Callable<Integer> {
    /** Whole segments, and pages for the delta to be scattered over. */
    private static final long SMALLEST_BYTES = 64 << 20;

    private static final long UNIT_BYTES = 8 << 20;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "shows this and ends")
    private boolean help;

    @Option(names = "--size", description = "of the full copy (default: ${DEFAULT-VALUE})")
    private String size = "1GiB";

    @Option(names = "--rounds", description = "of all four (default: ${DEFAULT-VALUE})")
    private int rounds = 5;

    @Option(names = "--json", paramLabel = "FILE", description = "writes the figures there")
    private Path json;

    @Override
    public Integer call() throws Exception {
        long bytes = Quantity.bytes(size);
        if (rounds < 1 || bytes < SMALLEST_BYTES || bytes % UNIT_BYTES != 0) {
            throw DecampException.refused(
                    "bad-option",
                    "--rounds " + rounds + " --size " + size,
                    "Give --rounds 5 and a size of whole 8 MiB, 64MiB or more");
        }
        if (!OptimizingJvm.here()) {
            return OptimizingJvm.run(words());
        }
        List<TransferBench.Sample> samples = new ArrayList<>();
        try (TransferBench bench = new TransferBench(bytes)) {
            // the JIT's share of the first copy is not the stream's
            bench.run(true, false);
            bench.run(false, false);
            for (int round = 0; round < rounds; round++) {
                for (boolean tls : new boolean[] {true, false}) {
                    for (boolean prepared : new boolean[] {true, false}) {
                        samples.add(bench.run(tls, prepared));
                    }
                }
            }
        }
        ObjectNode root = new ObjectMapper().createObjectNode();
        root.put("scenario", "transfer " + size).put("sizeBytes", bytes).put("link", "loopback, both ends in one process");
        for (boolean tls : new boolean[] {true, false}) {
            for (boolean prepared : new boolean[] {true, false}) {
                report(root, samples.stream().filter(s -> s.tls() == tls && s.prepared() == prepared).toList());
            }
        }
        if (json != null) {
            Files.writeString(json, root.toPrettyString() + "\n");
        }
        return 0;
    }

    private List<String> words() {
        List<String> words = new ArrayList<>(List.of("bench", "transfer"));
        words.addAll(List.of("--size", size, "--rounds", Integer.toString(rounds)));
        if (json != null) {
            words.addAll(List.of("--json", json.toString()));
        }
        return words;
    }

    private static void report(ObjectNode root, List<TransferBench.Sample> samples) {
        String name = (samples.getFirst().tls() ? "tls" : "plain")
                + (samples.getFirst().prepared() ? ", prepared" : ", fresh");
        ObjectNode o = root.withArray("engines").addObject().put("engine", name);
        samples.forEach(s -> o.withArray("runs")
                .addObject()
                .put("bytesPerSecond", Math.round(s.bytesPerSecond()))
                .put("cpuMillis", EvictRun.rounded(s.cpuMillis()))
                .put("deltaMillis", EvictRun.rounded(s.deltaMillis())));
        double rate = Median.of(samples.stream().mapToDouble(TransferBench.Sample::bytesPerSecond));
        double cpu = Median.of(samples.stream().mapToDouble(TransferBench.Sample::cpuMillis));
        double delta = Median.of(samples.stream().mapToDouble(TransferBench.Sample::deltaMillis));
        o.putObject("median")
                .put("bytesPerSecond", Math.round(rate))
                .put("cpuMillis", EvictRun.rounded(cpu))
                .put("deltaMillis", EvictRun.rounded(delta));
        System.out.printf(
                Locale.ROOT,
                "  %-16s %5.0f MB/s, %5.0f ms of CPU on both ends; a scattered delta of 2048 pages %.1f ms%n",
                name,
                rate / 1e6,
                cpu,
                delta);
    }
}
