package io.decamp.cli.launch;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.testkit.Repository;
import io.decamp.testkit.Scratch;
import io.decamp.testkit.Tools;
import io.decamp.testkit.Trees;
import io.decamp.transfer.engine.tls.LoneMachineAuthority;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Loaded and linked classes of a service, kept by the JVM between starts (JEP 483, JEP 515): a start takes less than half
 * of the processor time. Made once for each build, by starting the service for a moment with a broker and directories of
 * its own. The JVM itself refuses a cache that does not fit its jars, and starts without.
 */
final class AotCache {
    /** The JVM writes the cache when it ends: seconds of one core. */
    private static final Duration DUMP_LIMIT = Duration.ofSeconds(120);

    private AotCache() {}

    /** JVM options for a start; without effect where there is no cache. */
    static List<String> options(NodePlan.Service service) {
        Path cache = file(service);
        // what does not fit costs time, never correctness; its warnings would be the first lines of every log
        return Files.exists(cache) ? List.of("-XX:AOTCache=" + cache, "-Xlog:aot*=error,cds*=error") : List.of();
    }

    /** Makes what is missing. A failure is told and costs nothing but time at each start. */
    static void ensure(List<NodePlan.Service> services, Steps steps) {
        List<NodePlan.Service> missing =
                services.stream().filter(s -> !Files.exists(file(s))).toList();
        if (missing.isEmpty()) {
            return;
        }
        steps.start("start-up cache, once for each build");
        try (FileChannel ignored = lock()) {
            // looked at again: somebody else may have held the lock for this very reason
            train(missing.stream().filter(s -> !Files.exists(file(s))).toList());
            steps.done("starts take half the time from now on");
        } catch (IOException | DecampException e) {
            steps.done("not made: " + e.getMessage() + "; starts take longer");
        }
    }

    /** A build or a JVM of its own has a cache of its own. */
    private static Path file(NodePlan.Service service) {
        Path application = service.application(Repository.root());
        try {
            long built = Files.getLastModifiedTime(application).toMillis();
            int identity = (application + Runtime.version().toString()).hashCode();
            return directory().resolve(service.label() + "-" + Integer.toHexString(identity) + "-" + built + ".aot");
        } catch (IOException e) {
            throw DecampException.refused("not-built", application + " is not there", "Build it: ./decamp does");
        }
    }

    private static Path directory() {
        return Tools.home().resolve("aot");
    }

    /** Several commands may start at once; the lock is given back with the channel. */
    private static FileChannel lock() throws IOException {
        Files.createDirectories(directory());
        FileChannel channel =
                FileChannel.open(directory().resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        channel.lock();
        return channel;
    }

    private static void train(List<NodePlan.Service> services) throws IOException {
        if (services.isEmpty()) {
            return;
        }
        Path scratch = Files.createTempDirectory("decamp-aot-");
        Path memory = Scratch.onTmpfs("decamp-aot-");
        String bootstrap = "127.0.0.1:" + freePort();
        BrokerDaemon broker = null;
        try {
            broker = BrokerDaemon.launch(scratch.resolve("broker"), bootstrap, scratch.resolve("broker.log"));
            NodePlan plan = plan(scratch, memory, bootstrap);
            broker.awaitReady();
            for (NodePlan.Service service : services) {
                train(service, plan);
            }
        } finally {
            if (broker != null) {
                broker.stop();
            }
            Trees.delete(memory);
            Trees.delete(scratch);
        }
    }

    private static void train(NodePlan.Service service, NodePlan plan) throws IOException {
        Path half = directory().resolve(file(service).getFileName() + ".new");
        try {
            ServiceProcess process = ServiceProcess.start(
                    service, plan, NodeProcesses.command(plan, service, List.of("-XX:AOTCacheOutput=" + half)));
            try {
                process.awaitReady();
            } finally {
                process.stop(DUMP_LIMIT);
            }
            if (!Files.exists(half)) {
                throw new IOException("the JVM wrote none: " + String.join(" ", process.tail(1)));
            }
            removeOld(service);
            Files.move(half, file(service), StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(half);
        }
    }

    private static NodePlan plan(Path scratch, Path memory, String bootstrap) throws IOException {
        NodeId node = new NodeId("aot");
        LoneMachineAuthority.open(scratch.resolve("tls")).contextOf(node);
        var settings = new NodeSettings(
                node, scratch.resolve("state"), memory, "/decamp/aot", List.of("criu"), List.of("runc"));
        return new NodePlan(
                settings,
                bootstrap,
                "127.0.0.1:" + freePort(),
                scratch.resolve("tls/node-aot.p12"),
                scratch.resolve("tls/password"),
                Optional.empty(),
                Optional.empty(),
                freePort(),
                false,
                NodePlan.DETACHED);
    }

    /** Of this place: caches of other clones are theirs. */
    private static void removeOld(NodePlan.Service service) throws IOException {
        String name = file(service).getFileName().toString();
        String mine = name.substring(0, name.lastIndexOf('-') + 1);
        try (DirectoryStream<Path> old = Files.newDirectoryStream(directory(), mine + "*.aot")) {
            for (Path cache : old) {
                Files.delete(cache);
            }
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return probe.getLocalPort();
        }
    }
}
