package io.decamp.broker;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * A real Kafka broker (KRaft, one node in both roles) in this JVM: for a lone machine and for tests. It speaks plain
 * text and has no second copy of anything: several hosts with something to lose want a cluster of three.
 *
 * <p>A directory belongs to one broker at a time; Kafka locks it. What is in it survives a crash.
 */
public final class LocalBroker implements AutoCloseable {
    /** Kafka's own shutdown waits for ever for threads that a failed start never ran. */
    private static final Duration GIVE_UP_FAILED_AFTER = Duration.ofSeconds(5);

    private final DirectoryLock lock;
    private final KafkaRaftServer server;
    private final Endpoint advertised;

    private LocalBroker(DirectoryLock lock, KafkaRaftServer server, Endpoint advertised) {
        this.lock = lock;
        this.server = server;
        this.advertised = advertised;
    }

    /** Listens on {@code listen} and tells clients to come there. */
    public static LocalBroker start(Path directory, Endpoint listen) {
        Endpoint resolved = listen.resolved();
        return start(directory, resolved, resolved);
    }

    /**
     * Returns when the broker is registered and its sockets accept. After a crash that takes until the old
     * registration has timed out, {@link LocalBrokerConfig#SESSION_TIMEOUT_MS}, and the logs were checked.
     *
     * @param advertised what clients are told to connect to; needed when {@code listen} is a wildcard address
     * @throws BrokerFailedException the directory is not usable, is in use, or an address is taken
     */
    public static LocalBroker start(Path directory, Endpoint listen, Endpoint advertised) {
        DirectoryLock lock = null;
        KafkaRaftServer server = null;
        try {
            Files.createDirectories(directory);
            // before Kafka's own, which is found taken only when half of the broker runs
            lock = DirectoryLock.take(directory);
            format(directory);
            Endpoint controller = Endpoint.loopback().resolved();
            server = new KafkaRaftServer(
                    new KafkaConfig(LocalBrokerConfig.of(directory, listen, advertised, controller)), Time.SYSTEM);
            server.startup();
            return new LocalBroker(lock, server, advertised);
        } catch (Exception e) {
            if (server != null) {
                abandon(server);
            }
            if (lock != null) {
                lock.close();
            }
            throw new BrokerFailedException("No broker on " + listen + " in " + directory, e);
        }
    }

    private static void abandon(KafkaRaftServer server) {
        Thread shutdown =
                Thread.ofPlatform().name("broker-abandon").daemon().start(server::shutdown);
        try {
            shutdown.join(GIVE_UP_FAILED_AFTER);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What clients connect to, as {@code bootstrap.servers}. */
    public String bootstrap() {
        return advertised.toString();
    }

    /** Stops cleanly: the next start finds nothing to recover. */
    @Override
    public void close() {
        server.shutdown();
        server.awaitShutdown();
        lock.close();
    }

    /** Gives an empty directory its identity; leaves another one alone. */
    private static void format(Path directory) throws Exception {
        if (Files.exists(directory.resolve("meta.properties"))) {
            return;
        }
        try (PrintStream silent = new PrintStream(OutputStream.nullOutputStream())) {
            new Formatter()
                    .setPrintStream(silent)
                    .setClusterId(Uuid.randomUuid().toString())
                    .setNodeId(LocalBrokerConfig.NODE_ID)
                    .addDirectory(directory.toString())
                    .setMetadataLogDirectory(directory.toString())
                    .setReleaseVersion(MetadataVersion.LATEST_PRODUCTION)
                    .setControllerListenerName(LocalBrokerConfig.CONTROLLER)
                    .setIgnoreFormatted(true)
                    .run();
        }
    }

    /** Why there is no broker. */
    public static final class BrokerFailedException extends RuntimeException {
        BrokerFailedException(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
