package io.decamp.snapshotter.engine.model;

/**
 * What the pages of each band really did in the intervals after they were put into it. A page is put into a band by
 * what is remembered of it; how often pages of the band are written is measured on all of them, out of sample. So
 * chance in a single page's record, and patterns that are no Poisson process (a sweep has just passed what looks hot,
 * and comes next to what looks cold), do not bend the curve.
 */
final class BandCalibration {
    /** A band's own middle counts as that many observations. */
    private static final double PRIOR_PAGES = 8;

    private final double[] tried = new double[RateBands.COUNT];
    private final double[] hit = new double[RateBands.COUNT];
    private final double[] seconds = new double[RateBands.COUNT];
    private final double[] rate = new double[RateBands.COUNT];

    BandCalibration() {
        for (int b = 0; b < RateBands.COUNT; b++) {
            rate[b] = RateBands.middle(b);
        }
    }

    double rate(int band) {
        return rate[band];
    }

    /** Pages found written after {@code interval} seconds, of those given by band. */
    double expected(long[] pages, double interval) {
        double n = 0;
        for (int b = 0; b < RateBands.COUNT; b++) {
            n -= pages[b] * Math.expm1(-rate[b] * interval);
        }
        return n;
    }

    void learn(HeatDigest d, double interval, double keep) {
        for (int b = 0; b < RateBands.COUNT; b++) {
            tried[b] = tried[b] * keep + d.tried[b];
            hit[b] = hit[b] * keep + d.hit[b];
            seconds[b] = seconds[b] * keep + d.tried[b] * interval;
            rate[b] = estimate(b, interval);
        }
    }

    private double estimate(int b, double interval) {
        double length = tried[b] > 0 ? seconds[b] / tried[b] : interval;
        double prior = -Math.expm1(-RateBands.middle(b) * length);
        double weight = b == 0 ? 0 : PRIOR_PAGES;
        double n = tried[b] + weight;
        if (n < 1e-9) {
            return RateBands.middle(b);
        }
        double share = (hit[b] + weight * prior) / n;
        double most = 1 - 0.5 / Math.max(n, 1);
        return -Math.log1p(-Math.min(share, most)) / length;
    }

    /** The length of intervals changes: what was seen counts as seen over the new length. */
    void restate(double interval) {
        for (int b = 0; b < RateBands.COUNT; b++) {
            if (tried[b] > 0) {
                double length = seconds[b] / tried[b];
                // in shorter intervals a share near 1 was a lower bound only, and soon has to give way
                double kept = length > interval ? 1 - hit[b] / tried[b] : length / interval;
                double n = tried[b] * Math.clamp(kept, 0.02, 1);
                tried[b] = n;
                hit[b] = -n * Math.expm1(-rate[b] * interval);
                seconds[b] = n * interval;
            }
        }
    }
}
