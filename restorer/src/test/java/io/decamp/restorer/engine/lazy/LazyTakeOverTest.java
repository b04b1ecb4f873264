package io.decamp.restorer.engine.lazy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.testkit.Await;
import io.decamp.testkit.ChainOracle;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Procs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Page servers that run in a JVM of their own and are killed there, and what becomes of those who wait for a page. */
class LazyTakeOverTest {
    private static final long STILL_NANOS = 500_000_000;

    private LazyLab lab;
    private Process server;
    private int servers;

    @BeforeEach
    void open() {
        lab = new LazyLab();
    }

    @AfterEach
    void close() throws InterruptedException {
        if (server != null) {
            server.destroyForcibly().waitFor();
        }
        try (LazyPageServers left = lab.servers()) {
            left.takeOver();
            left.destroy(LazyLab.ID);
        }
        lab.close();
    }

    @Test
    void shouldBlockTheCopyWhileNobodyServesAndGoOnAfterwards() throws Exception {
        Path log = lab.base.resolve("chain.log");
        List<String> command = ChainSpec.of(64, 40_000).withTree(1, 2).command(Path.of("chain"), log);
        long source = lab.start("chain", command.subList(1, command.size()).toArray(String[]::new));
        Await.until("first lines", LazyLab.LIMIT, () -> lines(log) > 80);
        long copy = hold(source);
        startServer();
        lab.release();
        long held = lines(log);
        Await.until("first lines of the copy", LazyLab.LIMIT, () -> lines(log) > held + 4);
        killServer();
        awaitStillness(log);

        try (LazyPageServers successor = lab.servers()) {
            assertEquals(List.of(LazyLab.ID), successor.takeOver());
            successor.beginFill(LazyLab.ID);
            lab.awaitComplete();
            long blocked = lines(log);
            Await.until("lines after the take-over", LazyLab.LIMIT, () -> lines(log) > blocked + 100);
        }
        assertEquals(2, lab.complete.get(LazyLab.ID).takeOvers());
        Procs.terminate(copy);
        Await.until("the end of the copy", LazyLab.LIMIT, () -> !Procs.alive(copy));
        ChainOracle.judgeEnded(log).check();
    }

    @Test
    void shouldNeverRewindMemoryHoweverOftenTheServerIsKilled() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        Path log = lab.base.resolve("remapper.log");
        long source = lab.start(
                "remapper",
                "--log=" + log,
                "--go=" + lab.base.resolve("go"),
                "--operations=6000",
                "--seed=" + seed);
        Await.until("ready", LazyLab.LIMIT, () -> lines(log) == 1);
        hold(source);
        lab.release();
        Files.createFile(lab.base.resolve("go"));
        for (int kill = 0; kill < 4 && lines(log) == 1; kill++) {
            if (!startServer()) {
                return;
            }
            LockSupport.parkNanos(1 + random.nextInt(300_000_000));
            killServer();
        }

        try (LazyPageServers successor = lab.servers()) {
            successor.takeOver();
            if (lab.lost.containsKey(LazyLab.ID)) {
                assertLostFork(lab.lost.get(LazyLab.ID).code());
                return;
            }
            successor.beginFill(LazyLab.ID);
            lab.awaitComplete();
        }
        Await.until("a verdict", LazyLab.LIMIT, () -> lines(log) > 1);
        assertTrue(Files.readAllLines(log).get(1).startsWith("ok "), Files.readString(log));
        System.out.println(Files.readString(log) + lab.complete);
    }

    private long hold(long source) throws IOException {
        try (LazyPageServers first = lab.servers()) {
            long copy = lab.restore(first.start(LazyLab.ID, lab.freeze(source), lab.images));
            first.requireAttached(LazyLab.ID);
            return copy;
        }
    }

    /** The one thing that a kill may cost, some microseconds wide: it must be said, not run on zeros. */
    private static void assertLostFork(String report) {
        assertTrue(report.contains("lazy-memory-lost"), report);
        System.out.println("a fork died with the server: " + report);
    }

    /** @return false when it has reported a lost fork instead */
    private boolean startServer() throws IOException {
        Path out = lab.base.resolve("server-" + ++servers + ".out");
        server = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        LazyPageServerMain.class.getName(),
                        lab.base.resolve("lazy").toString(),
                        "false")
                .redirectErrorStream(true)
                .redirectOutput(out.toFile())
                .start();
        Await.until(() -> "a page server: " + LazyLab.tail(out), LazyLab.LIMIT, () -> LazyLab.tail(out)
                .matches("(?s).*(serving|lost) " + LazyLab.ID + ".*"));
        if (LazyLab.tail(out).contains("lost " + LazyLab.ID)) {
            assertLostFork(LazyLab.tail(out));
            return false;
        }
        return true;
    }

    private void killServer() throws InterruptedException {
        server.destroyForcibly().waitFor();
    }

    private static void awaitStillness(Path log) {
        long[] last = {lines(log), System.nanoTime()};
        Await.until("a blocked copy", LazyLab.LIMIT, () -> {
            long now = lines(log);
            if (now != last[0]) {
                last[0] = now;
                last[1] = System.nanoTime();
            }
            return System.nanoTime() - last[1] > STILL_NANOS;
        });
    }

    private static long lines(Path log) {
        try (var lines = Files.lines(log)) {
            return lines.count();
        } catch (IOException e) {
            return 0;
        }
    }
}
