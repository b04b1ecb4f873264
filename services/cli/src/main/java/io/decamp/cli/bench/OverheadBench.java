package io.decamp.cli.bench;

import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Watch;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.introspector.engine.memory.HostMemorySource;
import io.decamp.linux.proc.ProcFs;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.PidWorkload;
import io.decamp.testkit.Trees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** What protection costs a workload that does not move: unprotected and protected in turn, the same process throughout. */
final class OverheadBench {
    private static final Duration LIMIT = Duration.ofMinutes(3);
    /** After the first copy, so that what is measured is the steady state. */
    private static final int SETTLED_EPOCHS = 3;
    /** User and system time in /proc/PID/stat, USER_HZ. */
    private static final int TICK_MILLIS = 10;

    private static final int UTIME_AFTER_COMMAND = 14 - 3;

    private final Cluster cluster;
    private final Duration window;

    OverheadBench(Cluster cluster, Duration window) {
        this.cluster = cluster;
        this.window = window;
    }

    /** @param cpuMillisPerSecond of the workload itself: what it wrote, and the faults that it took for it */
    record Sample(int round, boolean isProtected, double bytesPerSecond, double cpuMillisPerSecond) {}

    /** Rounds of both, alternating which comes first, so that a machine that gets slower harms both alike. */
    List<Sample> run(ChainSpec spec, int rounds) {
        List<Sample> samples = new ArrayList<>();
        try (PidWorkload workload = PidWorkload.start(spec, cluster.lab().alpha().enter())) {
            WorkloadId id = WorkloadId.of("pid:" + workload.locatorPid(), cluster.lab().alpha().id());
            for (int round = 1; round <= rounds; round++) {
                for (boolean isProtected : new boolean[] {round % 2 == 0, round % 2 != 0}) {
                    samples.add(isProtected ? measuredProtected(workload, id, round) : measure(workload, round, false));
                }
            }
            workload.stopAndJudge().check();
        }
        return samples;
    }

    private Sample measuredProtected(PidWorkload workload, WorkloadId id, int round) {
        try (Watch watch = Watch.open(cluster.session(), id, epoch -> {})) {
            WorkloadSpec wanted = WorkloadSpec.newBuilder()
                    .setWorkload(id.value())
                    .addNodes("alpha")
                    .addNodes("beta")
                    .build();
            cluster.session().publisher().send(EventType.WORKLOADS, wanted, LIMIT);
            watch.awaitEpochs(0, 1 + SETTLED_EPOCHS, LIMIT);
            Sample sample = measure(workload, round, true);
            cluster.session().publisher().remove(EventType.WORKLOADS, id.value(), LIMIT);
            cluster.session().register().await(id, s -> s instanceof HandoffState.Unowned, LIMIT);
            return sample;
        }
    }

    /** By the workload's own log: how many of its steps it did in how much of its time. */
    private Sample measure(PidWorkload workload, int round, boolean isProtected) {
        int pid = Math.toIntExact(workload.log().init());
        long firstLine = workload.log().lines();
        long cpuBefore = cpuMillis(pid);
        long start = System.nanoTime();
        pass(window);
        double seconds = (System.nanoTime() - start) / 1e9;
        double cpu = (cpuMillis(pid) - cpuBefore) / seconds;
        Progress p = progress(workload.log().file(), firstLine);
        double pagesPerStep = workload.spec().pagesPerSecond() * (workload.spec().stepMicros() / 1e6);
        return new Sample(round, isProtected, p.stepsPerSecond() * pagesPerStep * PageRuns.PAGE_BYTES, cpu);
    }

    private record Progress(long firstStep, double firstSeconds, long lastStep, double lastSeconds) {
        double stepsPerSecond() {
            return (lastStep - firstStep) / (lastSeconds - firstSeconds);
        }
    }

    /** Lines are {@code STEP CHAIN t=SECONDS w=WRITER}; the spec has one writer. */
    private static Progress progress(Path log, long skip) {
        try (Stream<String> lines = Files.lines(log)) {
            List<String[]> steps = lines.skip(skip)
                    .filter(l -> !l.startsWith("#"))
                    .map(l -> l.split(" "))
                    .filter(w -> w.length == 4)
                    .toList();
            String[] first = steps.getFirst();
            String[] last = steps.getLast();
            return new Progress(Long.parseLong(first[0]), time(first), Long.parseLong(last[0]), time(last));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static double time(String[] line) {
        return Double.parseDouble(line[2].substring("t=".length()));
    }

    private static long cpuMillis(int pid) {
        String stat = ProcFs.read(pid, "stat");
        String[] rest = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(rest[UTIME_AFTER_COMMAND]) + Long.parseLong(rest[UTIME_AFTER_COMMAND + 1])) * TICK_MILLIS;
    }

    private static void pass(Duration time) {
        try {
            new CountDownLatch(1).await(time.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** How long an injection stops a process, microseconds: one of a new workload each. */
    static List<Long> injections(ChainSpec spec, int count) {
        List<Long> stopped = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Path memory = tmpfs();
            try (PidWorkload workload = PidWorkload.start(spec)) {
                int pid = Math.toIntExact(workload.initPid());
                WorkloadId id = new WorkloadId("pid:" + pid + "@bench");
                HostMemorySource source = new HostMemorySource(memory, any -> pid);
                stopped.add(source.track(id, 1).stoppedMicrosMax());
                source.untrack(id);
            } finally {
                Trees.delete(memory);
            }
        }
        return stopped;
    }

    static Path tmpfs() {
        try {
            return Files.createTempDirectory(Path.of("/dev/shm"), "decamp-bench-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
