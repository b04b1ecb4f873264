package io.decamp.testkit;

import io.decamp.broker.Endpoint;
import io.decamp.broker.LocalBroker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.kafka.KafkaContainer;
import org.testcontainers.utility.DockerImageName;

/**
 * A real broker for a test: in a container where Docker answers, in this JVM otherwise.
 * {@code -Ddecamp.test.broker=local|docker} decides instead.
 */
public final class KafkaBroker implements AutoCloseable {
    private static final String IMAGE = "apache/kafka-native:4.1.1";

    /** Kafka tells its life at INFO. Held here, for the log manager holds loggers weakly. */
    private static final List<Logger> QUIET = Stream.of(
                    "org.apache.kafka", "kafka", "state.change.logger", "org.testcontainers")
            .map(Logger::getLogger)
            .toList();

    private final String bootstrap;
    private final Runnable stop;

    private KafkaBroker(String bootstrap, Runnable stop) {
        this.bootstrap = bootstrap;
        this.stop = stop;
    }

    /** Without any topic; topics are not made by using them. */
    public static KafkaBroker start() {
        QUIET.forEach(logger -> logger.setLevel(Level.WARNING));
        return switch (System.getProperty("decamp.test.broker", "auto")) {
            case "docker" -> inContainer();
            case "local" -> inThisJvm();
            default -> dockerAnswers() ? inContainer() : inThisJvm();
        };
    }

    public String bootstrap() {
        return bootstrap;
    }

    @Override
    public void close() {
        stop.run();
    }

    private static KafkaBroker inContainer() {
        KafkaContainer container = new KafkaContainer(
                        DockerImageName.parse(IMAGE).asCompatibleSubstituteFor("apache/kafka"))
                .withEnv("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false");
        container.start();
        return new KafkaBroker(container.getBootstrapServers(), container::close);
    }

    private static KafkaBroker inThisJvm() {
        try {
            Path directory = Files.createTempDirectory("decamp-broker");
            LocalBroker broker = LocalBroker.start(directory, Endpoint.loopback());
            return new KafkaBroker(broker.bootstrap(), () -> {
                broker.close();
                Trees.delete(directory);
            });
        } catch (IOException e) {
            throw new UncheckedIOException("No directory for a broker", e);
        }
    }

    /** Asking Docker costs half a second and a block of errors in the log: only where there may be one. */
    private static boolean dockerAnswers() {
        boolean likely = System.getenv("DOCKER_HOST") != null || Files.exists(Path.of("/var/run/docker.sock"));
        return likely && DockerClientFactory.instance().isDockerAvailable();
    }
}
