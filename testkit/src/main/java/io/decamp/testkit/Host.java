package io.decamp.testkit;

import java.nio.file.Files;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/** Skips a test with a reason where this machine lacks what it needs; see {@link Kernel#REQUIRED}. */
public final class Host {
    private Host() {}

    public static void requireRoot() {
        require("root".equals(System.getProperty("user.name")), "Namespaces, cgroups and criu need root");
    }

    /** CRIU 4.2 or newer, as {@code ./decamp} provisions it. */
    public static void requireCriu() {
        boolean there = System.getenv("DECAMP_CRIU") != null
                || Files.isExecutable(Tools.home().resolve("bin/criu"));
        require(there, "CRIU is not provisioned; ./decamp test does that");
    }

    public static void requireProgram(String name) {
        require(Tools.program(name).isPresent(), name + " is not installed; ./decamp test does that");
    }

    /** What a guest needs; its image is fetched when the first one boots. */
    public static void requireGuests() {
        requireRoot();
        requireProgram("qemu-system-x86_64");
    }

    private static void require(boolean condition, String reason) {
        if (!condition && Boolean.getBoolean(Kernel.REQUIRED)) {
            Assertions.fail(reason);
        }
        Assumptions.assumeTrue(condition, reason);
    }
}
