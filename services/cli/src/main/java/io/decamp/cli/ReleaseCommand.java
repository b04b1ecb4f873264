package io.decamp.cli;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Ends the protection of a workload; it runs on. */
@Command(name = "release", description = "Stops protecting a workload; it runs on.")
final class ReleaseCommand implements Callable<Integer> {
    private static final Duration LIMIT = Duration.ofSeconds(15);

    @Mixin
    private ClientOptions client;

    @Mixin
    private HelpOption help;

    @Parameters(paramLabel = "WORKLOAD", description = "as in status")
    private String workload;

    @Override
    public Integer call() {
        try (Session session = Session.open(client.settings())) {
            WorkloadId id = session.resolve(workload, null);
            if (!session.workloads().containsKey(id.value())) {
                throw DecampException.refused("not-protected", id + " is not protected", "See ./decamp status");
            }
            session.publisher().remove(EventType.WORKLOADS, id.value(), LIMIT);
            session.register().await(id, s -> s instanceof HandoffState.Unowned, LIMIT);
            System.out.printf("%s is not protected any more%n", id);
            return ExitCode.DONE;
        }
    }
}
