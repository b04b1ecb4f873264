package io.decamp.linux.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QmpTest {
    private static final String GREETING = "{\"QMP\": {\"version\": {}}}\r\n";

    @TempDir
    Path directory;

    @Test
    void shouldKeepEventsThatComeBeforeAnAnswer() throws IOException {
        Path path = directory.resolve("qmp");
        try (FakeQemu qemu = new FakeQemu(path, GREETING, line -> line.contains("device_del")
                        ? "{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"d1\"}}\n{\"return\": {}}"
                        : "{\"return\": {\"status\": \"running\"}}");
                Qmp qmp = Qmp.connect(path)) {
            assertEquals("running", qmp.state());
            qmp.execute("device_del", java.util.Map.of("id", "d1"));

            var event = qmp.awaitEvent(
                    "DEVICE_DELETED", data -> data.path("device").asText().equals("d1"), Duration.ofSeconds(1));

            assertEquals("d1", event.path("data").path("device").asText());
            assertEquals("{\"execute\":\"device_del\",\"arguments\":{\"id\":\"d1\"}}", qemu.received().getLast());
        }
    }

    @Test
    void shouldLetEventsComeBeforeTheGreeting() throws IOException {
        Path path = directory.resolve("qmp");
        try (FakeQemu ignored = new FakeQemu(
                        path,
                        "{\"event\": \"DEVICE_DELETED\", \"data\": {}}\r\n" + GREETING,
                        line -> "{\"return\": {\"status\": \"running\"}}");
                Qmp qmp = Qmp.connect(path)) {
            assertEquals("running", qmp.state());
        }
    }

    @Test
    void shouldGiveQemusOwnWordsWhenItRefuses() throws IOException {
        Path path = directory.resolve("qmp");
        try (FakeQemu ignored = new FakeQemu(path, GREETING, line -> line.contains("capabilities")
                        ? "{\"return\": {}}"
                        : "{\"error\": {\"class\": \"GenericError\", \"desc\": \"Bus 'pci.0' does not support hotplugging\"}}");
                Qmp qmp = Qmp.connect(path)) {
            DecampException refusal = assertThrows(DecampException.class, () -> qmp.execute("device_add"));
            assertEquals("vm-command-refused", refusal.code());
            assertTrue(refusal.getMessage().contains("Bus 'pci.0' does not support hotplugging"), refusal.getMessage());
        }
    }

    @Test
    void shouldTellAClosedSocketFromOneThatIsNotThereAndOneThatIsNotQemus() throws IOException {
        assertEquals("vm-no-qmp", code(directory.resolve("nobody")));
        try (FakeQemu ignored = new FakeQemu(directory.resolve("web"), "HTTP/1.1 400 Bad Request\r\n", line -> null)) {
            assertEquals("vm-not-qemu", code(directory.resolve("web")));
        }
        try (FakeQemu ignored = new FakeQemu(directory.resolve("end"), GREETING, line -> null)) {
            assertEquals("vm-gone", code(directory.resolve("end")));
        }
    }

    private static String code(Path path) {
        return assertThrows(DecampException.class, () -> Qmp.connect(path).close()).code();
    }

    @Test
    void shouldFindTheAgentBehindWhatALastClientHasLeft() throws IOException {
        Path path = directory.resolve("agent");
        String left = "{\"return\": \"of somebody else\"}\n";
        try (FakeQemu qemu = new FakeQemu(path, left, line -> line.contains("guest-sync-delimited")
                        ? "\u00ff{\"return\": " + line.replaceAll("[^0-9]", "") + "}"
                        : "{\"return\": 7}");
                GuestAgent agent = GuestAgent.connect(path, Duration.ofSeconds(2))) {
            assertEquals(7, agent.openFile("/sys/fs/cgroup/x/cgroup.freeze", "w"));
        }
    }

    @Test
    void shouldSayThatNoAgentAnswers() throws IOException {
        Path path = directory.resolve("agent");
        try (FakeQemu ignored = new FakeQemu(path, "", line -> "")) {
            DecampException refusal = assertThrows(
                    DecampException.class, () -> GuestAgent.connect(path, Duration.ofMillis(50)));
            assertEquals("vm-no-agent", refusal.code());
        }
    }
}
