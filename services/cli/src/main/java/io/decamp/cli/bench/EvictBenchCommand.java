package io.decamp.cli.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Steps;
import io.decamp.cli.Quantity;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.PageRuns;
import io.decamp.testkit.ChainSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures a move by Decamp and by plain CRIU on the same work in the same run. */
@Command(name = "evict", description = "A move by Decamp and by plain CRIU, in turn, on the same work.")
final class EvictBenchCommand implements Callable<Integer> {
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "shows this and ends")
    private boolean help;

    @Option(names = "--size", description = "memory of the workload (default: ${DEFAULT-VALUE})")
    private String size = "1GiB";

    @Option(names = "--write-rate", description = "distinct pages a second, times 4096 (default: ${DEFAULT-VALUE})")
    private String writeRate = "10MB/s";

    @Option(names = "--runs", description = "of each engine (default: ${DEFAULT-VALUE})")
    private int runs = 5;

    @Option(names = "--kind", description = "pid or runc (default: ${DEFAULT-VALUE})")
    private String kind = "pid";

    @Option(names = "--engines", split = ",", description = "decamp, criu, criu-postcopy (default: the first two)")
    private List<String> engines = List.of(EvictRun.DECAMP, EvictRun.CRIU);

    @Option(names = "--rate", description = "limits the link, as tc writes it: 1gbit (default: none)")
    private String rate;

    @Option(names = "--separate", description = "each service a process of its own")
    private boolean separate;

    @Option(names = "--trace", description = "prints where the time of the last move by Decamp went")
    private boolean trace;

    @Option(names = "--json", paramLabel = "FILE", description = "writes the figures there")
    private Path json;

    @Override
    public Integer call() throws Exception {
        long sizeBytes = Quantity.bytes(size);
        long bytesPerSecond = Quantity.bytesPerSecond(writeRate);
        if (runs < 1 || !List.of("pid", "runc").contains(kind)) {
            throw DecampException.refused("bad-option", "--runs " + runs + " --kind " + kind, "Give --runs 5 --kind pid");
        }
        int mib = Math.toIntExact(sizeBytes >> 20);
        int pagesPerSecond = Math.toIntExact(bytesPerSecond / PageRuns.PAGE_BYTES);
        ChainSpec spec = ChainSpec.of(mib, pagesPerSecond).withTree(kind.equals("pid") ? 1 : 0, 2);
        List<EvictRun> all = new ArrayList<>();
        String[] lab = rate == null ? new String[0] : new String[] {"--rate", rate};
        try (Cluster cluster = Cluster.up(separate, new Steps(System.out), lab)) {
            EvictBench bench = new EvictBench(cluster, kind, spec);
            for (int run = 1; run <= runs; run++) {
                for (String engine : engines) {
                    EvictRun result = run(bench, engine, run);
                    System.out.println("  " + result);
                    all.add(result);
                }
            }
            if (trace) {
                System.out.print(bench.lastTrace());
            }
        }
        report(all, sizeBytes, bytesPerSecond);
        return all.stream().allMatch(EvictRun::verified) ? 0 : 1;
    }

    private static EvictRun run(EvictBench bench, String engine, int run) {
        return switch (engine) {
            case EvictRun.DECAMP -> bench.byDecamp(run);
            case EvictRun.CRIU -> bench.byCriu(run);
            case EvictRun.POST_COPY -> bench.byPostCopy(run);
            default ->
                throw DecampException.refused(
                        "unknown-engine", "No engine '" + engine + "'", "There are decamp, criu, criu-postcopy");
        };
    }

    private void report(List<EvictRun> all, long sizeBytes, long bytesPerSecond) throws Exception {
        ObjectNode root = new ObjectMapper().createObjectNode();
        root.put("scenario", "evict " + kind + " " + size + " " + writeRate)
                .put("sizeBytes", sizeBytes)
                .put("writeRateBytesPerSecond", bytesPerSecond)
                .put("link", rate == null ? "veth, no limit" : "veth, " + rate);
        ArrayNode list = root.putArray("runs");
        all.forEach(r -> r.addTo(list.addObject()));
        ObjectNode median = root.putObject("median");
        engines.forEach(e -> {
            ObjectNode o = median.putObject(e);
            EvictRun.putFreeze(o, median(all, e, EvictRun::freezeMillis));
            o.put("downtimeMillis", median(all, e, EvictRun::downtimeMillis))
                    .put("evictionMillis", median(all, e, EvictRun::evictionMillis))
                    .put("bytesBefore", median(all, e, r -> r.bytesBefore()))
                    .put("bytesAfter", median(all, e, r -> r.bytesAfter()));
        });
        if (engines.containsAll(List.of(EvictRun.DECAMP, EvictRun.CRIU))) {
            root.putObject("ratio")
                    .put("downtime", ratio(all, EvictRun::downtimeMillis))
                    .put("eviction", ratio(all, EvictRun::evictionMillis));
        }
        if (json != null) {
            Files.writeString(json, root.toPrettyString() + "\n");
        }
        engines.forEach(e -> System.out.printf(
                Locale.ROOT,
                "  median %-13s downtime %.1f ms, eviction %.1f ms%n",
                e,
                median(all, e, EvictRun::downtimeMillis),
                median(all, e, EvictRun::evictionMillis)));
    }

    private static double ratio(List<EvictRun> all, ToDoubleFunction<EvictRun> figure) {
        double of = median(all, EvictRun.DECAMP, figure) / median(all, EvictRun.CRIU, figure);
        return Math.round(of * 1000) / 1000.0;
    }

    private static double median(List<EvictRun> all, String engine, ToDoubleFunction<EvictRun> figure) {
        double middle = Median.of(all.stream().filter(r -> r.engine().equals(engine)).mapToDouble(figure));
        return Double.isNaN(middle) ? middle : EvictRun.rounded(middle);
    }
}
