package io.decamp.restorer.engine.vm;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.CopyRuntime.Hold;
import io.decamp.restorer.engine.vm.VmCopyLab.Saved;
import io.decamp.testkit.vm.GuestImage;
import io.decamp.testkit.vm.GuestSpec;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Guests that end, or lack what they need; on the newer kernel. */
class VmCopyTroubleTest {
    private static final GuestSpec SPEC = GuestSpec.named("trouble").withKernel(GuestImage.Kernel.NEWER);

    @Test
    void shouldSurviveAGuestThatLacksThingsAndThenItsEnd() {
        try (VmCopyLab lab = new VmCopyLab(SPEC)) {
            Saved saved = lab.saved();
            lab.guest().shell("mv /usr/sbin/criu /criu").check();
            assertEquals("vm-no-criu", refusal(lab, saved).code());
            lab.guest().shell("mv /criu /usr/sbin/criu && umount /sys/fs/cgroup").check();
            assertEquals("vm-no-cgroup2", refusal(lab, saved).code());
            lab.guest().shell("mount -t cgroup2 none /sys/fs/cgroup").check();
            String before = lab.leftovers();
            assertDoesNotThrow(() -> lab.copies().warm(saved.id(), VmCopyLab.standing(saved.replica())));
            assertEquals("done\n", lab.guest().shell("cat /run/decamp/*; pidof sleep").output());
            lab.copies().cool(saved.id());
            lab.guest().shell("rm /run/decamp/rehearsed").check();
            assertEquals(before, lab.leftovers());
            lab.copies().prepare(saved.id(), saved.replica(), null);
            DecampException second = assertThrows(
                    DecampException.class, () -> lab.copies().prepare(saved.id(), saved.replica(), null));
            assertEquals("copy-exists", second.code());
            assertEquals(Hold.HELD, lab.copies().hold(saved.id()), "a second one destroys nothing of the first");
            lab.copies().release(saved.id());
            saved.workload().awaitGoingOn(lab.guest(), 5);
            saved.workload().stopAndJudge(lab.guest()).check();
            // what was released and has ended does not stand in the way of the next move
            Saved again = new Saved(saved.workload(), saved.id(), saved.replica());
            lab.copies().prepare(again.id(), again.replica(), null);

            lab.guest().kill();

            assertEquals(Hold.PARTIAL, lab.restarted().hold(again.id()));
            DecampException gone =
                    assertThrows(DecampException.class, () -> lab.copies().release(again.id()));
            assertEquals("no-held-copy", gone.code());
            lab.copies().destroy(again.id());
            assertEquals(Hold.NONE, lab.copies().hold(again.id()));
            String code = refusal(lab, again).code();
            assertTrue(Set.of("vm-gone", "vm-no-qmp").contains(code), code);
        }
    }

    @Test
    void shouldNameAGuestWithoutAnAgent() {
        try (VmCopyLab lab = new VmCopyLab(SPEC)) {
            Saved saved = lab.saved();
            lab.guest().shell("kill $(pidof qemu-ga); while pidof qemu-ga > /dev/null; do sleep 0.05; done").check();

            DecampException e = refusal(lab, saved);

            assertEquals("vm-no-agent", e.code());
            assertTrue(e.advice().contains("qemu-guest-agent"), e.advice());
        }
    }

    private static DecampException refusal(VmCopyLab lab, Saved saved) {
        return assertThrows(DecampException.class, () -> lab.copies().prepare(saved.id(), saved.replica(), null));
    }
}
