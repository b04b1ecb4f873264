package io.decamp.snapshotter.engine.model;

/**
 * What one scan means for every run: how far the past counts, and tables that turn the share of scans in which a page
 * was found written into a rate, so that no logarithm is taken per run. Also collects what the runs of each band
 * really did.
 */
final class HeatDigest {
    /** Resolution of the share: the highest rate that can be told is ln(this) in an interval. */
    private static final int STEPS = 4096;
    /** Counts as that many unwritten pages, so that one sighting is no certainty. */
    private static final float DOUBT = 0.5f;
    /** From this share on a page was found written each time: only a lower bound of its rate is known. */
    private static final double SATURATED = 0.8;

    private final byte[] band = new byte[STEPS + 1];
    private final float[] shareThen = new float[STEPS + 1];
    private final float[] weightThen = new float[STEPS + 1];
    /** Pages that existed and were protected, by the band they were in. */
    final long[] tried = new long[RateBands.COUNT];
    /** Of these, found written. */
    final long[] hit = new long[RateBands.COUNT];
    /** Pages that were tried, by the band they are in now. */
    final long[] placed = new long[RateBands.COUNT];
    /** All pages, by the band they are in now. */
    final long[] pages = new long[RateBands.COUNT];
    /** Set when the window of {@link CurveFit} ends with this scan. */
    boolean windowEnds;
    long windowPages;
    /** Share of the past that is kept. */
    float keep = 1;
    /** Most scans that the past may count for. */
    float cap = 1;
    long newPages;
    int pagedRuns;
    int pagedRunsMax;

    /** Starts a scan, of which the past is to keep {@code keepShare}. */
    void start(double keepShare) {
        keep = (float) keepShare;
        cap = (float) Math.max(1, 1 / (1 - Math.min(keepShare, 0.9999)));
        newPages = 0;
        windowPages = 0;
        for (int b = 0; b < RateBands.COUNT; b++) {
            tried[b] = 0;
            hit[b] = 0;
            placed[b] = 0;
            pages[b] = 0;
        }
    }

    /** Intervals take about {@code seconds} from now on. */
    void length(double seconds) {
        for (int i = 0; i <= STEPS; i++) {
            band[i] = (byte) RateBands.of(rate(i, seconds));
        }
    }

    /** Prepares {@link #then} and {@link #weight} for intervals that change from one length to another. */
    void restate(double fromSeconds, double toSeconds) {
        for (int i = 0; i <= STEPS; i++) {
            double rate = rate(i, fromSeconds);
            shareThen[i] = (float) -Math.expm1(-rate * toSeconds);
            double ratio = rate == 0
                    ? fromSeconds / toSeconds
                    : information(rate, fromSeconds) / Math.max(1e-30, information(rate, toSeconds));
            boolean lowerBoundOnly = i >= SATURATED * STEPS && toSeconds < fromSeconds;
            weightThen[i] = (float) (lowerBoundOnly ? 0 : Math.clamp(ratio, 1.0 / 64, 64));
        }
    }

    /** What one observation of one page over an interval tells of its rate (Fisher). */
    private static double information(double rate, double seconds) {
        double unwritten = Math.exp(-rate * seconds);
        return seconds * seconds * unwritten / Math.max(1e-30, 1 - unwritten);
    }

    private static double rate(int step, double seconds) {
        return step == 0 ? 0 : -Math.log1p(-Math.min(step, STEPS - 1) / (double) STEPS) / seconds;
    }

    private static int step(float hits, float trials) {
        return Math.clamp((int) (hits / (trials + DOUBT) * STEPS + 0.5f), 0, STEPS);
    }

    int bandOf(float hits, float trials) {
        return band[step(hits, trials)];
    }

    /** Share of scans in which the page would have been found written in intervals of the new length. */
    float then(float hits, float trials) {
        return shareThen[step(hits, trials)];
    }

    /** Factor by which the number of trials changes with the new length. */
    float weight(float hits, float trials) {
        return weightThen[step(hits, trials)];
    }

    void account(int b, int triedPages, int hitPages) {
        tried[b] += triedPages;
        hit[b] += hitPages;
    }

    void place(int b, int triedPages) {
        placed[b] += triedPages;
    }

    void count(int b, int existingPages) {
        pages[b] += existingPages;
    }

    long totalHit() {
        long n = 0;
        for (long h : hit) {
            n += h;
        }
        return n;
    }


    boolean mayPage() {
        return pagedRuns < pagedRunsMax;
    }
}
