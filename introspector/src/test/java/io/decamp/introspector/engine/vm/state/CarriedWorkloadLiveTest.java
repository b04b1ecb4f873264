package io.decamp.introspector.engine.vm.state;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.contracts.v1.Finding;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Host;
import io.decamp.testkit.vm.GuestSpec;
import io.decamp.testkit.vm.GuestWorkload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CarriedWorkloadLiveTest {
    private static final ChainSpec SPEC = ChainSpec.of(16, 500).withTree(1, 2);

    @TempDir
    Path directory;

    @BeforeAll
    static void require() {
        Host.requireGuests();
    }

    @Test
    void shouldFindNothingWrongWithItselfAfterIt() throws IOException {
        carry(GuestSpec.named("carried"));
    }

    @Test
    void shouldFindNothingWrongOnAProcessorWithoutXsave() throws IOException {
        carry(GuestSpec.named("carried").withCpuModel("Nehalem"));
    }

    private void carry(GuestSpec spec) throws IOException {
        try (CaptureLab lab = new CaptureLab(spec)) {
            GuestWorkload workload = GuestWorkload.start(lab.guest, SPEC);
            lab.adopt("source", workload.pid());
            KernelObject init = lab.init(workload.pid());
            assertEquals(List.<Finding>of(), StateCapture.check(lab.kernel, init));

            lab.freeze("source", true);
            Path images = Files.createDirectory(directory.resolve("images"));
            StateCapture.write(lab.kernel, init, images);
            lab.addPages(init, images);
            lab.kill("source");
            lab.restore(images, "copy", "criu");

            workload.awaitGoingOn(lab.guest, 5);
            workload.stopAndJudge(lab.guest).check();
        }
    }
}
