package io.decamp.cli.bench.vm;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/**
 * One process saved once, and running on.
 *
 * @param frozenMillis from the first that was done to stop it until it could run again
 * @param savedMillis from the order until everything was saved and it could run again
 * @param guestCpuMillis of processor time that the saving used inside the guest
 * @param bytes of memory saved
 * @param phases milliseconds, in order; what the engine tells
 */
record Saving(
        Engine engine,
        Load load,
        int mib,
        double frozenMillis,
        double savedMillis,
        double guestCpuMillis,
        long bytes,
        Map<String, Double> phases) {
    /** Who saves. */
    enum Engine {
        IN_GUEST("criu in the guest"),
        OUTSIDE("out of band");

        private final String label;

        Engine(String label) {
            this.label = label;
        }

        String label() {
            return label;
        }
    }

    void addTo(ObjectNode o) {
        o.put("engine", engine.label())
                .put("load", load.label())
                .put("mib", mib)
                .put("frozenMillis", rounded(frozenMillis))
                .put("savedMillis", rounded(savedMillis))
                .put("guestCpuMillis", rounded(guestCpuMillis))
                .put("bytes", bytes);
        ObjectNode times = o.putObject("phasesMillis");
        phases.forEach((phase, millis) -> times.put(phase, rounded(millis)));
    }

    static double rounded(double value) {
        return Math.round(value * 1000) / 1000.0;
    }
}
