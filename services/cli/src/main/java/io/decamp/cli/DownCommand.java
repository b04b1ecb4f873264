package io.decamp.cli;

import io.decamp.cli.launch.LoneNode;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Stops what {@code up} started. What is protected, frozen or restored stays as it is. */
@Command(name = "down", description = "Stops this machine's node and broker; workloads go on.")
final class DownCommand implements Callable<Integer> {
    @Mixin
    private HelpOption help;

    @Mixin
    private NodeOptions node;

    @Override
    public Integer call() {
        node.takeTheOneThatIsUp();
        List<String> stopped = LoneNode.down(node.stateDirectory(), ClientOptions.DEFAULT_CONFIG, System.out);
        if (stopped.isEmpty()) {
            System.out.printf("Node %s is not up (%s)%n", node.node(), node.stateDirectory());
        } else {
            System.out.printf("Node %s is down. Its workloads go on; state is kept in %s%n", node.node(), node.stateDirectory());
        }
        return ExitCode.DONE;
    }
}
