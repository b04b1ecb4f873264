package io.decamp.linux.probe;

import java.util.Optional;

/** Why this host can't do what is asked of it; for tests and for preflight. */
public final class KernelRequirement {
    private KernelRequirement() {}

    /** @return a sentence about the first feature that is missing; empty when all are there */
    public static Optional<String> unmet(KernelFeature... features) {
        for (KernelFeature feature : features) {
            if (feature.support() instanceof Support.Missing missing) {
                return Optional.of("This host has no " + feature.title() + " (since Linux " + feature.since() + "): "
                        + missing.reason());
            }
        }
        return Optional.empty();
    }
}
