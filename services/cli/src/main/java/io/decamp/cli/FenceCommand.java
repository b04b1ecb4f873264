package io.decamp.cli;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import java.io.Console;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Puts on record that a node can run nothing any more, so that the others may go on without it. */
@Command(name = "fence", description = "Asserts that a node is powered off or its copies are destroyed.")
final class FenceCommand implements Callable<Integer> {
    private static final Duration LIMIT = Duration.ofSeconds(15);

    @Mixin
    private ClientOptions client;

    @Mixin
    private HelpOption help;

    @Parameters(paramLabel = "NODE", description = "node that is off, or whose copies are destroyed")
    private String node;

    @Option(
            names = "--assert",
            paramLabel = "WORDS",
            description = "the assertion itself, for a fencing agent; a person is asked for it")
    private String assertion;

    @Override
    public Integer call() {
        NodeId fenced = new NodeId(node);
        String wanted = fenced + " is powered off or its copies are destroyed";
        String given = assertion != null ? assertion : ask(fenced, wanted);
        if (!wanted.equals(given.strip())) {
            throw DecampException.refused(
                    "not-asserted",
                    "'" + given + "' is not the assertion that is needed",
                    "Make sure, then say exactly: " + wanted);
        }
        try (Session session = Session.open(client.settings())) {
            Map<WorkloadId, HandoffState> concerned = new LinkedHashMap<>();
            session.register().states().forEach((id, state) -> {
                if (concerns(state, fenced)) {
                    concerned.put(id, state);
                }
            });
            concerned.forEach((id, state) -> {
                String by = System.getProperty("user.name", "unknown");
                HandoffState after = session.register()
                        .append(id, HandoffRecords.fenced(id, state, fenced, wanted, by), LIMIT);
                System.out.printf("%s: %s -> %s%n", id, state, after);
            });
            System.out.printf("%s is fenced for %d workloads%n", fenced, concerned.size());
            return ExitCode.DONE;
        }
    }

    private static boolean concerns(HandoffState state, NodeId node) {
        return switch (state) {
            case HandoffState.Unowned s -> false;
            case HandoffState.Owned s -> s.node().equals(node);
            case HandoffState.Offered s -> s.from().equals(node) || s.to().equals(node);
            case HandoffState.Taken s -> s.from().equals(node) || s.to().equals(node);
        };
    }

    private static String ask(NodeId node, String wanted) {
        Console console = System.console();
        if (console == null) {
            throw DecampException.refused(
                    "not-asserted", "There is nobody to ask", "Give --assert '" + wanted + "' when it is true");
        }
        return console.readLine(
                "An unreachable node is not a fenced one: if %s still runs a copy, two will run.%nType: %s%n> ",
                node, wanted);
    }
}
