package io.decamp.testkit;

import io.decamp.broker.Endpoint;
import io.decamp.broker.Main;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;

/** A broker in a JVM of its own that a test can kill and start again on the same address with the same data. */
public final class BrokerProcess implements AutoCloseable {
    private final Path directory;
    private final Endpoint endpoint;
    private final Thread atExit = new Thread(this::end, "end-of-broker");
    private volatile Process process;

    private BrokerProcess(Path directory, Endpoint endpoint) {
        this.directory = directory;
        this.endpoint = endpoint;
    }

    /** Returns when clients may come. {@code directory} stays when the broker is gone. */
    public static BrokerProcess start(Path directory) {
        BrokerProcess broker = new BrokerProcess(directory, freeEndpoint());
        Runtime.getRuntime().addShutdownHook(broker.atExit);
        try {
            broker.start();
            return broker;
        } catch (RuntimeException e) {
            broker.close();
            throw e;
        }
    }

    public String bootstrap() {
        return endpoint.toString();
    }

    /** SIGKILL: what the broker has not written is lost, and nobody is told. */
    public void kill() {
        process.destroyForcibly().onExit().join();
    }

    /** After {@link #kill}: on the same address, with what the directory holds. */
    public void start() {
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "--dir",
                directory.toString(),
                "--listen",
                endpoint.toString());
        try {
            process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            BufferedReader output = process.inputReader();
            String ready = output.readLine();
            if (ready == null || !ready.contains("ready")) {
                throw new IllegalStateException("The broker said '" + ready + "' instead of being ready");
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Can't run a broker", e);
        }
    }

    /** Ends it. Twice is fine. */
    @Override
    public void close() {
        end();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException shuttingDown) {
            // the hook runs or has run; a dead process does not mind
        }
    }

    private void end() {
        if (process != null) {
            kill();
        }
    }

    private static Endpoint freeEndpoint() {
        try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return new Endpoint("127.0.0.1", probe.getLocalPort());
        } catch (IOException e) {
            throw new UncheckedIOException("No free port", e);
        }
    }
}
