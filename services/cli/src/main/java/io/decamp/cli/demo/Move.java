package io.decamp.cli.demo;

import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * One measured move.
 *
 * @param freezeMillis from the last instruction at the source to the first at the destination, as the engine knows it
 * @param downtimeMillis longest time the client was without an answer
 * @param evictionMillis from the request until the source held no process of it
 * @param bytesBefore shipped before the request
 * @param bytesAfter shipped after it
 */
record Move(double freezeMillis, double downtimeMillis, double evictionMillis, long bytesBefore, long bytesAfter) {
    void addTo(ObjectNode o) {
        o.put("freezeMillis", rounded(freezeMillis))
                .put("downtimeMillis", rounded(downtimeMillis))
                .put("evictionMillis", rounded(evictionMillis))
                .put("bytesBefore", bytesBefore)
                .put("bytesAfter", bytesAfter);
    }

    private static double rounded(double millis) {
        return Math.round(millis * 10) / 10.0;
    }
}
