package io.decamp.cli;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.edge.kafka.TopicAdmin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Whether the broker goes down together with a node: then nothing is left that could decide where a workload runs. */
final class SharedFate {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private SharedFate() {}

    /** Empty when at least one broker seems to run elsewhere. */
    static Optional<String> reason(Session session, NodeId source) {
        NodeAnnounced node = session.nodes().get(source.value());
        List<String> brokers = new TopicAdmin(session.bus()).brokerHosts(LIMIT);
        boolean here = node.getBootId().equals(bootId());
        if (!brokers.stream().allMatch(host -> host.equals(hostOf(node)) || (here && isLocal(host)))) {
            return Optional.empty();
        }
        return Optional.of("the only broker (" + String.join(", ", brokers) + ") runs on the machine of node " + source
                + ", the source. If that machine fails, no register is left to decide the move: what is frozen then stays"
                + " frozen, and what is lost can't be taken over. Name a cluster elsewhere:"
                + " ./decamp up --bootstrap-servers HOST:PORT");
    }

    private static String hostOf(NodeAnnounced node) {
        String address = node.getDataAddress();
        return address.substring(0, Math.max(0, address.lastIndexOf(':')));
    }

    /** A name that can't be looked up is not known to be here. */
    private static boolean isLocal(String host) {
        try {
            InetAddress address = InetAddress.getByName(host);
            return address.isLoopbackAddress() || NetworkInterface.getByInetAddress(address) != null;
        } catch (UnknownHostException | SocketException e) {
            return false;
        }
    }

    private static String bootId() {
        try {
            return Files.readString(BOOT_ID).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
