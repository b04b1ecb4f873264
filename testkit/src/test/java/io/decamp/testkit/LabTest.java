package io.decamp.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class LabTest {
    @BeforeAll
    static void needsRoot() {
        Host.requireRoot();
    }

    @Test
    void shouldGiveEachNodeItsOwnProcessesMountsAndNetwork() {
        try (Lab lab = Lab.up()) {
            lab.alpha().run("touch", lab.alpha().memoryDirectory().resolve("mine").toString()).check();

            assertEquals("alpha", lab.alpha().run("cat", "/proc/sys/kernel/hostname").output().strip());
            assertEquals("beta", lab.beta().run("cat", "/proc/sys/kernel/hostname").output().strip());
            for (String kind : List.of("net", "mnt", "pid")) {
                String link = "/proc/1/ns/" + kind;
                assertNotEquals(
                        lab.alpha().run("readlink", link).output(), lab.beta().run("readlink", link).output());
            }
            Path mine = lab.alpha().memoryDirectory().resolve("mine");
            assertTrue(Files.exists(lab.alpha().seenFromHere(mine)));
            assertNotEquals(0, lab.beta().run("test", "-e", mine.toString()).status());
            assertFalse(Files.exists(mine));
        }
    }

    @Test
    void shouldCountTheBytesThatCrossTheLinkAndNoneOfTheControlPlane() throws Exception {
        try (Lab lab = Lab.up();
                ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            lab.publish(server.getLocalPort());
            Path output = Files.createTempFile("lab", ".out");
            long before = lab.beta().counters().receivedBytes();

            Lab.Started client = lab.alpha().start(
                    List.of("bash", "-c", "head -c 1000000 /dev/zero > /dev/tcp/127.0.0.1/" + server.getLocalPort()),
                    Map.of(),
                    output);
            try (Socket accepted = server.accept()) {
                assertEquals(1_000_000, accepted.getInputStream().readAllBytes().length);
            }
            client.launcher().waitFor();

            assertTrue(lab.beta().counters().receivedBytes() - before < 10_000);
            Files.delete(output);
        }
    }

    @Test
    void shouldReachAServerInsideANode() throws IOException {
        try (Lab lab = Lab.up()) {
            Path output = Files.createTempFile("lab", ".out");
            String served = lab.beta().stateDirectory().toString();
            Files.writeString(Path.of(served, "word"), "from beta");
            lab.beta().start(List.of("busybox", "httpd", "-f", "-p", "127.0.0.1:7000", "-h", served), Map.of(), output);
            Await.until("the server in beta", Duration.ofSeconds(5), () -> lab.beta()
                    .run("grep", "-q", "0100007F:1B58", "/proc/net/tcp")
                    .status() == 0);
            int port = lab.beta().reach(null, 7000);

            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                socket.getOutputStream().write("GET /word HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
                assertTrue(answer.endsWith("from beta"), answer);
            }
            Files.delete(output);
        }
    }

    @Test
    void shouldLeaveNothingBehindEvenOfAWorkloadThatIsFrozen() throws IOException {
        Lab lab = Lab.up();
        PidWorkload workload = PidWorkload.start(ChainSpec.of(4, 100), lab.alpha().enter());
        long init = workload.initPid();
        freeze(init, lab.alpha().cgroupPrefix() + "/frozen");

        lab.close();

        assertFalse(Procs.alive(init));
        assertFalse(Files.exists(lab.alpha().stateDirectory()));
        assertFalse(Files.exists(freezer().resolve("decamp-lab-" + lab.id())));
        workload.close();
    }

    @Test
    void shouldNotMindBeingTakenDownTwice() {
        Lab lab = Lab.up();
        lab.close();
        lab.close();
    }

    private static Path freezer() {
        Path v1 = Path.of("/sys/fs/cgroup/freezer");
        return Files.isDirectory(v1) ? v1 : Path.of("/sys/fs/cgroup");
    }

    private static void freeze(long pid, String cgroup) throws IOException {
        Path directory = Files.createDirectories(freezer().resolve(cgroup.substring(1)));
        Files.writeString(directory.resolve("cgroup.procs"), Long.toString(pid));
        Path v1 = directory.resolve("freezer.state");
        Files.writeString(Files.exists(v1) ? v1 : directory.resolve("cgroup.freeze"), Files.exists(v1) ? "FROZEN" : "1");
    }
}
