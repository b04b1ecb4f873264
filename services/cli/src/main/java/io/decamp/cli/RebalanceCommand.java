package io.decamp.cli;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.Restored;
import io.decamp.edge.kafka.Bus;
import io.decamp.requesters.rebalance.Execution;
import io.decamp.requesters.rebalance.FleetSnapshot;
import io.decamp.requesters.rebalance.FleetView;
import io.decamp.requesters.rebalance.Limits;
import io.decamp.requesters.rebalance.Move;
import io.decamp.requesters.rebalance.Plan;
import io.decamp.requesters.rebalance.Planner;
import io.opentelemetry.api.OpenTelemetry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A batch job: looks at all nodes, prints a plan, and makes its moves only when told to. */
@Command(
        name = "rebalance",
        description = "Shows which moves would even out memory over the nodes, as few as possible; makes them with"
                + " --execute.")
final class RebalanceCommand implements Callable<Integer> {
    private static final Duration READ_LIMIT = Duration.ofSeconds(15);
    /** More would only share the same links and processors. */
    private static final int MOST_PARALLEL = 4;

    @Mixin
    private ClientOptions client;

    @Mixin
    private HelpOption help;

    @Option(names = "--execute", description = "makes the moves after printing the plan (default: prints it only)")
    private boolean execute;

    @Option(names = "--max-moves", paramLabel = "N", description = "the most moves (default: ${DEFAULT-VALUE})")
    private int maxMoves = 20;

    @Option(
            names = "--threshold",
            paramLabel = "SHARE|SIZE",
            description = "a node may differ so much from the mean: a share of its memory, or a size"
                    + " (default: ${DEFAULT-VALUE})")
    private String threshold = "10%";

    @Option(
            names = "--by",
            description = "what is evened out: ${COMPLETION-CANDIDATES}; USED is all that is in use but for replicas,"
                    + " WORKLOADS the memory of protected workloads (default: ${DEFAULT-VALUE})")
    private FleetSnapshot.Measure measure = FleetSnapshot.Measure.USED;

    @Option(
            names = "--anywhere",
            description = "workloads may go to every node (default: to those named when they were protected, and their"
                    + " standby)")
    private boolean anywhere;

    @Option(
            names = "--parallel",
            paramLabel = "N",
            description = "so many moves at a time, at most 4 (default: ${DEFAULT-VALUE})")
    private int parallel = 1;

    @Option(names = "--wait-seconds", description = "how long to follow each move (default: ${DEFAULT-VALUE})")
    private int waitSeconds = 300;

    @Option(names = "--json", paramLabel = "FILE", description = "writes plan and results there")
    private Path json;

    @Override
    public Integer call() throws Exception {
        Limits limits = orCannotStart(this::limits);
        Bus bus = orCannotStart(() -> Bus.of(client.settings(), "rebalance", OpenTelemetry.noop()));
        try (FleetView view = orCannotStart(() -> FleetView.open(bus, READ_LIMIT))) {
            FleetSnapshot.Fleet fleet = view.snapshot().fleet(measure, anywhere);
            Plan plan = new Planner().plan(fleet.nodes(), fleet.movables(), limits);
            RebalanceReport report = new RebalanceReport(plan, fleet.left());
            System.out.print(report.toText());
            write(report);
            if (plan.moves().isEmpty() || !execute) {
                System.out.println(report.end(execute));
                return ExitCode.DONE;
            }
            boolean all = makeMoves(bus, view, plan, report);
            write(report);
            System.out.println(report.end(true));
            return all ? ExitCode.DONE : ExitCode.FAILED;
        }
    }

    private Limits limits() {
        if (parallel < 1 || parallel > MOST_PARALLEL || waitSeconds < 1) {
            throw DecampException.refused(
                    "bad-option",
                    "--parallel " + parallel + " --wait-seconds " + waitSeconds + " can't be done",
                    "Give 1 to " + MOST_PARALLEL + " moves at a time, and at least a second");
        }
        return threshold.strip().endsWith("%")
                ? Limits.ofShare(Quantity.share(threshold.strip()), maxMoves)
                : Limits.ofBytes(Quantity.bytes(threshold.strip()), maxMoves);
    }

    /** In the order of the plan, so many at a time; after a failure none is begun, and those under way are followed. */
    private boolean makeMoves(Bus bus, FleetView view, Plan plan, RebalanceReport report) throws Exception {
        Iterator<Move> moves = plan.moves().iterator();
        try (Execution execution = new Execution(bus, view);
                ExecutorService threads = Executors.newFixedThreadPool(parallel)) {
            List<Future<Boolean>> workers = new ArrayList<>();
            for (int i = 0; i < parallel; i++) {
                workers.add(threads.submit(() -> work(execution, moves, plan, report)));
            }
            boolean all = true;
            for (Future<Boolean> worker : workers) {
                all &= worker.get();
            }
            return all;
        }
    }

    private boolean work(Execution execution, Iterator<Move> moves, Plan plan, RebalanceReport report) {
        while (true) {
            Move move;
            synchronized (report) {
                if (report.failed() || !moves.hasNext()) {
                    return !report.failed();
                }
                move = moves.next();
            }
            try {
                int number = plan.moves().indexOf(move) + 1;
                Restored restored = execution.make(move, number, Duration.ofSeconds(waitSeconds));
                say(report, report.moved(move, restored));
            } catch (DecampException e) {
                say(report, report.failed(move, e));
            }
        }
    }

    private static void say(RebalanceReport report, String line) {
        synchronized (report) {
            System.out.println(line);
        }
    }

    private void write(RebalanceReport report) {
        if (json != null) {
            try {
                Files.writeString(json, report.toJson() + "\n");
            } catch (IOException e) {
                throw new DecampException(
                        DecampException.Category.REFUSED, "bad-option", "Can't write " + json, "Name another file", e);
            }
        }
    }

    private static <T> T orCannotStart(Supplier<T> step) {
        try {
            return step.get();
        } catch (DecampException e) {
            throw new CannotStartException(e);
        }
    }
}
