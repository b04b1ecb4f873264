package io.decamp.snapshotter.engine.model;

/**
 * Whether the pages of a run are alike. If they are, the pages written in one interval say nothing of those written in
 * the next: the overlap of the two sets is k1 k2 / n but for chance. A larger overlap means that some pages are hotter
 * than others. A sweep, which writes other pages each time, is told from hot pages by the same.
 */
final class Pairing {
    private static final float SPLIT_DEVIATIONS = 4;
    private static final float SPLIT_RATIO = 1.3f;
    private static final float SPLIT_LEAST = 2;

    private float overlap;
    private float expected;
    private float variance;

    void add(int pages, int before, int now, int both, float keep) {
        overlap *= keep;
        expected *= keep;
        variance *= keep;
        if (pages > 1 && before > 0 && now > 0) {
            float e = (float) before * now / pages;
            overlap += both;
            expected += e;
            variance += e * (pages - before) * (pages - now) / ((float) pages * (pages - 1));
        }
    }

    boolean differ() {
        float more = overlap - expected;
        return overlap >= SPLIT_LEAST
                && overlap > expected * SPLIT_RATIO
                && more * more > SPLIT_DEVIATIONS * SPLIT_DEVIATIONS * (variance + 0.05f);
    }

    void clear() {
        overlap = 0;
        expected = 0;
        variance = 0;
    }
}
