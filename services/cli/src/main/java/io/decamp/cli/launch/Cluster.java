package io.decamp.cli.launch;

import io.decamp.cli.Session;
import io.decamp.contracts.error.DecampException;
import io.decamp.edge.kafka.KafkaSettings;
import io.decamp.testkit.BrokerProcess;
import io.decamp.testkit.Lab;
import io.decamp.testkit.Trees;
import io.decamp.transfer.engine.tls.LoneMachineAuthority;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Two nodes on this machine that share nothing but a link, and a broker outside both: what the demo, the benchmarks and
 * the tests of the whole run on. Closing it removes all of it.
 */
public final class Cluster implements AutoCloseable {
    private static final int DATA_PORT = 7200;

    private final Path directory;
    private final Map<String, String> settings;
    private final Map<String, NodeProcesses> nodes = new ConcurrentHashMap<>();
    private final Thread atExit = new Thread(this::removeNow, "end-of-cluster");
    private Lab lab;
    private BrokerProcess broker;
    private Session session;
    private boolean gone;

    private Cluster(Path directory, Map<String, String> settings) {
        this.directory = directory;
        this.settings = Map.copyOf(settings);
    }

    /**
     * Returns when both nodes are ready. Nothing stays when it fails, or when the program is ended by a signal.
     *
     * @param separate each service is a process of its own
     * @param labOptions as of {@code deploy/lab/lab.sh up}
     */
    public static Cluster up(boolean separate, Steps steps, String... labOptions) {
        return up(separate, steps, Map.of(), labOptions);
    }

    /** @param settings of both nodes, besides those that make them nodes of this lab; names as an operator writes them */
    public static Cluster up(boolean separate, Steps steps, Map<String, String> settings, String... labOptions) {
        Cluster cluster;
        try {
            cluster = new Cluster(Files.createTempDirectory("decamp-cluster-"), settings);
        } catch (IOException e) {
            throw DecampException.refused("temporary-directory", "Cannot make one: " + e.getMessage(), "Free some space");
        }
        Runtime.getRuntime().addShutdownHook(cluster.atExit);
        try {
            cluster.start(separate, steps, labOptions);
            return cluster;
        } catch (RuntimeException | Error e) {
            cluster.close();
            throw e;
        }
    }

    private void start(boolean separate, Steps steps, String... labOptions) {
        steps.start("two nodes, alpha and beta, joined by a link");
        lab = Lab.up("d" + ProcessHandle.current().pid(), labOptions);
        steps.done(lab.alpha().address() + " and " + lab.beta().address());
        steps.start("a Kafka broker outside both");
        broker = BrokerProcess.start(directory.resolve("kafka"));
        lab.publish(Integer.parseInt(broker.bootstrap().substring(broker.bootstrap().lastIndexOf(':') + 1)));
        steps.done(broker.bootstrap());
        AotCache.ensure(NodePlan.services(separate), steps);
        startNodes(separate, steps);
        session = Session.open(KafkaSettings.of(broker.bootstrap()));
    }

    private void startNodes(boolean separate, Steps steps) {
        LoneMachineAuthority authority = LoneMachineAuthority.open(directory.resolve("tls"));
        for (Lab.Node node : new Lab.Node[] {lab.alpha(), lab.beta()}) {
            steps.start("Decamp on " + node + (separate ? ", each service a process" : ""));
            authority.contextOf(node.id());
            NodePlan plan = new NodePlan(
                    node.settings(),
                    broker.bootstrap(),
                    node.address() + ":" + DATA_PORT,
                    directory.resolve("tls/node-" + node + ".p12"),
                    directory.resolve("tls/password"),
                    settingsFile(),
                    Optional.empty(),
                    NodePlan.DEFAULT_FIRST_PORT,
                    separate,
                    node.enter());
            nodes.put(node.id().value(), NodeProcesses.start(plan));
            steps.done("ready");
        }
    }

    private Optional<Path> settingsFile() {
        if (settings.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder();
        settings.forEach((name, value) -> text.append(name).append('=').append(value).append('\n'));
        try {
            return Optional.of(Files.writeString(directory.resolve("node.properties"), text));
        } catch (IOException e) {
            throw DecampException.abort("temporary-directory", "Cannot write to " + directory, "Check the disk", e);
        }
    }

    public Lab lab() {
        return lab;
    }

    public BrokerProcess broker() {
        return broker;
    }

    public Session session() {
        return session;
    }

    public NodeProcesses processes(Lab.Node node) {
        return nodes.get(node.id().value());
    }

    /** Where the nodes keep the spans of their traces. */
    public List<Path> spanDirectories() {
        return nodes.values().stream()
                .map(n -> n.plan().settings().stateDirectory().resolve("spans"))
                .toList();
    }

    public Path directory() {
        return directory;
    }

    @Override
    public void close() {
        remove(this::stopGracefully);
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException shuttingDown) {
            // the hook runs or has run, and finds nothing to do
        }
    }

    private void removeNow() {
        System.err.printf("%ndecamp: ended by a signal; removes both nodes and all that runs in them%n");
        remove(() -> {});
    }

    private void stopGracefully() {
        if (session != null) {
            session.close();
        }
        nodes.values().forEach(NodeProcesses::close);
    }

    /** @param first what may take a while; a signal does not wait for it, as the lab takes with it what runs in its nodes */
    private synchronized void remove(Runnable first) {
        if (gone) {
            return;
        }
        gone = true;
        try {
            first.run();
        } finally {
            if (broker != null) {
                broker.close();
            }
            if (lab != null) {
                lab.close();
            }
            Trees.delete(directory);
        }
    }
}
