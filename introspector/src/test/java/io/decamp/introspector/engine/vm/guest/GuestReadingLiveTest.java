package io.decamp.introspector.engine.vm.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.linux.qemu.Qmp;
import io.decamp.testkit.Host;
import io.decamp.testkit.vm.GuestImage;
import io.decamp.testkit.vm.GuestSpec;
import io.decamp.testkit.vm.GuestVm;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Readings from outside against what running guests say of themselves. */
class GuestReadingLiveTest {
    private static final long ATTACH_LIMIT_MILLIS = 1000;

    @BeforeAll
    static void requireGuests() {
        Host.requireGuests();
    }

    static Stream<GuestSpec> guests() {
        return Stream.of(
                GuestSpec.named("stable-5-level"),
                GuestSpec.named("stable-4-level").withCpuModel("Nehalem"),
                GuestSpec.named("newer-5-level").withKernel(GuestImage.Kernel.NEWER),
                GuestSpec.named("newer-4-level").withKernel(GuestImage.Kernel.NEWER).withCpuModel("Nehalem"));
    }

    @ParameterizedTest
    @MethodSource("guests")
    void shouldReadFromOutsideWhatTheGuestSaysOfItself(GuestSpec spec) {
        try (GuestVm guest = GuestVm.boot(spec);
                Qmp qmp = Qmp.connect(guest.qmp())) {
            int init = GuestFacts.start(guest);
            Map<String, String> facts = GuestFacts.of(guest, init);

            long begin = System.nanoTime();
            try (GuestKernel kernel = QemuMemory.attach(qmp, guest.ram(), null)) {
                long millis = (System.nanoTime() - begin) / 1_000_000;
                Map<String, String> readings = GuestReadings.of(kernel, init);

                System.out.println(spec.name() + ": attached in " + millis + " ms");
                assertEquals(spec.name().endsWith("5-level"), kernel.pageTables().fiveLevels());
                assertEquals("", GuestFacts.differences(facts, readings));
                assertTrue(millis <= ATTACH_LIMIT_MILLIS, "attached in " + millis + " ms");
            }
        }
    }
}
