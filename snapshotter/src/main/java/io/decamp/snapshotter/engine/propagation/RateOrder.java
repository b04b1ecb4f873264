package io.decamp.snapshotter.engine.propagation;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.snapshotter.engine.model.WriteRates;

/**
 * Pages by rewriting rate, coldest first; in steps of half an octave, within which they keep the order of addresses, so
 * that chance in the estimates does not tear runs apart.
 */
final class RateOrder {
    private static final int BANDS = 64;
    private static final double STEPS_PER_OCTAVE = 2;
    /** Slower than once in an hour is cold, and as good as never. */
    private static final double COLDEST = 1 / 4096.0;

    private final PageRuns[] runs = new PageRuns[BANDS];
    private final double[] sumOfRates = new double[BANDS];
    private final long[] pages = new long[BANDS];

    private double lastRate;
    private int lastBand;

    private RateOrder() {}

    static RateOrder of(PageSet owed, WriteRates rates) {
        RateOrder order = new RateOrder();
        PageRuns all = owed.toRuns();
        for (int i = 0; i < all.size(); i++) {
            order.add(all.space(i), all.address(i), all.pages(i), rates);
        }
        return order;
    }

    private void add(long space, long address, int count, WriteRates rates) {
        int from = 0;
        int band = -1;
        for (int i = 0; i < count; i++) {
            double rate = rates.ratePerPage(space, address + (long) i * PageRuns.PAGE_BYTES);
            int next = band(rate);
            if (next != band) {
                flush(space, address, from, i, band);
                from = i;
                band = next;
            }
            sumOfRates[next] += rate;
        }
        flush(space, address, from, count, band);
    }

    private void flush(long space, long address, int from, int to, int band) {
        if (to > from) {
            if (runs[band] == null) {
                runs[band] = new PageRuns();
            }
            runs[band].add(space, address + (long) from * PageRuns.PAGE_BYTES, to - from, PageSource.BYTES);
            pages[band] += to - from;
        }
    }

    private int band(double rate) {
        // neighbours most often share a rate, and a logarithm for each page would cost more than all the rest
        if (rate != lastRate) {
            lastRate = rate;
            double steps = STEPS_PER_OCTAVE * Math.log(rate / COLDEST) / Math.log(2);
            lastBand = rate <= COLDEST ? 0 : Math.clamp(1 + Math.round(steps), 1, BANDS - 1);
        }
        return lastBand;
    }

    /** All pages, coldest first. */
    PageRuns all() {
        return coldest(Double.MAX_VALUE, 0);
    }

    /**
     * The coldest pages, until the sum of their rates passes a limit.
     *
     * @param rateLimit in writes a second
     * @param least so many pages are taken whatever their rates
     */
    PageRuns coldest(double rateLimit, long least) {
        PageRuns out = new PageRuns();
        double rateLeft = rateLimit;
        long leastLeft = least;
        for (int b = 0; b < BANDS; b++) {
            double rate = pages[b] == 0 ? 0 : sumOfRates[b] / pages[b];
            for (int i = 0; runs[b] != null && i < runs[b].size(); i++) {
                double room = rate <= 0 ? Integer.MAX_VALUE : Math.ceil(Math.max(0, rateLeft) / rate);
                int take = (int) Math.min(runs[b].pages(i), Math.max(room, leastLeft));
                if (take <= 0) {
                    return out;
                }
                out.add(runs[b].space(i), runs[b].address(i), take, PageSource.BYTES);
                rateLeft -= rate * take;
                leastLeft -= take;
            }
        }
        return out;
    }
}
