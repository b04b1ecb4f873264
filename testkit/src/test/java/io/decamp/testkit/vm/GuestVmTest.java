package io.decamp.testkit.vm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.testkit.Host;
import io.decamp.testkit.Lab;
import io.decamp.testkit.Procs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GuestVmTest {
    private static GuestVm guest;

    @BeforeAll
    static void bootOne() {
        Host.requireGuests();
        guest = GuestVm.boot(GuestSpec.named("shared"));
    }

    @AfterAll
    static void endIt() {
        if (guest != null) {
            guest.close();
        }
    }

    @Test
    void shouldRunTheKernelOfItsImage() {
        GuestResult result = guest.shell("uname -r");

        assertEquals(guest.image().release(), result.check().output().strip());
    }

    @Test
    void shouldGiveBackWhatACommandPrintsAndHowItEnds() {
        GuestResult result = guest.shell("echo one; echo 'two  $' >&2; (exit 7)");

        assertEquals("one\ntwo  $\n", result.output());
        assertEquals(7, result.status());
        assertThrows(DecampException.class, result::check);
    }

    @Test
    void shouldKillACommandThatTakesTooLongAndGoOn() {
        DecampException late =
                assertThrows(DecampException.class, () -> guest.shell("sleep 60", Duration.ofSeconds(1)));

        assertEquals("guest-command-time", late.code());
        assertEquals("there\n", guest.shell("echo there").output());
    }

    @Test
    void shouldCarryFilesBothWays(@TempDir Path directory) throws Exception {
        byte[] content = new byte[3_000_001];
        new Random(4).nextBytes(content);
        Path sent = Files.write(directory.resolve("sent"), content);

        guest.send(sent, "/tmp/deep/place/sent");
        guest.fetch("/tmp/deep/place/sent", directory.resolve("back"));

        assertArrayEquals(content, Files.readAllBytes(directory.resolve("back")));
    }

    @Test
    void shouldOfferWhatRestoringNeeds() {
        GuestResult result =
                guest.shell("criu check && criu --version && pidof qemu-ga && stress-ng --version && ls /dev/data");

        result.check();
        assertTrue(result.output().contains("Looks good"), result.output());
    }

    @Test
    void shouldLeaveNothingInANodeWhenItIsClosed() {
        try (Lab lab = Lab.up()) {
            GuestVm inNode = GuestVm.boot(
                    GuestSpec.named("a").withKernel(GuestImage.Kernel.NEWER).receiving(), lab.alpha());
            long pid = inNode.pid();
            Path ram = inNode.ram();
            Path registration = lab.alpha().stateDirectory().resolve("vms/a.properties");
            assertTrue(inNode.shell("uname -r").output().startsWith("6.12."));
            assertTrue(Files.exists(ram));
            assertTrue(Files.exists(registration));
            assertEquals(2, Procs.namespacePids(pid).size());

            inNode.close();

            assertFalse(Procs.alive(pid));
            assertFalse(Files.exists(ram));
            assertFalse(Files.exists(registration));
            assertFalse(Files.exists(inNode.qmp().getParent()));
        }
    }
}
