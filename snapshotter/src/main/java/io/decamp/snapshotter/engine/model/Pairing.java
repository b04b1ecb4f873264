package io.decamp.snapshotter.engine.model;

/**
 * Whether the pages of a run are alike. If they are, the pages written in one interval say nothing of those written in
 * the next: the overlap of the two sets is k1 k2 / n but for chance. A larger overlap means that some pages are hotter
 * than others. A sweep, which writes other pages each time, is told from hot pages by the same.
 */
final class Pairing {
    private static final float SPLIT_DEVIATIONS = 4;
    /**
     * Of the overlap that chance gives, of written or of unwritten pages: less of a difference is not worth a split.
     */
    private static final float SPLIT_SHARE = 0.3f;

    private static final float SPLIT_LEAST = 2;

    private float overlap;
    private float expected;
    private float expectedUnwritten;
    private float variance;

    void add(int pages, int before, int now, int both, float keep) {
        overlap *= keep;
        expected *= keep;
        expectedUnwritten *= keep;
        variance *= keep;
        if (pages > 1 && before > 0 && now > 0) {
            float e = (float) before * now / pages;
            overlap += both;
            expected += e;
            expectedUnwritten += (float) (pages - before) * (pages - now) / pages;
            variance += e * (pages - before) * (pages - now) / ((float) pages * (pages - 1));
        }
    }

    boolean differ() {
        float more = overlap - expected;
        return overlap >= SPLIT_LEAST
                && more > Math.min(expected, expectedUnwritten) * SPLIT_SHARE
                && more * more > SPLIT_DEVIATIONS * SPLIT_DEVIATIONS * (variance + 0.05f);
    }

    void clear() {
        overlap = 0;
        expected = 0;
        expectedUnwritten = 0;
        variance = 0;
    }
}
