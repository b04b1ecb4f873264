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
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
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
    void shouldBootAgainWhenTheKernelOfATranslatedGuestCrashed() {
        Queue<Place> places = new ArrayDeque<>(List.of(crashed(), Place.here()));

        try (GuestVm again = GuestVm.boot(
                GuestSpec.named("again"), places::remove, Accelerator.TCG, Duration.ofSeconds(90))) {
            assertEquals("up\n", again.shell("echo up").output());
        }
        DecampException once = assertThrows(
                DecampException.class,
                () -> GuestVm.boot(
                        GuestSpec.named("never"), GuestVmTest::crashed, Accelerator.KVM, Duration.ofSeconds(90)));
        assertEquals("guest-crashed", once.code());
    }

    /** Where a guest ends at once, and seems to have said why. */
    private static Place crashed() {
        try {
            Place here = Place.here();
            Files.writeString(here.directory().resolve("kernel.log"), "Kernel panic - not syncing: test");
            return new Place(List.of("false"), here.directory(), here.shared(), here.sharedFromHere());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void shouldShowWhatAGuestThatEndedSaidLast() {
        try (GuestVm dying = GuestVm.boot(GuestSpec.named("dying"))) {
            DecampException gone = assertThrows(
                    DecampException.class, () -> dying.shell("echo c > /proc/sysrq-trigger; sleep 30"));

            assertEquals("guest-gone", gone.code());
            assertTrue(gone.getMessage().contains("sysrq triggered crash"), gone.getMessage());
        }
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
