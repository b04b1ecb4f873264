package io.decamp.snapshotter.engine.model;

/**
 * A workload's writes at one moment: pages by rewriting rate, and the rate at which memory is touched that did not exist
 * before. From these the expected number of distinct pages written in t is
 * {@code D(t) = sum n_i (1 - exp(-r_i t)) + new pages}, which is concave: hot pages saturate. Immutable.
 */
public final class WriteCurve {
    /** Nothing is known, or nothing is written. */
    public static final WriteCurve NONE = new WriteCurve(new double[0], new long[0], 0, 0, 0);

    private final double[] rates;
    private final long[] pages;
    private final double lastingPerSecond;
    private final double passingPerSecond;
    private final double lossPerSecond;

    /**
     * @param rates writes a second of a page, by group; not kept
     * @param pages pages in each group; not kept
     * @param lastingPerSecond pages touched that did not exist before, and stay
     * @param passingPerSecond such pages of processes that soon end
     * @param lossPerSecond share of the passing pages that is gone again after a second
     */
    public WriteCurve(
            double[] rates, long[] pages, double lastingPerSecond, double passingPerSecond, double lossPerSecond) {
        if (rates.length != pages.length) {
            throw new IllegalArgumentException(rates.length + " rates for " + pages.length + " groups");
        }
        this.rates = rates.clone();
        this.pages = pages.clone();
        this.lastingPerSecond = lastingPerSecond;
        this.passingPerSecond = passingPerSecond;
        this.lossPerSecond = lossPerSecond;
    }

    /** Expected number of distinct pages written within {@code seconds}. */
    public double written(double seconds) {
        return found(seconds, Double.POSITIVE_INFINITY) + born(seconds);
    }

    /** As {@link #written}, of the pages that exist and are written at most {@code openAbove} times a second. */
    public double found(double seconds, double openAbove) {
        double n = 0;
        for (int i = 0; i < rates.length; i++) {
            if (rates[i] <= openAbove) {
                n -= pages[i] * Math.expm1(-rates[i] * seconds);
            }
        }
        return n;
    }

    /** Pages that exist and are written more often than {@code openAbove} times a second. */
    public long pagesAbove(double openAbove) {
        long n = 0;
        for (int i = 0; i < rates.length; i++) {
            if (rates[i] > openAbove) {
                n += pages[i];
            }
        }
        return n;
    }

    /** New pages found after {@code seconds}: what was touched for the first time and is still there. */
    public double born(double seconds) {
        double passing = lossPerSecond * seconds < 1e-6
                ? passingPerSecond * seconds
                : -passingPerSecond * Math.expm1(-lossPerSecond * seconds) / lossPerSecond;
        return lastingPerSecond * seconds + passing;
    }

    /** Pages that exist. */
    public long totalPages() {
        return pagesAbove(-1);
    }

    /** Groups of pages with one rate each. */
    public int groups() {
        return rates.length;
    }

    public double rate(int group) {
        return rates[group];
    }

    public long pages(int group) {
        return pages[group];
    }
}
