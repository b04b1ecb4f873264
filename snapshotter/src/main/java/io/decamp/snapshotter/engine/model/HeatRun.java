package io.decamp.snapshotter.engine.model;

/** Heat of 64 KiB, a part of a chunk that has split: one rate while its pages are alike, else one a page. */
final class HeatRun {
    static final int PAGES = 16;
    static final int MASK = 0xFFFF;
    /** Chi-square of 15 pages that are alike stays below this in 9 of 10 cases. */
    private static final float ALIKE = 22.3f;
    /** Below this the whole run was last found written long ago. */
    private static final float COLD = 0.25f;

    private final Pairing pairing = new Pairing();
    private float hits;
    private float trials;
    private int band;
    private float[] pageHits;
    private float[] pageTrials;
    private byte[] pageBand;

    /** Starts with what the last two scans found. */
    HeatRun(int before, int now, int existed, HeatDigest d) {
        int pages = Integer.bitCount(existed);
        hits = Integer.bitCount(before) + Integer.bitCount(now);
        trials = 2f * pages;
        pairing.add(pages, Integer.bitCount(before), Integer.bitCount(now), Integer.bitCount(before & now), 1);
        band = d.bandOf(hits, trials);
        if (pairing.differ() && d.mayPage()) {
            split(before, now, existed, d);
        }
    }

    boolean paged() {
        return pageHits != null;
    }

    float hits() {
        return hits;
    }

    float trials() {
        return trials;
    }

    int band(int page) {
        return pageBand == null ? band : pageBand[page];
    }

    /** @param observed pages that existed and were protected, as bits; {@code now} those of them found written */
    void learn(int observed, int before, int now, HeatDigest d) {
        int n = Integer.bitCount(observed);
        if (n == 0) {
            return;
        }
        int k = Integer.bitCount(now);
        hits = hits * d.keep + k;
        trials = Math.min(trials * d.keep + n, n * d.cap);
        if (pageHits != null) {
            learnPages(observed, now, d);
            return;
        }
        d.account(band, n, k);
        band = d.bandOf(hits, trials);
        pairing.add(n, Integer.bitCount(before & observed), k, Integer.bitCount(before & now), d.keep);
        if (pairing.differ() && d.mayPage()) {
            split(before & observed, now, observed, d);
        }
        place(observed, d);
    }

    /** Counts pages that were tried where they are now. */
    void place(int observed, HeatDigest d) {
        if (pageBand == null) {
            d.place(band, Integer.bitCount(observed));
            return;
        }
        for (int rest = observed; rest != 0; rest &= rest - 1) {
            d.place(pageBand[Integer.numberOfTrailingZeros(rest)], 1);
        }
    }

    private void learnPages(int observed, int now, HeatDigest d) {
        for (int p = 0; p < PAGES; p++) {
            if ((observed >>> p & 1) == 0) {
                continue;
            }
            int hit = now >>> p & 1;
            d.account(pageBand[p], 1, hit);
            pageHits[p] = pageHits[p] * d.keep + hit;
            pageTrials[p] = Math.min(pageTrials[p] * d.keep + 1, d.cap);
            pageBand[p] = (byte) d.bandOf(pageHits[p], pageTrials[p]);
            d.place(pageBand[p], 1);
        }
    }

    private void split(int before, int now, int existed, HeatDigest d) {
        pageHits = new float[PAGES];
        pageTrials = new float[PAGES];
        pageBand = new byte[PAGES];
        d.pagedRuns++;
        for (int p = 0; p < PAGES; p++) {
            pageHits[p] = (before >>> p & 1) + (now >>> p & 1);
            pageTrials[p] = (existed >>> p & 1) * 2;
            pageBand[p] = (byte) d.bandOf(pageHits[p], pageTrials[p]);
        }
    }

    /** Gives up the rates a page once the pages are alike again, or cold. */
    void mergeIfAlike(HeatDigest d) {
        if (pageHits == null || (hits >= COLD && !alike(d.keep))) {
            return;
        }
        d.pagedRuns--;
        pageHits = null;
        pageTrials = null;
        pageBand = null;
        pairing.clear();
        band = d.bandOf(hits, trials);
    }

    private boolean alike(float keep) {
        float k = 0;
        float n = 0;
        for (int p = 0; p < PAGES; p++) {
            k += pageHits[p];
            n += pageTrials[p];
        }
        float share = n == 0 ? 0 : k / n;
        float chi = 0;
        for (int p = 0; p < PAGES; p++) {
            chi += deviation(pageHits[p], pageTrials[p], share, keep);
        }
        return chi < ALIKE;
    }

    /** Squared deviation of a decayed count from its expectation, over its variance. */
    static float deviation(float hits, float trials, float share, float keep) {
        float off = hits - trials * share;
        float variance = trials * share * (1 - share) / (1 + keep) + 1e-3f;
        return off * off / variance;
    }

    void count(int existing, HeatDigest d) {
        if (pageBand == null) {
            d.count(band, Integer.bitCount(existing));
            return;
        }
        for (int rest = existing; rest != 0; rest &= rest - 1) {
            d.count(pageBand[Integer.numberOfTrailingZeros(rest)], 1);
        }
    }

    /** Pages whose band is hot, as bits. */
    int hot(boolean[] hotBand) {
        if (pageBand == null) {
            return hotBand[band] ? MASK : 0;
        }
        int bits = 0;
        for (int p = 0; p < PAGES; p++) {
            bits |= hotBand[pageBand[p]] ? 1 << p : 0;
        }
        return bits;
    }

    void restate(HeatDigest d) {
        float pages = trials;
        trials = Math.max(1, Math.min(trials * d.weight(hits, trials), PAGES * d.cap));
        hits = trials * d.then(hits, pages);
        pairing.clear();
        if (pageHits != null) {
            for (int p = 0; p < PAGES; p++) {
                float was = pageTrials[p];
                pageTrials[p] = Math.clamp(was * d.weight(pageHits[p], was), Math.min(1, was), d.cap);
                pageHits[p] = pageTrials[p] * d.then(pageHits[p], was);
            }
        }
    }
}
