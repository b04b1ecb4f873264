package io.decamp.cli;

import io.decamp.contracts.id.NodeId;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
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

    private static String hostName() {
        try {
            String full = InetAddress.getLocalHost().getHostName();
            return full.contains(".") ? full.substring(0, full.indexOf('.')) : full;
        } catch (UnknownHostException e) {
            return "local";
        }
    }
}
