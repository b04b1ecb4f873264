package io.decamp.coordinator.edge;

import io.decamp.contracts.event.EventType;
import io.decamp.coordinator.engine.CoordinatorLimits;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.CompactedView;
import io.decamp.edge.kafka.EventPublisher;
import io.decamp.edge.kafka.KafkaRegister;
import io.decamp.edge.kafka.KafkaSettings;
import io.opentelemetry.api.OpenTelemetry;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A coordinator in a JVM of its own, which a test can kill. */
final class CoordinatorProcess implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final String READY = "coordinator ready";

    private final Process process;

    private CoordinatorProcess(Process process) {
        this.process = process;
    }

    /** Returns when it knows all there is to know and has asked for its share. */
    static CoordinatorProcess start(String bootstrap) {
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx96m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--sun-misc-unsafe-memory-access=allow",
                "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
                "-cp",
                System.getProperty("java.class.path"),
                CoordinatorProcess.class.getName(),
                bootstrap);
        try {
            Process started = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            BufferedReader output = started.inputReader();
            String line = output.readLine();
            while (line != null && !line.contains(READY)) {
                line = output.readLine();
            }
            if (line == null) {
                throw new IllegalStateException("The coordinator ended with " + started.waitFor());
            }
            return new CoordinatorProcess(started);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** SIGKILL: it says goodbye to nobody. */
    void kill() {
        process.destroyForcibly().onExit().join();
    }

    @Override
    public void close() {
        kill();
    }

    static KafkaCoordinator coordinator(Bus bus, EventPublisher publisher, CoordinatorLimits limits) {
        KafkaRegister register = new KafkaRegister(bus);
        register.start();
        register.awaitCaughtUp(LIMIT);
        var nodes = CompactedView.start(bus, EventType.NODES);
        var specs = CompactedView.start(bus, EventType.WORKLOADS);
        nodes.awaitCaughtUp(LIMIT);
        specs.awaitCaughtUp(LIMIT);
        return KafkaCoordinator.start(bus, publisher, limits, register, nodes::onChange, specs::onChange);
    }

    public static void main(String[] arguments) throws InterruptedException {
        Bus bus = Bus.of(KafkaSettings.of(arguments[0]), "coordinator-process", OpenTelemetry.noop());
        coordinator(bus, new EventPublisher(bus), CoordinatorLimits.DEFAULT);
        System.out.println(READY);
        Thread.currentThread().join();
    }
}
