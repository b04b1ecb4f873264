package io.decamp.testkit.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.testkit.Await;
import io.decamp.testkit.Command;
import io.decamp.testkit.Host;
import io.decamp.testkit.PidServer;
import io.decamp.testkit.Procs;
import io.decamp.testkit.Tools;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeyLoadTest {
    private static final int KEYS = 2000;

    @BeforeAll
    static void needsRootAndServers() {
        Host.requireRoot();
        Host.requireProgram("redis-server");
        Host.requireProgram("memcached");
    }

    @ParameterizedTest
    @ValueSource(strings = {"redis", "memcached"})
    void shouldAskAtTheRateItWasGivenAndCheckEveryAnswer(String protocol) throws IOException {
        int port = freePort();
        try (PidServer server = start(protocol, port);
                LoadProcess load = LoadProcess.start(List.of(), new LoadProcess.Task(protocol, port, 4, KEYS, 256, 20))) {
            assertEquals(KEYS, load.fill().answers());
            LoadProcess.Window full = load.saturate(0.3, 1);
            LoadProcess.Window half = load.pace(1000, 1, 1);

            assertTrue(full.perSecond() > 1000, full.toString());
            assertEquals(1000, half.answers(), 150, "a Poisson process of this seed");
            assertEquals(0, half.wrong());
            assertTrue(half.p50() > 0 && half.p50() <= half.p99() && half.p99() <= half.max(), half.toString());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"redis", "memcached"})
    void shouldChargeAServerThatStandsStillWithEveryRequestThatWaited(String protocol) throws Exception {
        int port = freePort();
        try (PidServer server = start(protocol, port);
                LoadProcess load = LoadProcess.start(List.of(), new LoadProcess.Task(protocol, port, 4, KEYS, 256, 20))) {
            load.fill();
            Thread stopper = Thread.ofPlatform().start(() -> standStill(server.initPid(), Duration.ofMillis(400)));
            LoadProcess.Window window = load.pace(500, 1.5, 1);
            stopper.join();

            assertTrue(window.p99() > 300_000, "a quarter of the window stood still: " + window);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"redis", "memcached"})
    void shouldFailWhereAKeyIsMissing(String protocol) throws IOException {
        int port = freePort();
        try (PidServer server = start(protocol, port);
                LoadProcess load = LoadProcess.start(List.of(), new LoadProcess.Task(protocol, port, 1, KEYS, 256, 0))) {
            DecampException e = assertThrows(DecampException.class, () -> load.saturate(1, 1));

            assertTrue(e.getMessage().contains("The server answers"), e.getMessage());
        }
    }

    private static PidServer start(String protocol, int port) {
        String number = Integer.toString(port);
        List<String> command = protocol.equals("redis")
                ? List.of(program("redis-server"), "--port", number, "--bind", "127.0.0.1", "--save", "")
                : List.of(program("memcached"), "-u", "root", "-l", "127.0.0.1", "-p", number, "-t", "1");
        PidServer server = PidServer.start(command, List.of());
        Await.until(() -> "the server: " + server.output(), Duration.ofSeconds(10), () -> listens(port));
        return server;
    }

    private static String program(String name) {
        return Tools.program(name).orElseThrow().toString();
    }

    private static void standStill(long pid, Duration time) {
        Command.run("kill", "-STOP", Long.toString(pid)).check();
        Await.until("it to stop", Duration.ofSeconds(5), () -> Procs.state(pid).filter("T"::equals).isPresent());
        LockSupport.parkNanos(time.toNanos());
        Command.run("kill", "-CONT", Long.toString(pid)).check();
    }

    private static boolean listens(int port) {
        try (Socket probe = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return probe.isConnected();
        } catch (IOException notYet) {
            return false;
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return probe.getLocalPort();
        }
    }
}
