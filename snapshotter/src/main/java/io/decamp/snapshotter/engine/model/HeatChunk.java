package io.decamp.snapshotter.engine.model;

import io.decamp.contracts.page.PageRuns;

/**
 * Heat of 2 MiB of an address space: one rate while its pages are alike, else one each 64 KiB, which may split into
 * pages in turn. Which pages exist, were found written, or are left out of learning is kept as one bit a page.
 */
final class HeatChunk {
    static final int PAGES = 512;
    static final int SHIFT = 21;
    private static final int WORDS = PAGES / Long.SIZE;
    private static final int RUNS = PAGES / HeatRun.PAGES;
    private static final int RUNS_PER_WORD = Long.SIZE / HeatRun.PAGES;
    /** Chi-square of 31 runs that are alike stays below this in 9 of 10 cases. */
    private static final float ALIKE = 41.4f;
    private static final float COLD = 0.25f;

    final long space;
    final long index;
    private final long[] exists = new long[WORDS];
    private final long[] skipped = new long[WORDS];
    private final long[] found = new long[WORDS];
    private final long[] before = new long[WORDS];
    private final long[] window = new long[WORDS];
    private final Pairing pairing = new Pairing();
    private boolean touched;
    private float hits;
    private float trials;
    private int band;
    private HeatRun[] runs;

    HeatChunk(long space, long index) {
        this.space = space;
        this.index = index;
    }

    /** A scan found pages {@code from} to {@code to}, exclusive, written, with content of their own. */
    void found(int from, int to) {
        touched = true;
        set(found, from, to);
    }

    /** Nothing is to be learned of these pages from this scan. */
    void skip(int from, int to) {
        touched = true;
        set(skipped, from, to);
    }

    /** These pages exist without having been written. */
    void shared(int from, int to) {
        skip(from, to);
        set(exists, from, to);
    }

    /** These pages are holes now. */
    void gone(int from, int to) {
        for (int w = from / Long.SIZE; w <= (to - 1) / Long.SIZE; w++) {
            exists[w] &= ~mask(w, from, to);
        }
    }

    private static void set(long[] bits, int from, int to) {
        for (int w = from / Long.SIZE; w <= (to - 1) / Long.SIZE; w++) {
            bits[w] |= mask(w, from, to);
        }
    }

    private static long mask(int word, int from, int to) {
        int low = Math.max(0, from - word * Long.SIZE);
        int high = Math.min(Long.SIZE, to - word * Long.SIZE);
        return (-1L << low) & (-1L >>> (Long.SIZE - high));
    }

    int pages() {
        return bits(exists);
    }

    private static int bits(long[] words) {
        int n = 0;
        for (long w : words) {
            n += Long.bitCount(w);
        }
        return n;
    }

    int band(int page) {
        return runs == null ? band : runs[page / HeatRun.PAGES].band(page % HeatRun.PAGES);
    }

    boolean exists(int page) {
        return (exists[page / Long.SIZE] >>> page & 1) != 0;
    }

    boolean split() {
        return runs != null;
    }

    /** @param teaches false: only what exists is noted, because nobody knows since when the pages were found written */
    void learn(HeatDigest d, boolean teaches) {
        if (!touched && runs == null && hits == 0 && !d.windowEnds) {
            int n = pages();
            if (teaches) {
                d.account(band, n, 0);
                d.place(band, n);
                trials = Math.min(trials * d.keep + n, n * d.cap);
                forgetBefore();
            }
            d.count(band, n);
            return;
        }
        if (teaches) {
            if (runs == null) {
                learnWhole(d);
            } else {
                learnRuns(d);
            }
        }
        settle(d, teaches);
    }

    private void learnWhole(HeatDigest d) {
        int n = 0;
        int k = 0;
        int earlier = 0;
        int both = 0;
        for (int w = 0; w < WORDS; w++) {
            long observed = exists[w] & ~skipped[w];
            long now = found[w] & observed;
            n += Long.bitCount(observed);
            k += Long.bitCount(now);
            earlier += Long.bitCount(before[w] & observed);
            both += Long.bitCount(before[w] & now);
        }
        if (n == 0) {
            return;
        }
        d.account(band, n, k);
        hits = hits * d.keep + k;
        hits = hits < COLD / 16 ? 0 : hits;
        trials = Math.min(trials * d.keep + n, n * d.cap);
        band = d.bandOf(hits, trials);
        pairing.add(n, earlier, k, both, d.keep);
        if (pairing.differ()) {
            splitUp(d);
        } else {
            d.place(band, n);
        }
    }

    private void splitUp(HeatDigest d) {
        runs = new HeatRun[RUNS];
        for (int r = 0; r < RUNS; r++) {
            int observed = part(exists, r) & ~part(skipped, r);
            runs[r] = new HeatRun(part(before, r) & observed, part(found, r) & observed, observed, d);
            runs[r].place(observed, d);
        }
    }

    private void learnRuns(HeatDigest d) {
        for (int r = 0; r < RUNS; r++) {
            int observed = part(exists, r) & ~part(skipped, r);
            runs[r].learn(observed, part(before, r), part(found, r) & observed, d);
        }
    }

    private static int part(long[] words, int run) {
        return (int) (words[run / RUNS_PER_WORD] >>> (run % RUNS_PER_WORD) * HeatRun.PAGES) & HeatRun.MASK;
    }

    /** What was found for the first time exists from now on; the scan's marks are wiped. */
    private void settle(HeatDigest d, boolean teaches) {
        for (int w = 0; w < WORDS; w++) {
            d.newPages += Long.bitCount(found[w] & ~exists[w]);
            before[w] = teaches ? (found[w] & exists[w] & ~skipped[w]) | (before[w] & skipped[w]) : 0;
            window[w] |= teaches ? found[w] & exists[w] : 0;
            d.windowPages += d.windowEnds ? Long.bitCount(window[w] & ~skipped[w]) : 0;
            window[w] &= d.windowEnds ? 0 : -1;
            exists[w] |= found[w];
            found[w] = 0;
            skipped[w] = 0;
        }
        touched = false;
        if (runs == null) {
            d.count(band, pages());
        } else {
            for (int r = 0; r < RUNS; r++) {
                runs[r].count(part(exists, r), d);
            }
        }
    }

    private void forgetBefore() {
        for (int w = 0; w < WORDS; w++) {
            before[w] = 0;
        }
    }

    /** Goes back to one rate when what differed is alike or cold again. */
    void mergeIfAlike(HeatDigest d) {
        if (runs == null) {
            return;
        }
        float k = 0;
        float n = 0;
        boolean paged = false;
        for (HeatRun run : runs) {
            run.mergeIfAlike(d);
            paged |= run.paged();
            k += run.hits();
            n += run.trials();
        }
        if (paged || (k >= COLD && !alike(k / Math.max(1, n), d.keep))) {
            return;
        }
        runs = null;
        hits = k;
        trials = n;
        band = d.bandOf(hits, trials);
        pairing.clear();
    }

    private boolean alike(float share, float keep) {
        float chi = 0;
        for (HeatRun run : runs) {
            chi += HeatRun.deviation(run.hits(), run.trials(), share, keep);
        }
        return chi < ALIKE;
    }

    /** Restates what was learned for intervals of another length. */
    void restate(HeatDigest d) {
        forgetBefore();
        if (runs == null) {
            float was = trials;
            trials = Math.max(1, Math.min(trials * d.weight(hits, trials), PAGES * d.cap));
            hits = trials * d.then(hits, was);
            pairing.clear();
            return;
        }
        for (HeatRun run : runs) {
            run.restate(d);
        }
    }

    /** Adds the pages whose band is hot. */
    void open(boolean[] hotBand, OpenRuns out) {
        if (runs == null && !hotBand[band]) {
            return;
        }
        for (int r = 0; r < RUNS; r++) {
            int bits = part(exists, r);
            if (runs != null) {
                bits &= runs[r].hot(hotBand);
            }
            out.add(space, (index << SHIFT) + (long) r * HeatRun.PAGES * PageRuns.PAGE_BYTES, bits);
        }
    }

    /** Runs with rates a page; they are given back when the chunk is forgotten. */
    int pagedRuns() {
        int n = 0;
        if (runs != null) {
            for (HeatRun run : runs) {
                n += run.paged() ? 1 : 0;
            }
        }
        return n;
    }
}
