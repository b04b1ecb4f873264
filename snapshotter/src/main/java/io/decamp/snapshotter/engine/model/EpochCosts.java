package io.decamp.snapshotter.engine.model;

import io.decamp.contracts.page.PageRuns;

/** What epochs of one workload cost: scanning, sending, sealing. Used by the workload's loop only. */
public final class EpochCosts {
    /** Kept of the past with each epoch. */
    private static final double KEEP = 0.8;
    /** Until a scan was measured: 11 ns a page when all are written, a tenth when few are. */
    private static final double SCAN_NANOS_PER_PAGE = 5;
    /** Until an epoch was measured. */
    private static final double ROUND_MICROS = 5_000;
    /** Until an epoch was large enough to measure. */
    private static final double SEND_BYTES_PER_SECOND = 200e6;
    /** Below this, an epoch's time is made of round trips, not of bytes. */
    private static final long LARGE_BYTES = 1 << 20;
    /** Below that, it is made of nothing else. */
    private static final long SMALL_BYTES = 1 << 18;
    /** Below that, what was saved on the wire is chance. */
    private static final long TELLING_PAGES = 64;

    private double scanNanosPerPage = SCAN_NANOS_PER_PAGE;
    private double roundMicros = ROUND_MICROS;
    private double sendBytesPerSecond = SEND_BYTES_PER_SECOND;
    private double writtenBytes;
    private double wireBytes;

    /**
     * @param pagesShipped pages that were taken up to be sent, those that needed no bytes included
     * @param onWireBytes what went over the wire for them
     * @param scans of the epoch, which took {@code scanMicros} together
     * @param shipMicros the whole epoch
     */
    public void learn(
            long trackedBytes, long pagesShipped, long onWireBytes, int scans, long scanMicros, long shipMicros) {
        double pages = Math.max(1, (double) trackedBytes / PageRuns.PAGE_BYTES);
        scanNanosPerPage = toward(scanNanosPerPage, scanMicros * 1000.0 / pages / Math.max(1, scans));
        double rest = Math.max(1, shipMicros - scanMicros);
        if (onWireBytes < SMALL_BYTES) {
            roundMicros = toward(roundMicros, rest);
        } else if (onWireBytes >= LARGE_BYTES) {
            double sending = Math.max(rest / 4, rest - roundMicros);
            sendBytesPerSecond = toward(sendBytesPerSecond, onWireBytes * 1e6 / sending);
        }
        if (pagesShipped >= TELLING_PAGES) {
            writtenBytes = writtenBytes * KEEP + (double) pagesShipped * PageRuns.PAGE_BYTES;
            wireBytes = wireBytes * KEEP + onWireBytes;
        }
    }

    private static double toward(double before, double now) {
        return before * KEEP + now * (1 - KEEP);
    }

    double scanMicros(long trackedBytes) {
        return scanNanosPerPage * trackedBytes / PageRuns.PAGE_BYTES / 1000;
    }

    public double scanNanosPerPage() {
        return scanNanosPerPage;
    }

    double roundMicros() {
        return roundMicros;
    }

    /** @param link what the link gives as measured, in bytes a second; 0: nobody could tell */
    double sendBytesPerSecond(long link) {
        return link > 0 ? link : sendBytesPerSecond;
    }

    double wireShare() {
        return writtenBytes <= 0 ? 1 : Math.clamp(wireBytes / writtenBytes, 0.02, 1.1);
    }
}
