package io.decamp.introspector.engine.vm.state;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.contracts.v1.Finding;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.testkit.Host;
import io.decamp.testkit.Victims;
import io.decamp.testkit.vm.GuestSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateCaptureLiveTest {
    private static CaptureLab lab;

    @TempDir
    Path directory;

    @BeforeAll
    static void boot() throws IOException {
        Host.requireGuests();
        lab = new CaptureLab(GuestSpec.named("person-state"));
    }

    @AfterAll
    static void end() {
        if (lab != null) {
            lab.close();
        }
    }

    @Test
    void shouldWriteWhatCriuWritesAndBeRestoredByIt() throws IOException {
        Path ours = Files.createDirectory(directory.resolve("ours"));
        Path theirs = Files.createDirectory(directory.resolve("theirs"));
        Path again = Files.createDirectory(directory.resolve("again"));
        lab.guest.send(Victims.compiled("vmstate"), "/tmp/vmstate");
        int pid = lab.start("source", "/tmp/vmstate /tmp/ready");
        lab.awaitFile("/tmp/ready");
        System.out.println("started " + pid);
        for (Finding f : StateCapture.check(lab.kernel, lab.init(pid))) {
            System.out.println("FINDING " + f.getCode() + " " + f.getWhat());
        }
        lab.dump(pid, theirs, "");
        lab.freeze("source", true);
        KernelObject init = lab.init(pid);
        StateCapture.write(lab.kernel, init, ours);
        lab.addPages(init, ours);
        if (Boolean.getBoolean("keep")) {
            new ProcessBuilder("cp", "-r", directory.toString(), "/tmp/s/person/imgs").inheritIO().start().onExit().join();
        }
        for (int i = 0; i < 20; i++) {
            Path dir = Files.createTempDirectory(Path.of("/dev/shm"), "person");
            long t = System.nanoTime();
            StateCapture.write(lab.kernel, init, dir);
            System.out.println("took us " + (System.nanoTime() - t) / 1000);
            new ProcessBuilder("rm", "-r", dir.toString()).start().onExit().join();
        }
        List<String> diff = ImageSet.differences(ImageSet.read(ours), ImageSet.read(theirs), "nothing");
        System.out.println(String.join("\n", diff));
        lab.kill("source");
        lab.restore(ours, "copy", "criu");
        int copy = lab.pidIn("copy");
        System.out.println("restored " + copy);
        lab.freeze("copy", true);
        StateCapture.write(lab.kernel, lab.init(copy), again);
        diff = ImageSet.differences(ImageSet.read(ours), ImageSet.read(again), "nothing");
        System.out.println("ROUND TRIP\n" + String.join("\n", diff));
        lab.kill("copy");
        assertEquals(1, 1);
    }
}
