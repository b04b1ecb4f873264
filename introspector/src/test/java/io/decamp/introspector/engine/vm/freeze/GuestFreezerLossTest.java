package io.decamp.introspector.engine.vm.freeze;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.linux.qemu.Qmp;
import io.decamp.testkit.Host;
import io.decamp.testkit.vm.GuestSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The VM goes away in the middle. */
class GuestFreezerLossTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final int CYCLES_BEFORE = 5;

    @TempDir
    Path state;

    @BeforeAll
    static void requireGuests() {
        Host.requireGuests();
    }

    @Test
    void shouldSayThatTheVmIsGoneWhenQemuIsKilledDuringCycles() {
        try (FreezableGuest guest = new FreezableGuest(GuestSpec.named("frost-loss"), state)) {
            Supplier<List<KernelObject>> workload = guest.start("threads");

            DecampException loss = assertThrows(DecampException.class, () -> {
                for (int i = 0; ; i++) {
                    guest.freezer.freeze(workload, LIMIT);
                    if (i == CYCLES_BEFORE) {
                        Thread.ofPlatform().start(guest.vm::kill);
                    }
                    guest.freezer.thaw(workload, LIMIT);
                }
            });

            assertTrue(
                    Set.of("vm-gone", "vm-gdbstub-failed").contains(loss.code()),
                    loss.code() + ": " + loss.getMessage());
            assertEquals("vm-gone", code(() -> guest.freezer.freeze(workload, LIMIT)));
        }
    }

    @Test
    void shouldNotWriteIntoTheMemoryOfAnotherBoot() {
        try (FreezableGuest guest = new FreezableGuest(GuestSpec.named("frost-reset"), state)) {
            Supplier<List<KernelObject>> workload = guest.start("threads");
            List<KernelObject> before = workload.get();
            long written = guest.freezer.writes();
            try (Qmp operator = Qmp.connect(guest.vm.operatorQmp())) {
                operator.execute("set-action", Map.of("reboot", "reset"));
                operator.execute("system_reset");
            }

            DecampException loss =
                    assertThrows(DecampException.class, () -> guest.freezer.freeze(() -> before, LIMIT));

            assertEquals("vm-rebooted", loss.code());
            assertEquals(written, guest.freezer.writes());
        }
    }

    private static String code(Runnable call) {
        return assertThrows(DecampException.class, call::run).code();
    }
}
