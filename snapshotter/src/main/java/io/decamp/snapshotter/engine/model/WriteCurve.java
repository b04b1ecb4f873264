package io.decamp.snapshotter.engine.model;

import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * A workload's writes at one moment: pages by rewriting rate, pages that are swept over, and memory that is touched for
 * the first time. The expected number of distinct pages written in t is
 *
 * <pre>D(t) = f sum n_i (1 - exp(-r_i t)) + v t + new(t)</pre>
 *
 * at most all there are. It is concave: hot pages saturate. Immutable.
 */
public final class WriteCurve {
    /**
     * @param lastingPerSecond pages touched that did not exist before, and stay
     * @param passingPerSecond such pages of processes that soon end
     * @param lossPerSecond share of the passing pages that is gone again after a second
     */
    public record Growth(double lastingPerSecond, double passingPerSecond, double lossPerSecond) {
        public static final Growth NONE = new Growth(0, 0, 0);

        /** New pages found after {@code seconds}: what was touched for the first time and is still there. */
        double pages(double seconds) {
            double passing = lossPerSecond * seconds < 1e-6
                    ? passingPerSecond * seconds
                    : -passingPerSecond * Math.expm1(-lossPerSecond * seconds) / lossPerSecond;
            return lastingPerSecond * seconds + passing;
        }
    }

    /** Nothing is known, or nothing is written. */
    public static final WriteCurve NONE = new WriteCurve(new double[0], new double[0], 1, 0, Growth.NONE);

    private final double[] rates;
    private final double[] pages;
    private final double factor;
    private final double sweptPerSecond;
    private final Growth growth;
    private final double total;

    /**
     * @param rates writes a second of a page, by group; not kept
     * @param pages pages in each group; not kept
     * @param factor what was counted, over what the rates alone say
     * @param sweptPerSecond pages a second that are written one after the other
     */
    public WriteCurve(double[] rates, double[] pages, double factor, double sweptPerSecond, Growth growth) {
        if (rates.length != pages.length) {
            throw new IllegalArgumentException(rates.length + " rates for " + pages.length + " groups");
        }
        int[] used = IntStream.range(0, rates.length)
                .filter(i -> pages[i] > 0)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> rates[i]))
                .mapToInt(Integer::intValue)
                .toArray();
        this.rates = IntStream.of(used).mapToDouble(i -> rates[i]).toArray();
        this.pages = IntStream.of(used).mapToDouble(i -> pages[i]).toArray();
        this.factor = factor;
        this.sweptPerSecond = sweptPerSecond;
        this.growth = growth;
        double n = 0;
        for (double p : this.pages) {
            n += p;
        }
        this.total = n;
    }

    /** Expected number of distinct pages written within {@code seconds}. */
    public double written(double seconds) {
        return found(seconds, Double.POSITIVE_INFINITY) + growth.pages(seconds);
    }

    /**
     * As {@link #written}, of the pages that exist and are written at most {@code openAbove} times a second: each costs
     * one write fault when all of them are protected at the start.
     */
    public double found(double seconds, double openAbove) {
        double n = 0;
        double most = 0;
        for (int i = 0; i < rates.length; i++) {
            if (rates[i] <= openAbove) {
                n -= pages[i] * Math.expm1(-rates[i] * seconds);
                most += pages[i];
            }
        }
        return Math.min(most, factor * n + sweptPerSecond * seconds);
    }

    /** Pages that exist and are written more often than {@code openAbove} times a second. */
    public double pagesAbove(double openAbove) {
        double n = 0;
        for (int i = 0; i < rates.length; i++) {
            n += rates[i] > openAbove ? pages[i] : 0;
        }
        return n;
    }

    /** New pages found after {@code seconds}; they cost no write fault. */
    public double born(double seconds) {
        return growth.pages(seconds);
    }

    /** Pages that exist. */
    public double totalPages() {
        return total;
    }

    /** Groups of pages with one rate each, coldest first. */
    public int groups() {
        return rates.length;
    }

    public double rate(int group) {
        return rates[group];
    }

    public double pages(int group) {
        return pages[group];
    }

    /** Of the pages of a group as many as writes show themselves in: see the factor. */
    double effectivePages(int group) {
        return factor * pages[group];
    }

    public double sweptPerSecond() {
        return sweptPerSecond;
    }
}
