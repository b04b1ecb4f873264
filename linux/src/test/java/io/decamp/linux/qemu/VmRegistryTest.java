package io.decamp.linux.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VmRegistryTest {
    @TempDir
    Path state;

    @Test
    void shouldFindWhatIsWritten() throws IOException {
        write("b", "qmp=/run/b.qmp\nagent=/run/b.qga\nreceives=true\n");
        write("a", "qmp=/run/a.qmp\n");

        List<VmRegistration> all = new VmRegistry(state).all();

        assertEquals(
                List.of(
                        new VmRegistration("a", Path.of("/run/a.qmp"), Optional.empty(), false),
                        new VmRegistration("b", Path.of("/run/b.qmp"), Optional.of(Path.of("/run/b.qga")), true)),
                all);
    }

    @Test
    void shouldKnowNoneWithoutADirectory() {
        assertEquals(List.of(), new VmRegistry(state).all());
        assertEquals("vm-no-receiver", refusal(() -> new VmRegistry(state).receiver()).code());
    }

    @Test
    void shouldReceiveInTheOnlyOneOrTheOneThatSaysSo() throws IOException {
        write("a", "qmp=/run/a.qmp\n");
        assertEquals("a", new VmRegistry(state).receiver().name());

        write("b", "qmp=/run/b.qmp\nreceives=true\n");
        assertEquals("b", new VmRegistry(state).receiver().name());

        write("c", "qmp=/run/c.qmp\nreceives=true\n");
        assertEquals("vm-receiver-unclear", refusal(() -> new VmRegistry(state).receiver()).code());
    }

    @Test
    void shouldNameWhatIsKnownWhenAskedForAnother() throws IOException {
        write("a", "qmp=/run/a.qmp\n");

        DecampException refusal = refusal(() -> new VmRegistry(state).require("x"));

        assertEquals("vm-not-found", refusal.code());
        assertTrue(refusal.advice().contains("[a]"), refusal.advice());
    }

    @Test
    void shouldRefuseAFileThatSaysNothingUsable() throws IOException {
        write("a", "receives=true\n");
        assertEquals("vm-registration", refusal(() -> new VmRegistry(state).all()).code());
        write("a", "qmp=/x\nreceives=yes\n");
        assertEquals("vm-registration", refusal(() -> new VmRegistry(state).all()).code());
    }

    private static DecampException refusal(Runnable action) {
        return assertThrows(DecampException.class, action::run);
    }

    private void write(String name, String text) throws IOException {
        Path directory = Files.createDirectories(state.resolve("vms"));
        Files.writeString(directory.resolve(name + ".properties"), text);
    }
}
