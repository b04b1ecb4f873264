package io.decamp.cli;

import io.decamp.cli.launch.LoneNode;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** Which node of this machine a command means. */
final class NodeOptions {
    private static final Path STATE = Path.of("/var/lib/decamp");

    @Option(names = "--node", paramLabel = "NAME", description = "name of this machine's node (default: its host name)")
    private String node;

    @Option(
            names = "--state-directory",
            paramLabel = "DIR",
            description = "durable state of the node (default: /var/lib/decamp/NAME)")
    private Path stateDirectory;

    NodeId node() {
        return new NodeId(node != null ? node : hostName());
    }

    Path stateDirectory() {
        return stateDirectory != null
                ? stateDirectory.toAbsolutePath().normalize()
                : STATE.resolve(node().value());
    }

    /**
     * Takes the one node that is up on this machine, where the person named none.
     *
     * @throws DecampException {@code node-missing} when several are up
     */
    void takeTheOneThatIsUp() {
        if (node != null || stateDirectory != null) {
            return;
        }
        List<String> up = namesOfThoseUp();
        if (up.size() > 1) {
            throw DecampException.refused("node-missing", "Nodes " + up + " are up here", "Name one: --node NODE");
        }
        if (up.size() == 1) {
            node = up.getFirst();
        }
    }

    private static List<String> namesOfThoseUp() {
        try (Stream<Path> directories = Files.list(STATE)) {
            return directories
                    .filter(d -> !LoneNode.running(d).isEmpty())
                    .map(d -> d.getFileName().toString())
                    .sorted()
                    .toList();
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw DecampException.refused("state-directory", "Cannot list " + STATE + ": " + e.getMessage(), "Run as root");
        }
    }

    private static String hostName() {
        try {
            String full = InetAddress.getLocalHost().getHostName();
            return full.contains(".") ? full.substring(0, full.indexOf('.')) : full;
        } catch (UnknownHostException e) {
            return "local";
        }
    }
}
