package io.decamp.introspector.engine.vm.state;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.TravellingFile;
import io.decamp.contracts.v1.VmFiles;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.testkit.Host;
import io.decamp.testkit.Victims;
import io.decamp.testkit.vm.GuestImage;
import io.decamp.testkit.vm.GuestSpec;
import io.decamp.testkit.vm.GuestVm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A container with one of everything open (victims/opener.c), all of it carried, and what it wrote gone in between. */
class CarriedFilesLiveTest {
    private static final String PLACE = "/tmp/opener";

    @TempDir
    Path directory;

    @BeforeAll
    static void require() {
        Host.requireGuests();
    }

    @ParameterizedTest
    @EnumSource
    void shouldFindEverythingThatItHadOpen(GuestImage.Kernel version) throws IOException {
        carry(GuestSpec.named("openings").withKernel(version), guest -> "criu");
    }

    @Test
    void shouldFindEverythingWhenANewerCriuRestoresIt() throws IOException {
        carry(GuestSpec.named("openings").withKernel(GuestImage.Kernel.NEWER), NewerCriu::install);
    }

    private interface Criu {
        String in(GuestVm guest) throws IOException;
    }

    private void carry(GuestSpec spec, Criu criu) throws IOException {
        try (CaptureLab lab = new CaptureLab(spec)) {
            String command = criu.in(lab.guest);
            lab.guest.send(Victims.compiled("opener"), "/opener");
            lab.guest.shell("mkdir " + PLACE).check();
            KernelObject init = lab.init(lab.start("source", "/opener " + PLACE));
            lab.awaitFile(PLACE + "/ready");
            assertEquals(List.<Finding>of(), StateCapture.check(lab.kernel, init));

            lab.freeze("source", true);
            Path images = Files.createDirectory(directory.resolve("images"));
            StateCapture.write(lab.kernel, init, images);
            lab.addPages(init, images);
            lab.kill("source");
            place(lab, images);
            lab.restore(images, "copy", command + " --file-locks");

            lab.guest.shell("touch " + PLACE + "/verify").check();
            lab.awaitFile(PLACE + "/verdict");
            assertEquals(
                    "intact\n",
                    lab.guest.shell("cat " + PLACE + "/verdict").check().output());
        }
    }

    /** What a destination does with the files that travel. */
    private static void place(CaptureLab lab, Path images) throws IOException {
        lab.guest.shell("rm -r " + PLACE + " && mkdir " + PLACE + " && mkfifo -m 640 " + PLACE + "/fifo").check();
        VmFiles files = VmFiles.parseFrom(Files.readAllBytes(images.resolve("vm-files.img")));
        for (TravellingFile file : files.getTravellingList()) {
            if (file.getPart().isEmpty()) {
                lab.guest.shell(": > " + file.getPath()).check();
            } else {
                lab.guest.send(images.resolve(file.getPart()), file.getPath());
            }
            lab.guest.shell("chmod " + Integer.toOctalString(file.getMode() & 07777) + " " + file.getPath()).check();
        }
    }
}
