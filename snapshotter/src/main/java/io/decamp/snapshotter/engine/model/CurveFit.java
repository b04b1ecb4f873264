package io.decamp.snapshotter.engine.model;

/**
 * Fits the curve to what was counted: the pages found in one interval, and the distinct pages found over a window of
 * several. Two numbers are fitted: a factor for the rates' part, and a part that is linear in time. Without the latter a
 * sweep would look like hot pages that saturate, which says too little of longer intervals.
 */
final class CurveFit {
    /** Scans in a window: long against one interval, short against a phase of the workload. */
    static final int WINDOW_SCANS = 6;
    /** Kept of the past in one scan's count. */
    private static final double KEEP = 0.7;
    /** More or fewer pages under protection than that: counts of before do not compare. */
    private static final double SAME_PAGES = 1.2;
    /** A linear part below this share of a window's pages is chance. */
    private static final double LEAST_LINEAR = 0.1;
    /** A curve that bends less than this in a window can't be told from a linear one. */
    private static final double LEAST_BEND = 0.1;
    /** Counts this small are chance. */
    private static final double LEAST_PAGES = 32;
    private static final double MOST_FACTOR = 4;

    private double found;
    private double interval;
    private double weight;
    private long tried;
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
    void learn(HeatDigest d, BandCalibration bands, double seconds, boolean changed, long union) {
        long triedNow = d.totalTried();
        boolean other = triedNow > tried * SAME_PAGES || tried > triedNow * SAME_PAGES;
        tried = triedNow;
        double keep = changed || other ? 0 : KEEP;
        found = found * keep + d.totalHit();
        interval = interval * keep + seconds;
        weight = weight * keep + 1;
        if (changed || other) {
            windowPages = -1;
            windowScans = -WINDOW_SCANS;
        }
        boolean ends = windowEnds();
        windowScans++;
        windowSeconds += seconds;
        if (ends) {
            windowPages = windowScans == WINDOW_SCANS ? union : -1;
            windowLength = windowSeconds;
            windowScans = 0;
            windowSeconds = 0;
        }
        fit(d, bands);
    }

    private void fit(HeatDigest d, BandCalibration bands) {
        double t = interval / weight;
        double one = found / weight;
        double told = bands.expected(d.placed, t);
        factor = one < LEAST_PAGES || told < LEAST_PAGES ? 1 : Math.clamp(one / told, 1 / MOST_FACTOR, MOST_FACTOR);
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
