package io.decamp.transfer.engine.encode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.page.PageCodec;
import org.junit.jupiter.api.Test;

class EncodingModelTest {
    private static final long MEGABIT = 125_000;

    private long rate;
    private final EncodingModel model = new EncodingModel(() -> rate);

    /** Frames of 64 pages that a codec makes {@code ratio} of. @return of 1000 frames how many were encoded */
    private int run(double lz4Ratio, double zstdRatio) {
        int encoded = 0;
        for (int i = 0; i < 1000; i++) {
            PageCodec codec = model.next();
            if (codec != null) {
                boolean zstd = codec == PageCodec.ZSTD;
                model.of(codec).learn(64, 64 * 4096 * (1 - (zstd ? zstdRatio : lz4Ratio)), 64 * (zstd ? 9000.0 : 1300.0));
                encoded++;
            }
        }
        return encoded;
    }

    @Test
    void shouldEncodeNothingWhileTheLinkWasNeverTheBottleneck() {
        rate = 0;
        assertEquals(0, run(0.1, 0.05));
        assertFalse(model.deltaPays());
    }

    @Test
    void shouldEncodeNothingOnALinkThatIsFasterThanAnyCodec() {
        rate = 40_000 * MEGABIT;
        assertEquals(0, run(0.4, 0.3));
        assertFalse(model.deltaPays());
    }

    @Test
    void shouldEncodeAlmostEverythingOnASlowLink() {
        rate = 100 * MEGABIT;
        assertEquals(1000, run(0.5, 0.45), 20);
        assertTrue(model.deltaPays());
        assertTrue(model.hashPays());
    }

    @Test
    void shouldPreferZstandardOnASlowLinkAndLz4OnAFastOne() {
        rate = 100 * MEGABIT;
        run(0.5, 0.35);
        assertEquals(PageCodec.ZSTD, model.next());

        rate = 2000 * MEGABIT;
        run(0.5, 0.35);
        assertEquals(PageCodec.LZ4, model.next());
    }

    @Test
    void shouldTryNoMoreThanASampleOfWhatCannotBeCompressed() {
        rate = 1000 * MEGABIT;
        run(1, 1);
        assertEquals(1000 / 64.0, run(1, 1), 2);
    }

    @Test
    void shouldNoticeWhenContentBecomesCompressible() {
        rate = 100 * MEGABIT;
        run(1, 1);
        assertNull(model.next());

        for (int i = 0; i < 20; i++) {
            run(0.3, 0.2);
        }

        assertEquals(1000, run(0.3, 0.2), 20);
    }

    @Test
    void shouldStopComparingWhenNothingIsEverUnchangedOnAFastLink() {
        model.sent(1 << 20, 600_000);
        model.hash.learn(4096, 0, 4096 * 350);
        assertFalse(model.hashPays());

        model.hash.learn(4096, 4096 * 4096 * 0.6, 4096 * 350);
        assertTrue(model.hashPays());
    }
}
