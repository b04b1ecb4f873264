package io.decamp.cli;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import java.io.Console;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Puts on record that a node can run nothing any more, so that the others may go on without it. */
@Command(name = "fence", description = "Asserts that a node is powered off or its copies are destroyed.")
final class FenceCommand implements Callable<Integer> {
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
            Fencing fencing = new Fencing(
                    session.register(), fenced, wanted, System.getProperty("user.name", "unknown"));
            int done = 0;
            int failed = 0;
            for (var each : session.register().states().entrySet()) {
                if (fencing.concerns(each.getValue())) {
                    try {
                        System.out.printf("%s: %s -> ", each.getKey(), each.getValue());
                        System.out.println(fencing.fence(each.getKey(), each.getValue()));
                        done++;
                    } catch (DecampException e) {
                        System.out.printf("failed: %s (%s). %s%n", e.getMessage(), e.code(), e.advice());
                        failed++;
                    }
                }
            }
            System.out.printf("%s is fenced for %d workloads, not for %d%n", fenced, done, failed);
            return failed == 0 ? ExitCode.DONE : ExitCode.FAILED;
        }
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
