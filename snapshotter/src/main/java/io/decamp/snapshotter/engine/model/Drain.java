package io.decamp.snapshotter.engine.model;

/**
 * Expected pages that are owed to the standby, by group of equal rewriting rate: sent coldest first, written again
 * meanwhile. The numbers of a real move, without its memory.
 */
final class Drain implements WriteRates {
    private final WriteCurve curve;
    private final double[] owed;
    /** What is owed and of no known rate: deferred, swept over or new. Counts as cold. */
    private double other;

    Drain(WriteCurve curve, double openAbove, double seconds, double owedPages) {
        this.curve = curve;
        owed = new double[curve.groups()];
        for (int i = 0; i < owed.length; i++) {
            owed[i] = curve.rate(i) > openAbove ? curve.pages(i) : 0;
        }
        other = owedPages;
        write(seconds);
    }

    double owed() {
        double n = other;
        for (double o : owed) {
            n += o;
        }
        return n;
    }

    /** The workload writes for some time. */
    void write(double seconds) {
        for (int i = 0; i < owed.length; i++) {
            owed[i] -= Math.max(0, curve.effectivePages(i) - owed[i]) * Math.expm1(-curve.rate(i) * seconds);
        }
        other += curve.sweptPerSecond() * seconds + curve.born(seconds);
    }

    /** @return pages that were there to send */
    double send(double pages) {
        double left = pages;
        double now = Math.min(left, other);
        other -= now;
        left -= now;
        for (int i = 0; i < owed.length; i++) {
            now = Math.min(left, owed[i]);
            owed[i] -= now;
            left -= now;
        }
        return pages - left;
    }

    @Override
    public double ratePerPage(long space, long address) {
        throw new UnsupportedOperationException("Groups have no addresses");
    }

    @Override
    public boolean known() {
        return curve.groups() > 0;
    }

    @Override
    public double writtenPages(double seconds) {
        return curve.written(seconds);
    }
}
