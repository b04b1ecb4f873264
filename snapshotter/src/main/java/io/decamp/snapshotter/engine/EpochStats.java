package io.decamp.snapshotter.engine;

import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.WireSavings;

/**
 * What one epoch found and cost. {@code elapsedMicros} is the time since the scan before it: the time over which
 * {@code pagesWritten} were written; 0 when there was none before, so that nobody can tell how fast they were.
 * {@code pagesHeld} were found and left for later; {@code roundEnd} says why the last round ended.
 */
public record EpochStats(
        long epoch,
        long elapsedMicros,
        long pagesWritten,
        long pagesShipped,
        long pagesZero,
        long wireBytes,
        long trackedBytes,
        long scanMicros,
        long shipMicros,
        long pagesHeld,
        int rounds,
        String roundEnd,
        WireSavings savings) {

    /** Below this, an epoch's time is made of round trips, not of bytes. */
    private static final long MEASURABLE_BYTES = 1 << 20;

    /**
     * Pages written for the first time since the scan before, per second: each of them cost one write fault. 0 when
     * nobody can tell.
     */
    public double pagesPerSecond() {
        return elapsedMicros <= 0 ? 0 : pagesWritten * 1e6 / elapsedMicros;
    }

    /** Bytes a second that went through scan, read, send and seal; 0 when too little was sent to tell. */
    public double bytesPerSecond() {
        return shipMicros <= 0 || wireBytes < MEASURABLE_BYTES ? 0 : wireBytes * 1e6 / shipMicros;
    }

    /** What it says of itself in {@code pages-dirty}; whose it is and what follows from it is the caller's to add. */
    PagesDirty.Builder toEvent() {
        return PagesDirty.newBuilder()
                .setEpoch(epoch)
                .setPagesWritten(pagesWritten)
                .setPagesShipped(pagesShipped)
                .setPagesZero(pagesZero)
                .setBytesShipped(wireBytes)
                .setTrackedBytes(trackedBytes)
                .setScanMicros(scanMicros)
                .setShipMicros(shipMicros)
                .setPagesPerSecond(pagesPerSecond())
                .setPagesHeld(pagesHeld)
                .setRounds(rounds)
                .setRoundEnd(roundEnd)
                .setSavings(savings);
    }
}
