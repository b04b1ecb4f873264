package io.decamp.transfer.engine.encode;

import io.decamp.contracts.page.PageCodec;
import io.decamp.contracts.page.PageRuns;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Decides what pays: an effort does when the time that the bytes it saves would have taken on the link exceeds the
 * processor time it takes. Both are measured, page by page on the average, and forgotten by and by; what does not pay now
 * is tried on a sample, but only as long as a perfect result would pay, so that a fast link costs nothing. While the link
 * was never the bottleneck, bytes on it cost nothing. Not thread safe.
 */
final class EncodingModel {
    /** One frame in so many is encoded by way of trial. */
    private static final int TRIAL = 64;

    /** What is switched off must promise so much more than it costs. */
    private static final double MARGIN = 1.2;

    private static final double SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** A mean over pages that forgets: halved whenever it has so many. */
    static final class Effort {
        private static final double MEMORY_PAGES = 4096;
        private static final double PRIOR_PAGES = 64;

        /** A thread that was kept off its processor meanwhile says nothing about the effort. */
        private static final double OUTLIER = 4;

        private double pages = PRIOR_PAGES;
        private double savedBytes;
        private double nanos;
        private boolean on;

        /** What is assumed until it is measured, per page. */
        Effort(double savedBytesPerPage, double nanosPerPage) {
            savedBytes = savedBytesPerPage * pages;
            nanos = nanosPerPage * pages;
        }

        void learn(double morePages, double bytes, double time) {
            learn(morePages, bytes, time, morePages);
        }

        /** @param worked pages that {@code time} was spent on, if not all of these */
        void learn(double morePages, double bytes, double time, double worked) {
            nanos += Math.min(time, OUTLIER * nanosPerPage() * worked);
            pages += morePages;
            savedBytes += bytes;
            if (pages > MEMORY_PAGES) {
                pages /= 2;
                savedBytes /= 2;
                nanos /= 2;
            }
        }

        double nanosPerPage() {
            return nanos / pages;
        }

        double gainNanosPerPage(double nanosPerByte) {
            return (savedBytes * nanosPerByte - nanos) / pages;
        }

        boolean pays(double nanosPerByte) {
            on = savedBytes * nanosPerByte > nanos * (on ? 1 : MARGIN);
            return on;
        }

        /** Whether it would pay if nothing at all were left to send. */
        boolean couldPay(double nanosPerByte) {
            return PageRuns.PAGE_BYTES * nanosPerByte > nanosPerPage();
        }
    }

    private final LongSupplier linkBytesPerSecond;

    /** Of a hash and its look-up; saves a quarter of the pages as long as nothing is known. */
    final Effort hash = new Effort(PageRuns.PAGE_BYTES / 4.0, 350);

    /** Of a difference, its compression, and keeping the new version. */
    final Effort delta = new Effort(PageRuns.PAGE_BYTES / 2.0, 2000);

    private final Effort lz4 = new Effort(PageRuns.PAGE_BYTES * 0.3, 1500);
    private final Effort zstd = new Effort(PageRuns.PAGE_BYTES * 0.4, 10_000);
    private double sendNanos;
    private double sentBytes;
    private long frames;

    /** @param linkBytesPerSecond what the link, or a cap, gives; 0 when it is not the bottleneck */
    EncodingModel(LongSupplier linkBytesPerSecond) {
        this.linkBytesPerSecond = linkBytesPerSecond;
    }

    /** Handing {@code bytes} on took so long, waiting for the link included. */
    void sent(long bytes, long nanos) {
        sentBytes += bytes;
        sendNanos += nanos;
        if (sentBytes > 64 << 20) {
            sentBytes /= 2;
            sendNanos /= 2;
        }
    }

    private double linkNanosPerByte() {
        long rate = linkBytesPerSecond.getAsLong();
        return rate <= 0 ? 0 : SECOND_NANOS / rate;
    }

    /** A page that is not sent saves the processor its encryption, too. */
    boolean hashPays() {
        double ownNanosPerByte = sentBytes == 0 ? 0 : sendNanos / sentBytes;
        return hash.pays(Math.max(ownNanosPerByte, linkNanosPerByte()));
    }

    boolean deltaPays() {
        return delta.pays(linkNanosPerByte());
    }

    boolean deltaCouldPay() {
        return delta.couldPay(linkNanosPerByte());
    }

    Effort of(PageCodec codec) {
        return codec == PageCodec.ZSTD ? zstd : lz4;
    }

    /** @return how to encode the next frame of whole pages; null for not at all */
    PageCodec next() {
        double nanosPerByte = linkNanosPerByte();
        frames++;
        if (frames % TRIAL == 0) {
            PageCodec trial = frames / TRIAL % 2 == 0 ? PageCodec.ZSTD : PageCodec.LZ4;
            if (of(trial).couldPay(nanosPerByte)) {
                return trial;
            }
        }
        boolean lz4Pays = lz4.pays(nanosPerByte);
        boolean zstdPays = zstd.pays(nanosPerByte);
        if (zstdPays && (!lz4Pays || zstd.gainNanosPerPage(nanosPerByte) > lz4.gainNanosPerPage(nanosPerByte))) {
            return PageCodec.ZSTD;
        }
        return lz4Pays ? PageCodec.LZ4 : null;
    }
}
