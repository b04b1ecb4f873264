package io.decamp.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.launch.Cluster;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.PageRuns;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Command;
import io.decamp.testkit.PidWorkload;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/** What protection costs a self-checking writer that does not move. */
final class WriterOverhead {
    /** Of one processor: as much may be measured above the bound that the nodes keep by their model. */
    private static final double TOLERANCE = 0.01;
    /** Where the nodes do not tell their bound. */
    private static final double DEFAULT_BOUND = 0.01;

    private final Cluster cluster;
    private final Pinning pinning;
    private final Duration window;

    WriterOverhead(Cluster cluster, Pinning pinning, Duration window) {
        this.cluster = cluster;
        this.pinning = pinning;
        this.window = window;
    }

    /** @param cpuShare of one processor that the workload used: what it wrote, and the faults that it took for it */
    record Sample(int round, boolean isProtected, double bytesPerSecond, double cpuShare) {
        double workPerTime() {
            return bytesPerSecond / cpuShare;
        }
    }

    /** @param bound share of one processor that the nodes keep to; predicted: what they think they take */
    record Result(String name, boolean paced, List<Sample> samples, double bound, double predicted) {
        /**
         * Processor time lost to protection, a share of one processor. A paced writer does the same work in more time;
         * an unpaced one does less work in the time that it gets.
         */
        double overhead() {
            return paced
                    ? median(true, Sample::cpuShare) - median(false, Sample::cpuShare)
                    : 1 - median(true, Sample::workPerTime) / median(false, Sample::workPerTime);
        }

        private double throughputLost() {
            return 1 - median(true, Sample::bytesPerSecond) / median(false, Sample::bytesPerSecond);
        }

        double median(boolean isProtected, ToDoubleFunction<Sample> figure) {
            return Median.of(samples.stream().filter(s -> s.isProtected() == isProtected).mapToDouble(figure));
        }

        Target target() {
            return Target.atMost(
                    "overhead bound kept, " + name,
                    100 * overhead(),
                    100 * (bound + TOLERANCE),
                    " %",
                    String.format(
                            Locale.ROOT,
                            "bound %.1f %%, predicted %.2f %%; throughput lost %.1f %%",
                            100 * bound,
                            100 * predicted,
                            100 * throughputLost()));
        }

        void addTo(ObjectNode o) {
            o.put("writer", name).put("paced", paced);
            samples.forEach(s -> o.withArray("runs")
                    .addObject()
                    .put("round", s.round())
                    .put("protected", s.isProtected())
                    .put("bytesPerSecond", Math.round(s.bytesPerSecond()))
                    .put("cpuShare", s.cpuShare()));
            for (boolean isProtected : new boolean[] {false, true}) {
                o.withObject("/median/" + (isProtected ? "protected" : "unprotected"))
                        .put("bytesPerSecond", Math.round(median(isProtected, Sample::bytesPerSecond)))
                        .put("cpuShare", median(isProtected, Sample::cpuShare));
            }
            o.put("overhead", overhead()).put("bound", bound).put("predicted", predicted);
        }

        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "  %-18s unprotected %8.2f MB/s, %5.2f %% of a processor; protected %8.2f MB/s, %5.2f %%; lost %.2f %%",
                    name,
                    median(false, Sample::bytesPerSecond) / 1e6,
                    100 * median(false, Sample::cpuShare),
                    median(true, Sample::bytesPerSecond) / 1e6,
                    100 * median(true, Sample::cpuShare),
                    100 * overhead());
        }
    }

    Result run(String name, ChainSpec spec, int rounds) {
        List<String> enter = Command.join(cluster.lab().alpha().enter(), pinning.subject());
        try (PidWorkload workload = PidWorkload.start(spec, enter)) {
            WorkloadId id = WorkloadId.of("pid:" + workload.locatorPid(), cluster.lab().alpha().id());
            Turns turns = new Turns(cluster, id);
            List<Sample> samples = turns.run(rounds, (round, isProtected) -> measure(workload, round, isProtected));
            workload.stopAndJudge().check();
            double bound = turns.bound() > 0 ? turns.bound() : DEFAULT_BOUND;
            return new Result(name, spec.spread().paced(), samples, bound, turns.predicted());
        }
    }

    /** By the workload's own log: how many of its steps it did in how much of its time. */
    private Sample measure(PidWorkload workload, int round, boolean isProtected) {
        long pid = workload.log().init();
        long firstLine = workload.log().lines();
        long cpuBefore = TaskTime.nanos(pid);
        long start = System.nanoTime();
        Pause.of(window);
        long nanos = System.nanoTime() - start;
        double cpu = (double) (TaskTime.nanos(pid) - cpuBefore) / nanos;
        double pagesPerStep = workload.spec().pagesPerSecond() * (workload.spec().stepMicros() / 1e6);
        double steps = stepsPerSecond(workload.log().file(), firstLine);
        return new Sample(round, isProtected, steps * pagesPerStep * PageRuns.PAGE_BYTES, cpu);
    }

    /** Lines are {@code STEP CHAIN t=SECONDS w=WRITER}; the spec has one writer. */
    private static double stepsPerSecond(Path log, long skip) {
        try (Stream<String> lines = Files.lines(log)) {
            List<String[]> steps = lines.skip(skip)
                    .filter(l -> !l.startsWith("#"))
                    .map(l -> l.split(" "))
                    .filter(w -> w.length == 4)
                    .toList();
            String[] first = steps.getFirst();
            String[] last = steps.getLast();
            return (Long.parseLong(last[0]) - Long.parseLong(first[0])) / (time(last) - time(first));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static double time(String[] line) {
        return Double.parseDouble(line[2].substring("t=".length()));
    }
}
