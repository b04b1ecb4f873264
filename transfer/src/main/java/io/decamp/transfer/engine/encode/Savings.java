package io.decamp.transfer.engine.encode;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.v1.WireSavings;
import java.util.concurrent.TimeUnit;

/** What one epoch did not have to send. Not thread safe. */
final class Savings {
    private long unchangedPages;
    private long deltaPages;
    private long deltaBytes;
    private long compressedPages;
    private long compressedBytes;
    private long nanos;

    void unchanged(long pages) {
        unchangedPages += pages;
    }

    void delta(long pages, long savedBytes) {
        deltaPages += pages;
        deltaBytes += savedBytes;
    }

    void compressed(long pages, long savedBytes) {
        compressedPages += pages;
        compressedBytes += savedBytes;
    }

    void spent(long moreNanos) {
        nanos += moreNanos;
    }

    WireSavings take() {
        WireSavings taken = WireSavings.newBuilder()
                .setPagesUnchanged(unchangedPages)
                .setBytesUnchanged(unchangedPages * PageRuns.PAGE_BYTES)
                .setPagesDelta(deltaPages)
                .setBytesDelta(deltaBytes)
                .setPagesCompressed(compressedPages)
                .setBytesCompressed(compressedBytes)
                .setEncodeMicros(TimeUnit.NANOSECONDS.toMicros(nanos))
                .build();
        clear();
        return taken;
    }

    void clear() {
        unchangedPages = deltaPages = deltaBytes = compressedPages = compressedBytes = nanos = 0;
    }
}
