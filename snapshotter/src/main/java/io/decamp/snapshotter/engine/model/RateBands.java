package io.decamp.snapshotter.engine.model;

/**
 * Rates in steps of half an octave, from one write in {@value #SLOWEST_SECONDS} s to {@value #FASTEST} a second. Band
 * 0 is for what is slower still, or not known.
 */
final class RateBands {
    static final int COUNT = 48;
    private static final int SLOWEST_SECONDS = 2048;
    private static final int FASTEST = 4096;
    private static final double STEPS_PER_OCTAVE = 2;
    private static final double OFFSET = STEPS_PER_OCTAVE * 11.5;

    private RateBands() {}

    static int of(double writesPerSecond) {
        if (writesPerSecond <= 1.0 / SLOWEST_SECONDS) {
            return 0;
        }
        double step = STEPS_PER_OCTAVE * Math.log(writesPerSecond) / Math.log(2) + OFFSET;
        return Math.clamp(Math.round(step), 1, COUNT - 1);
    }

    /** Middle of a band in writes a second; 0 for band 0. */
    static double middle(int band) {
        return band == 0 ? 0 : Math.exp((band - OFFSET) / STEPS_PER_OCTAVE * Math.log(2));
    }
}
