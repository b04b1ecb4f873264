package io.decamp.snapshotter.engine.model;

import io.decamp.contracts.v1.EvictionTimes;

/**
 * What an eviction would take, in microseconds.
 *
 * @param roundsMicros from the request until the freeze begins
 * @param sendingMicros of these, for waiting, scanning and sending; the rest does not depend on what is written
 * @param freezeMicros until the workload is held; what the last round left is sent meanwhile
 * @param finalDeltaMicros until the final epoch is sealed
 * @param handOffMicros until the source is free of it
 * @param downtimeMicros from its last instruction at the source to its first at the destination
 * @param overlappedMicros time to send what the last round left, overlapped with the freeze
 * @param convergedBy why the rounds end
 */
public record Prediction(
        long roundsMicros,
        long sendingMicros,
        long freezeMicros,
        long finalDeltaMicros,
        long handOffMicros,
        long downtimeMicros,
        long overlappedMicros,
        String convergedBy) {
    /** From the request until the source is free of the workload. */
    public long totalMicros() {
        return roundsMicros + freezeMicros + finalDeltaMicros + handOffMicros;
    }

    /** The same for a move that has waited already. */
    public Prediction after(long waitedMicros) {
        return new Prediction(
                roundsMicros + waitedMicros,
                sendingMicros + waitedMicros,
                freezeMicros,
                finalDeltaMicros,
                handOffMicros,
                downtimeMicros,
                overlappedMicros,
                convergedBy);
    }

    /** As an event says it. */
    public EvictionTimes toEvent() {
        return EvictionTimes.newBuilder()
                .setRoundsMicros(roundsMicros)
                .setFreezeMicros(freezeMicros)
                .setFinalDeltaMicros(finalDeltaMicros)
                .setHandOffMicros(handOffMicros)
                .setTotalMicros(totalMicros())
                .setDowntimeMicros(downtimeMicros)
                .build();
    }
}
