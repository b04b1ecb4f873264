package io.decamp.linux.probe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KernelFeatureTest {
    /** A broken probe must not hide as a missing feature. */
    @ParameterizedTest
    @EnumSource(KernelFeature.class)
    void shouldFindWhatARecentEnoughKernelHas(KernelFeature feature) throws Exception {
        boolean newEnough = KernelVersion.running().compareTo(feature.since()) >= 0;
        Assumptions.assumeTrue(newEnough && feature.isEverywhere(), "may be missing here");
        Assumptions.assumeTrue((int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0, "needs root");

        Support support = feature.support();

        assertInstanceOf(Support.Supported.class, support, () -> feature + ": " + support);
    }

    @Test
    void shouldSayWhatIsMissingAndWhy() {
        for (KernelFeature feature : KernelFeature.values()) {
            Optional<String> unmet = KernelRequirement.unmet(feature);

            assertEquals(feature.isSupported(), unmet.isEmpty());
            unmet.ifPresent(reason -> assertTrue(reason.contains(feature.title()), reason));
        }
    }

    @Test
    void shouldOrderReleases() {
        assertEquals(new KernelVersion(6, 18), KernelVersion.parse("6.18.44-cloud-amd64"));
        assertTrue(KernelVersion.parse("6.7.0").compareTo(KernelVersion.parse("6.18.1")) < 0);
        assertTrue(KernelVersion.parse("6.7").compareTo(KernelVersion.parse("5.15.1")) > 0);
    }
}
