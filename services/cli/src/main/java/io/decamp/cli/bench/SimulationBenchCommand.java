package io.decamp.cli.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.Quantity;
import io.decamp.contracts.error.DecampException;
import io.decamp.coordinator.engine.plan.Candidate;
import io.decamp.coordinator.engine.plan.Rooms;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * A fleet without a kernel: the product's controller, queue of turns and planner on synthetic workloads. Needs no root.
 */
@Command(
        name = "simulation",
        description = "10 000 workloads on 100 nodes in virtual time: decisions a second, emptying nodes.")
final class SimulationBenchCommand implements Callable<Integer> {
    /** Of a host's evacuation: the most for which the whole bench stays within minutes. */
    private static final int MOST = 1_000;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "shows this and ends")
    private boolean help;

    @Option(names = "--nodes", description = "default: ${DEFAULT-VALUE}")
    private int nodes = 100;

    @Option(names = "--workloads", description = "on each node (default: ${DEFAULT-VALUE})")
    private int workloads = 100;

    @Option(names = "--rate", description = "of each node's link (default: ${DEFAULT-VALUE})")
    private String rate = "10Gbit/s";

    @Option(names = "--seconds", description = "of virtual time (default: ${DEFAULT-VALUE})")
    private int seconds = 20;

    @Option(
            names = "--deadline",
            description = "share of the time that emptying all of a node takes (default: ${DEFAULT-VALUE})")
    private String deadline = "50%";

    @Option(names = "--seed", description = "default: by the clock; printed")
    private Long seed;

    @Option(names = "--json", paramLabel = "FILE", description = "writes the figures there")
    private Path json;

    @Override
    public Integer call() throws Exception {
        if (nodes < 2 || nodes > MOST || workloads < 1 || workloads > MOST || seconds < 1 || seconds > MOST) {
            throw DecampException.refused(
                    "bad-option",
                    "--nodes " + nodes + " --workloads " + workloads + " --seconds " + seconds,
                    "Give 2 to " + MOST + " nodes, 1 to " + MOST + " workloads each, 1 to " + MOST + " seconds");
        }
        long link = Quantity.bytesPerSecond(rate);
        double share = Quantity.share(deadline);
        long used = seed != null ? seed : System.nanoTime();
        System.out.printf("%d workloads on %d nodes, links of %s, seed %d%n", nodes * workloads, nodes, rate, used);
        var fleet = new SimulatedFleet(nodes, workloads, link, used);
        SimulatedFleet.Figures steady = fleet.run(seconds);
        ObjectNode root = new ObjectMapper()
                .createObjectNode()
                .put("seed", used)
                .put("nodes", nodes)
                .put("workloads", nodes * workloads)
                .put("linkBytesPerSecond", link)
                .put("virtualSeconds", seconds);
        report(root, steady);
        report(root, evacuations(fleet, share, used));
        if (json != null) {
            Files.writeString(json, root.toPrettyString() + "\n");
        }
        return 0;
    }

    private static void report(ObjectNode root, SimulatedFleet.Figures f) {
        System.out.printf(
                Locale.ROOT,
                "  controller  %d decisions, %.0f a second of one processor%n"
                        + "  arbiter     %d turns, %.0f a second of one processor; links %.0f %% busy;"
                        + " longest wait for a turn %.2f s%n"
                        + "  objectives  attained %.1f %%, said to be out of reach %.1f %% of those that have one%n",
                f.decisions(), f.decisionsPerSecond(), f.turns(), f.turnsPerSecond(), 100 * f.busyShare(),
                f.longestWaitSeconds(), 100 * f.withinShare(), 100 * f.statedShare());
        root.putObject("steady")
                .put("decisions", f.decisions())
                .put("decisionsPerSecond", Math.round(f.decisionsPerSecond()))
                .put("turns", f.turns())
                .put("turnsPerSecond", Math.round(f.turnsPerSecond()))
                .put("linksBusyShare", f.busyShare())
                .put("longestWaitSeconds", f.longestWaitSeconds())
                .put("objectiveAttainedShare", f.withinShare())
                .put("objectiveNotAttainableShare", f.statedShare());
    }

    private List<SimulatedEvacuation.Figures> evacuations(SimulatedFleet fleet, double share, long used) {
        List<SimulatedEvacuation.Figures> all = new ArrayList<>();
        SplittableRandom random = new SplittableRandom(used ^ nodes);
        for (int host = 0; host < nodes; host++) {
            List<Candidate> candidates = new ArrayList<>();
            for (SimulatedFleet.Workload w : fleet.workloadsOf(host)) {
                var p = w.decision().prediction();
                long fixed = p.totalMicros() - p.roundsMicros();
                candidates.add(new Candidate(
                        w.name,
                        w.policy.getPriority(),
                        p.roundsMicros(),
                        fixed,
                        0,
                        w.bytes,
                        standby(host, random),
                        "",
                        Set.of()));
            }
            all.add(new SimulatedEvacuation(candidates, rooms(host), share, random).run());
        }
        return all;
    }

    private String standby(int host, SplittableRandom random) {
        return "n" + (host + 1 + random.nextInt(nodes - 1)) % nodes;
    }

    /** Of all other nodes; memory is not what this asks about. */
    private Rooms rooms(int host) {
        List<Rooms.Room> rooms = new ArrayList<>();
        for (int n = 0; n < nodes; n++) {
            if (n != host) {
                rooms.add(new Rooms.Room("n" + n, 1L << 42, 1L << 42));
            }
        }
        return Rooms.of(rooms);
    }

    private void report(ObjectNode root, List<SimulatedEvacuation.Figures> all) {
        double planned = all.stream().mapToDouble(SimulatedEvacuation.Figures::planned).sum();
        double firstCome = all.stream().mapToDouble(SimulatedEvacuation.Figures::firstCome).sum();
        double shortest = all.stream().mapToDouble(SimulatedEvacuation.Figures::shortestFirst).sum();
        double bound = all.stream().mapToDouble(SimulatedEvacuation.Figures::bound).sum();
        double whole = all.stream().mapToDouble(SimulatedEvacuation.Figures::all).sum();
        double worst = all.stream().mapToDouble(f -> f.planned() / f.bound()).min().orElse(1);
        long plans = all.stream().mapToLong(SimulatedEvacuation.Figures::plans).sum();
        long planNanos = all.stream().mapToLong(SimulatedEvacuation.Figures::planNanos).sum();
        double planMillis = planNanos / 1e6 / Math.max(1, plans);
        System.out.printf(
                Locale.ROOT,
                "  evacuation  each of %d nodes, %s of the time, %d moves at once, real times off by %.0f %%%n"
                        + "    value saved: planned %.1f %%, first come %.1f %%, shortest first %.1f %%;"
                        + " no order could save more than %.1f %%%n"
                        + "    planned is %.1f %% of that bound (worst node %.1f %%), and %.2f of first come;"
                        + " %.1f ms a plan%n",
                all.size(), deadline, SimulatedEvacuation.MOVES_AT_ONCE, 100 * SimulatedEvacuation.PREDICTION_SPREAD,
                100 * planned / whole, 100 * firstCome / whole, 100 * shortest / whole, 100 * bound / whole,
                100 * planned / bound, 100 * worst, planned / firstCome, planMillis);
        root.putObject("evacuation")
                .put("deadlineShare", deadline)
                .put("bound", "the smaller of two exact knapsacks, of link and of slot time, real times known")
                .put("valueOfAll", whole)
                .put("planned", planned)
                .put("firstCome", firstCome)
                .put("shortestFirst", shortest)
                .put("offlineBound", bound)
                .put("plannedOfBound", planned / bound)
                .put("worstNodeOfBound", worst)
                .put("plannedOfFirstCome", planned / firstCome)
                .put("plans", plans)
                .put("planMillis", planMillis);
    }
}
