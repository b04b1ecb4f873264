package io.decamp.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;

/**
 * One measured move.
 *
 * @param freezeMillis from the last task's stop to the release, by the nodes' clocks; NaN where an engine does not say
 * @param downtimeMillis largest gap in the workload's own real-time log after the request
 * @param evictionMillis from the request until the source is free of the workload
 * @param bytesBefore shipped before the request
 * @param bytesAfter shipped after it
 * @param verified every line of the log was recomputed independently and held
 */
record EvictRun(
        String engine,
        double freezeMillis,
        double downtimeMillis,
        double evictionMillis,
        long bytesBefore,
        long bytesAfter,
        boolean verified) {
    static final String DECAMP = "decamp";
    static final String CRIU = "criu";
    static final String POST_COPY = "criu-postcopy";

    void addTo(ObjectNode o) {
        o.put("engine", engine);
        putFreeze(o, freezeMillis);
        o.put("downtimeMillis", rounded(downtimeMillis))
                .put("evictionMillis", rounded(evictionMillis))
                .put("bytesBefore", bytesBefore)
                .put("bytesAfter", bytesAfter)
                .put("verified", verified);
    }

    /** Plain CRIU does not say when exactly the last task stopped. */
    static void putFreeze(ObjectNode o, double millis) {
        if (Double.isNaN(millis)) {
            o.putNull("freezeMillis");
        } else {
            o.put("freezeMillis", rounded(millis));
        }
    }

    static double rounded(double millis) {
        return Math.round(millis * 10) / 10.0;
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%-13s downtime %7.1f ms  freeze %7.1f ms  eviction %7.1f ms  before %,14d B  after %,12d B  %s",
                engine,
                downtimeMillis,
                freezeMillis,
                evictionMillis,
                bytesBefore,
                bytesAfter,
                verified ? "verified" : "NOT VERIFIED");
    }
}
