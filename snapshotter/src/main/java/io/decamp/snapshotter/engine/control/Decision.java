package io.decamp.snapshotter.engine.control;

import io.decamp.contracts.v1.Objective;
import io.decamp.snapshotter.engine.model.Prediction;

/**
 * What a workload's loop does until the next decision.
 *
 * @param intervalSeconds from one scan to the next
 * @param openAbove pages written more often a second are left unprotected and held back
 * @param probePages of these, about so many are protected each time all the same, so that what has cooled is noticed
 * @param prediction of an eviction asked for at the worst moment: just before the next scan is due
 * @param overhead predicted processor time that tracking takes from the workload, as a share of one processor
 * @param faultsPerSecond predicted
 * @param bytesPerSecond predicted, on the wire
 */
public record Decision(
        double intervalSeconds,
        double openAbove,
        long probePages,
        Prediction prediction,
        double overhead,
        double faultsPerSecond,
        double bytesPerSecond,
        Objective objective) {
    public long intervalMicros() {
        return Math.round(intervalSeconds * 1e6);
    }
}
