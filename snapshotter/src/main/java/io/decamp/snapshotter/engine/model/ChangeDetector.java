package io.decamp.snapshotter.engine.model;

/**
 * Tells a workload that does something else from one that varies by chance: what was found differs from what was
 * predicted by more than chance, twice in the same direction or once by far.
 */
final class ChangeDetector {
    /** Counts as found and as predicted alike, so that few pages are no change. */
    private static final double NOISE_PAGES = 64;
    private static final double OFF = Math.log(1.6);
    private static final double FAR_OFF = Math.log(4);

    private double last;
    private boolean changed;

    void observe(double predictedPages, double foundPages) {
        double off = Math.log((foundPages + NOISE_PAGES) / (predictedPages + NOISE_PAGES));
        boolean again = Math.abs(off) > OFF && Math.abs(last) > OFF && Math.signum(off) == Math.signum(last);
        changed = again || Math.abs(off) > FAR_OFF;
        last = off;
    }

    /** After the last scan. */
    boolean changed() {
        return changed;
    }
}
