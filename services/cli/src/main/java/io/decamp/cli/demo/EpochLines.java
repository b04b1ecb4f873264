package io.decamp.cli.demo;

import io.decamp.cli.Format;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.v1.PagesDirty;
import java.io.PrintStream;
import java.util.Locale;

/** A line for each epoch, as it is reported, until {@link #end}. */
final class EpochLines {
    private static final String FORMAT = "  %5s  %9s %12s  %10s  %9s  %9s  %s%n";

    private final PrintStream out;
    private boolean begun;
    private boolean ended;

    EpochLines(PrintStream out) {
        this.out = out;
    }

    synchronized void print(PagesDirty e) {
        if (ended) {
            return;
        }
        if (!begun) {
            begun = true;
            out.printf(
                    FORMAT, "EPOCH", "PAGES", "WRITTEN/s", "SHIPPED", "TOOK", "NEXT IN", "AN EVICTION NOW WOULD TAKE");
        }
        out.printf(
                Locale.ROOT,
                FORMAT,
                e.getEpoch(),
                e.getPagesWritten(),
                rate(e),
                Format.bytes(e.getBytesShipped()),
                Format.micros(e.getScanMicros() + e.getShipMicros()),
                Format.micros(e.getIntervalMicros()),
                "about " + Format.micros(e.getPredictedEvictionMicros()));
    }

    /** The first epoch is all the memory there is, whenever it was written. */
    private static String rate(PagesDirty e) {
        double bytesPerSecond = e.getPagesPerSecond() * PageRuns.PAGE_BYTES;
        return bytesPerSecond == 0 ? "-" : Format.bytes(Math.round(bytesPerSecond));
    }

    synchronized void end() {
        ended = true;
    }
}
