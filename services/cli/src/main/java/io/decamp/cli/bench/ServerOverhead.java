package io.decamp.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.launch.Cluster;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.testkit.Await;
import io.decamp.testkit.Command;
import io.decamp.testkit.Lab;
import io.decamp.testkit.PidServer;
import io.decamp.testkit.Tools;
import io.decamp.testkit.load.LoadProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/** What protection costs the clients of a real server under half of the load that this machine can serve. */
final class ServerOverhead {
    private static final Duration START_LIMIT = Duration.ofSeconds(20);
    private static final int CONNECTIONS = 16;
    private static final int VALUE_BYTES = 1024;
    /** One write for ten reads: what memtier_benchmark does when it is told nothing. */
    private static final int SET_PERCENT = 9;

    private static final double MAX_THROUGHPUT_LOST = 0.02;
    private static final double MAX_P99_GAIN = 0.05;
    /** Windows of full load: the first one also warms up the client. */
    private static final int CAPACITY_WINDOWS = 4;
    /** In /proc/PID/net/tcp. */
    private static final String LISTENING = " 0A ";

    private final Cluster cluster;
    private final Pinning pinning;
    private final Plan plan;

    /**
     * @param window of each measurement
     * @param full of each measurement of what the server can do at most
     * @param dataBytes of values that it holds
     */
    record Plan(Duration window, Duration full, long dataBytes, int rounds, long seed) {}

    ServerOverhead(Cluster cluster, Pinning pinning, Plan plan) {
        this.cluster = cluster;
        this.pinning = pinning;
        this.plan = plan;
    }

    /**
     * @param fullPerSecond answers at full load, one request at a time on each connection; for information
     * @param cpuShare of one processor that the server used in the window
     */
    record Sample(int round, boolean isProtected, double fullPerSecond, LoadProcess.Window window, double cpuShare) {}

    record Result(String server, double capacity, List<Sample> samples) {
        double offered() {
            return capacity / 2;
        }

        double median(boolean isProtected, ToDoubleFunction<Sample> figure) {
            return Median.of(samples.stream().filter(s -> s.isProtected() == isProtected).mapToDouble(figure));
        }

        private double change(ToDoubleFunction<Sample> figure) {
            return median(true, figure) / median(false, figure) - 1;
        }

        List<Target> targets() {
            return List.of(
                    Target.atMost(
                            server + ": throughput lost at half load",
                            -100 * change(s -> s.window().perSecond()), 100 * MAX_THROUGHPUT_LOST, " %",
                            String.format(Locale.ROOT, "at full load: %.1f %%", -100 * change(Sample::fullPerSecond))),
                    Target.atMost(
                            server + ": p99 latency gained at half load",
                            100 * change(s -> s.window().p99()), 100 * MAX_P99_GAIN, " %", ""));
        }

        void addTo(ObjectNode o) {
            o.put("server", server)
                    .put("capacityPerSecond", Math.round(capacity))
                    .put("offeredPerSecond", Math.round(offered()))
                    .put("connections", CONNECTIONS)
                    .put("valueBytes", VALUE_BYTES)
                    .put("setPercent", SET_PERCENT);
            samples.forEach(s -> o.withArray("runs")
                    .addObject()
                    .put("round", s.round())
                    .put("protected", s.isProtected())
                    .put("perSecond", Math.round(s.window().perSecond()))
                    .put("p50Micros", s.window().p50())
                    .put("p99Micros", s.window().p99())
                    .put("p999Micros", s.window().p999())
                    .put("maxMicros", s.window().max())
                    .put("fullPerSecond", Math.round(s.fullPerSecond()))
                    .put("cpuShare", s.cpuShare()));
        }

        private String line(boolean isProtected) {
            return String.format(
                    Locale.ROOT,
                    "    %-11s %,8.0f/s  p50 %6.1f us  p99 %7.1f us  p99.9 %8.1f us  processor %4.1f %%  full %,8.0f/s",
                    isProtected ? "protected" : "unprotected",
                    median(isProtected, s -> s.window().perSecond()),
                    median(isProtected, s -> s.window().p50()),
                    median(isProtected, s -> s.window().p99()),
                    median(isProtected, s -> s.window().p999()),
                    100 * median(isProtected, Sample::cpuShare),
                    median(isProtected, Sample::fullPerSecond));
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "  %s: %,.0f/s at most, %,.0f/s offered%n", server, capacity, offered())
                    + line(false)
                    + System.lineSeparator()
                    + line(true);
        }
    }

    /** @param server redis or memcached */
    Result run(String server) {
        int port = server.equals("redis") ? 6379 : 11_211;
        Lab.Node node = cluster.lab().alpha();
        int keys = Math.toIntExact(plan.dataBytes() / VALUE_BYTES);
        try (PidServer process =
                PidServer.start(command(server, port), Command.join(node.enter(), pinning.subject()))) {
            Await.until(() -> server + " to listen: " + process.output(), START_LIMIT, () -> listens(process, port));
            var task = new LoadProcess.Task(server, port, CONNECTIONS, keys, VALUE_BYTES, SET_PERCENT);
            try (LoadProcess load = LoadProcess.start(Command.join(node.enter(), pinning.client()), task)) {
                load.fill();
                double capacity = capacity(load);
                WorkloadId id = WorkloadId.of("pid:" + process.locatorPid(), node.id());
                List<Sample> samples = new Turns(cluster, id)
                        .run(plan.rounds(), (round, on) -> measure(process, load, capacity, round, on));
                requireRight(server, samples);
                return new Result(server, capacity, samples);
            }
        }
    }

    private double capacity(LoadProcess load) {
        double[] windows = new double[CAPACITY_WINDOWS - 1];
        load.saturate(seconds(plan.full()), plan.seed());
        for (int i = 0; i < windows.length; i++) {
            windows[i] = load.saturate(seconds(plan.full()), plan.seed() + i).perSecond();
        }
        return Median.of(Arrays.stream(windows));
    }

    /** Both windows of a round ask the same things at the same times. */
    private Sample measure(PidServer server, LoadProcess load, double capacity, int round, boolean isProtected) {
        double full = load.saturate(seconds(plan.full()), plan.seed() + round).perSecond();
        long cpuBefore = TaskTime.nanos(server.initPid());
        LoadProcess.Window window = load.pace(capacity / 2, seconds(plan.window()), plan.seed() + round);
        double cpu = (TaskTime.nanos(server.initPid()) - cpuBefore) / 1e9 / window.seconds();
        return new Sample(round, isProtected, full, window, cpu);
    }

    private static void requireRight(String server, List<Sample> samples) {
        long wrong = samples.stream().mapToLong(s -> s.window().wrong()).max().orElse(0);
        if (wrong > 0) {
            throw DecampException.abort(
                    "wrong-values", server + " answered with " + wrong + " wrong values", "Report it", null);
        }
    }

    private static List<String> command(String server, int port) {
        String program = Tools.program(server.equals("redis") ? "redis-server" : server)
                .orElseThrow(() -> DecampException.refused(
                        "program-missing", server + " is not installed", "Install it, or leave it out: --subjects"))
                .toString();
        String number = Integer.toString(port);
        return server.equals("redis")
                ? List.of(program, "--port", number, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
                : List.of(program, "-u", "root", "-l", "127.0.0.1", "-p", number, "-m", "1024", "-t", "1");
    }

    private static boolean listens(PidServer server, int port) {
        String address = String.format(Locale.ROOT, ":%04X ", port);
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + server.initPid() + "/net/tcp"))) {
            return lines.anyMatch(l -> l.contains(address) && l.contains(LISTENING));
        } catch (IOException gone) {
            return false;
        }
    }

    private static double seconds(Duration d) {
        return d.toNanos() / 1e9;
    }
}
