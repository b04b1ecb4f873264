package io.decamp.testkit;

import io.decamp.linux.probe.KernelFeature;
import io.decamp.linux.probe.KernelRequirement;
import java.util.Optional;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/** Skips a test with a reason where the kernel can't do what it needs. */
public final class Kernel {
    /** {@code -Ddecamp.kernel.required=true} turns each skip into a failure, so that none hides. */
    public static final String REQUIRED = "decamp.kernel.required";

    private Kernel() {}

    public static void require(KernelFeature... features) {
        Optional<String> unmet = KernelRequirement.unmet(features);
        if (unmet.isPresent() && Boolean.getBoolean(REQUIRED)) {
            Assertions.fail(unmet.get());
        }
        Assumptions.assumeTrue(unmet.isEmpty(), () -> unmet.orElse(""));
    }
}
