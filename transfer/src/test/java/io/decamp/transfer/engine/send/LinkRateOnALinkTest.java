package io.decamp.transfer.engine.send;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.testkit.Await;
import io.decamp.testkit.Host;
import io.decamp.testkit.Lab;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A veth pair with a token bucket, between two network namespaces. */
class LinkRateOnALinkTest {
    private static final long GIGABIT = 125_000_000;
    private static final String PORT = "7399";
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    private Path directory;

    @BeforeAll
    static void needsRoot() {
        Host.requireRoot();
    }

    @Test
    void shouldTellTheRateOfTheLinkAndFollowADropToATenthWithinASecond() {
        Path sink = directory.resolve("sink");
        Path source = directory.resolve("source");
        try (Lab lab = Lab.up("wire-" + ProcessHandle.current().pid(), "--rate", "1gbit")) {
            Lab.Started receiver = lab.beta().start(program(PORT), Map.of(), sink);
            Await.until("the receiver", LIMIT, () -> read(sink).contains("listening"));
            Lab.Started sender = lab.alpha().start(program(lab.beta().address(), PORT), Map.of(), source);
            try {
                Await.until("1.5 s of sending", LIMIT, () -> read(source).lines().count() > 45);
                assertEquals(GIGABIT, last(source), 0.1 * GIGABIT);

                lab.limit("100mbit");
                // what the faster link still had in its queues, and then a second
                pass(Duration.ofMillis(1400));
                assertEquals(GIGABIT / 10.0, last(source), 0.01 * GIGABIT);
            } finally {
                sender.kill();
                receiver.kill();
            }
        }
    }

    private static void pass(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        while (System.nanoTime() < end) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
    }

    private static long last(Path output) {
        String complete = read(output);
        return Long.parseLong(complete.substring(0, complete.lastIndexOf('\n')).lines().toList().getLast());
    }

    private static String read(Path output) {
        try {
            return Files.exists(output) ? Files.readString(output) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> program(String... arguments) {
        List<String> command = new java.util.ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "--sun-misc-unsafe-memory-access=allow",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                LinkProbe.class.getName()));
        command.addAll(List.of(arguments));
        return command;
    }
}
