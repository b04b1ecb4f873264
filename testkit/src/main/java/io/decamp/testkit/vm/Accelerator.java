package io.decamp.testkit.vm;

import io.decamp.contracts.error.DecampException;
import io.decamp.testkit.Tools;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;

/** What executes a guest's instructions. */
public enum Accelerator {
    /** The processor. */
    KVM("kvm"),
    /** QEMU's translator, five to twenty times slower. */
    TCG("tcg,thread=multi");

    /** A guest of this small size that does not boot by KVM in this time does not boot by KVM. */
    private static final Duration PROBE_LIMIT = Duration.ofSeconds(20);

    private static final Path DEVICE = Path.of("/dev/kvm");
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private final String option;

    Accelerator(String option) {
        this.option = option;
    }

    String option() {
        return option;
    }

    /**
     * KVM where a guest was seen to boot with it, since a device that opens may yet run nothing; else TCG. The answer
     * is kept until the machine is booted again.
     */
    public static Accelerator ofThisMachine() {
        return Answer.FOUND;
    }

    private static final class Answer {
        static final Accelerator FOUND = remembered();
    }

    private static Accelerator remembered() {
        try {
            String boot = Files.readString(BOOT_ID).strip();
            Path memory = Files.createDirectories(Tools.home().resolve("guest")).resolve("accelerator");
            String known = Files.exists(memory) ? Files.readString(memory).strip() : "";
            if (known.startsWith(boot + " ")) {
                return valueOf(known.substring(boot.length() + 1));
            }
            Accelerator found = boots() ? KVM : TCG;
            Path fresh = Files.createTempFile(memory.getParent(), "accelerator", ".new");
            Files.writeString(fresh, boot + " " + found + "\n");
            Files.move(fresh, memory, StandardCopyOption.ATOMIC_MOVE);
            return found;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean boots() {
        if (!Files.isWritable(DEVICE)) {
            return false;
        }
        try (GuestVm guest = GuestVm.boot(GuestSpec.named("probe"), Place::here, KVM, PROBE_LIMIT)) {
            return guest.shell("true").status() == 0;
        } catch (DecampException doesNot) {
            return false;
        }
    }
}
