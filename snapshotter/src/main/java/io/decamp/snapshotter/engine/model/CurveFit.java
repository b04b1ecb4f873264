package io.decamp.snapshotter.engine.model;

/**
 * Fits the curve to what was counted: the pages found in one interval, and the distinct pages found over a window of
 * several. Two numbers are fitted: a factor for the rates' part, and a part that is linear in time. Without the
 * latter a sweep would look like hot pages that saturate, which says too little of longer intervals.
 */
final class CurveFit {
    /** Scans in a window: long against one interval, short against a phase of the workload. */
    static final int WINDOW_SCANS = 6;
    /** Kept of the past in one scan's count. */
    private static final double KEEP = 0.7;
    /** When pages with more than that share of the writes are opened or protected, counts of before do not compare. */
    private static final double OTHER_PAGES = 0.1;
    /** A linear part below this share of a window's pages is chance. */
    private static final double LEAST_LINEAR = 0.1;
    /** A curve that bends less than this in a window can't be told from a linear one. */
    private static final double LEAST_BEND = 0.1;
    /** Counts this small are chance. */
    private static final double LEAST_PAGES = 32;
    /** Counted and told alike, so that few pages say little. */
    private static final double CHANCE_PAGES = 8;
    /** A workload that writes that much more than its pages' rates say has changed, and is learned anew. */
    private static final double MOST_FACTOR = 4;

    /** Counts beyond that many scans back weigh nothing. */
    private static final int REMEMBERED = 8;

    private final double[] found = new double[REMEMBERED];
    private final double[] seconds = new double[REMEMBERED];
    private int remembered;
    private int next;
    private double open;
    private int windowScans;
    private double windowSeconds;
    private double windowPages = -1;
    private double windowLength;
    private double factor = 1;
    private double linearPerSecond;

    double factor() {
        return factor;
    }

    /** Pages a second. */
    double linearPerSecond() {
        return linearPerSecond;
    }

    /** Whether the scan that is learned now is the last of a window, whose pages are to be counted and forgotten. */
    boolean windowEnds() {
        return windowScans + 1 >= WINDOW_SCANS;
    }

    /** Pages that a scan was to find, by what was known before it. */
    double predicted(HeatDigest d, BandCalibration bands, double seconds) {
        return factor * bands.expected(d.tried, seconds) + linearPerSecond * seconds;
    }

    /** @param union distinct pages found in the window, when it ends with this scan */
    void learn(HeatDigest d, BandCalibration bands, double interval, boolean changed, long union) {
        double all = bands.expected(d.pages, interval);
        double openNow = all <= 0 ? 0 : 1 - bands.expected(d.placed, interval) / all;
        boolean other = Math.abs(openNow - open) > OTHER_PAGES;
        open = openNow;
        if (changed || other) {
            windowPages = -1;
            windowScans = -WINDOW_SCANS;
            remembered = 0;
        }
        found[next] = d.totalHit();
        seconds[next] = interval;
        next = (next + 1) % REMEMBERED;
        remembered = Math.min(REMEMBERED, remembered + 1);
        boolean ends = windowEnds();
        windowScans++;
        windowSeconds += interval;
        if (ends) {
            windowPages = windowScans == WINDOW_SCANS ? union : -1;
            windowLength = windowSeconds;
            windowScans = 0;
            windowSeconds = 0;
        }
        fit(d, bands);
    }

    private void fit(HeatDigest d, BandCalibration bands) {
        double t = 0;
        double one = 0;
        double told = 0;
        double weight = 0;
        for (int i = 1; i <= remembered; i++) {
            int at = Math.floorMod(next - i, REMEMBERED);
            double w = Math.pow(KEEP, i - 1);
            weight += w;
            t += w * seconds[at];
            one += w * found[at];
            told += w * bands.expected(d.placed, seconds[at]);
        }
        t /= weight;
        one /= weight;
        told /= weight;
        factor = Math.min(MOST_FACTOR, (one + CHANCE_PAGES) / (told + CHANCE_PAGES));
        linearPerSecond = 0;
        if (windowPages < LEAST_PAGES || windowLength < 2 * t || told < 1) {
            return;
        }
        double toldWindow = bands.expected(d.placed, windowLength);
        double bend = told * windowLength - toldWindow * t;
        if (bend < LEAST_BEND * told * windowLength) {
            return;
        }
        double linear = (told * windowPages - toldWindow * one) / bend;
        if (linear * windowLength < LEAST_LINEAR * windowPages) {
            return;
        }
        double rest = (one * windowLength - windowPages * t) / bend;
        factor = Math.clamp(rest, 0, MOST_FACTOR);
        linearPerSecond = rest <= 0 ? windowPages / windowLength : linear;
    }
}
