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
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A veth pair with a token bucket, between two network namespaces. */
class LinkRateOnALinkTest {
    private static final long GIGABIT = 125_000_000;
    private static final String PORT = "7399";
    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** On the slower link: not by the clock, by which a sender that gets no processor sends less in a second. */
    private static final int REPORTS_A_SECOND = (int) Math.ceilDiv(GIGABIT / 10, LinkProbe.REPORT_BYTES);

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
                Await.until("1.5 s of sending", LIMIT, () -> reports(source) > 45);
                // a machine that is busy with something else does not fill a gigabit all the time
                Await.until(
                        () -> "the rate of the link; told is " + last(source),
                        LIMIT,
                        () -> Math.abs(last(source) - GIGABIT) < 0.1 * GIGABIT);

                lab.limit("100mbit");
                long before = reports(source);
                Await.until(
                        "a second of sending, behind the report under way and what the faster link had in its queues",
                        LIMIT,
                        () -> reports(source) >= before + 2 + REPORTS_A_SECOND);
                assertEquals(GIGABIT / 10.0, last(source), 0.01 * GIGABIT);
            } finally {
                sender.kill();
                receiver.kill();
            }
        }
    }

    private static long reports(Path output) {
        return read(output).chars().filter(c -> c == '\n').count();
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
