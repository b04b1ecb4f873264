package io.decamp.snapshotter.engine.model;

import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import java.util.List;

/**
 * How often a workload writes which of its pages, learned from scans; see docs/model.md. Heat is kept by 2 MiB, 64
 * KiB or page, whatever the differences within ask for. Used by the workload's loop only.
 */
public final class WriteModel implements WriteRates {
    /**
     * Limit: a million pages with a rate of their own, about 12 MiB; what would split beyond stays one run of 64 KiB.
     */
    private static final int MAX_PAGED_RUNS = 1 << 16;
    /** The past fades with this time constant, so that phases of 20 s are followed. */
    private static final double MEMORY_SECONDS = 5;
    /** Yet, however long the intervals, it counts at least this much against the newest scan. */
    private static final double LEAST_KEPT = 0.6;
    /** What bands do is measured on many pages at once and may fade faster. */
    private static final double BAND_MEMORY_SECONDS = 3;
    /** Kept of the past when what was found contradicts it. */
    private static final double KEPT_ON_CHANGE = 0.25;
    /** Intervals that differ less than that share one set of tables. */
    private static final double SAME_LENGTH = 1.25;
    /** Shortest interval that is told from none, in seconds. */
    private static final double SHORTEST_SECONDS = 1e-4;
    /** Every so many scans a chunk is asked whether what split it is over. */
    private static final int MERGE_EVERY = 16;
    /** At most one of so many open pages is protected in a round, so that what has cooled is noticed. */
    private static final int PROBE_ONE_OF = 16;

    private final HeatTable heat = new HeatTable();
    private final HeatDigest digest = new HeatDigest();
    private final BandCalibration bands = new BandCalibration();
    private final ChangeDetector change = new ChangeDetector();
    private final CurveFit fit = new CurveFit();
    private final Births births = new Births();
    private double lengthSeconds;
    private long beyondLimit;
    private long scans;
    private long taught;
    private long probes;

    /** See {@link HeatTable#MAX_CHUNKS} for the limit of its memory. */
    public WriteModel() {
        digest.pagedRunsMax = MAX_PAGED_RUNS;
    }

    /**
     * Learns from a scan that was made while the workload ran.
     *
     * @param written what the scan reported
     * @param open what was left unprotected by the scan before, or deferred since: nothing is learned of it
     * @param spaces those alive; what others held is forgotten
     * @param elapsedMicros since the scan before; 0 when there was none, or when tracking had been lost: then only
     *     which
     *     pages exist is learned
     */
    public void observed(PageRuns written, PageRuns open, List<AddressSpace> spaces, long elapsedMicros) {
        boolean teaches = elapsedMicros > 0 && scans > 0;
        double seconds = Math.max(SHORTEST_SECONDS, elapsedMicros / 1e6);
        long lost = births.spaces(spaces) ? heat.keep(births::alive, digest) : 0;
        beyondLimit = 0;
        mark(open, false);
        mark(written, true);
        double keep = Math.max(LEAST_KEPT, Math.exp(-seconds / MEMORY_SECONDS));
        if (change.changed()) {
            keep = KEPT_ON_CHANGE;
        }
        if (teaches) {
            useLength(seconds);
        }
        digest.start(keep);
        digest.windowEnds = teaches && fit.windowEnds();
        births.start();
        for (int i = 0; i < heat.size(); i++) {
            HeatChunk chunk = heat.get(i);
            long before = digest.newPages;
            chunk.learn(digest, teaches);
            births.count(chunk, digest.newPages - before);
            if ((scans + i) % MERGE_EVERY == 0) {
                chunk.mergeIfAlike(digest);
            }
        }
        scans++;
        if (teaches) {
            taught++;
            change.observe(fit.predicted(digest, bands, seconds), digest.totalHit());
            boolean changed = change.changed();
            births.learn(seconds, beyondLimit, lost, changed ? KEPT_ON_CHANGE : Math.exp(-seconds / MEMORY_SECONDS));
            bands.learn(digest, seconds, changed ? 0 : Math.exp(-seconds / BAND_MEMORY_SECONDS));
            fit.learn(digest, bands, seconds, changed, digest.windowPages);
        }
    }

    private void useLength(double seconds) {
        if (lengthSeconds > 0 && Math.max(seconds / lengthSeconds, lengthSeconds / seconds) < SAME_LENGTH) {
            return;
        }
        if (lengthSeconds > 0) {
            digest.restate(lengthSeconds, seconds);
            for (int i = 0; i < heat.size(); i++) {
                heat.get(i).restate(digest);
            }
            bands.restate(seconds);
        }
        lengthSeconds = seconds;
        digest.length(seconds);
    }

    private void mark(PageRuns runs, boolean scanned) {
        for (int i = 0; i < runs.size(); i++) {
            long space = runs.space(i);
            if (!births.alive(space)) {
                continue;
            }
            long page = runs.address(i) / PageRuns.PAGE_BYTES;
            long end = page + runs.pages(i);
            while (page < end) {
                long index = page / HeatChunk.PAGES;
                int from = (int) (page % HeatChunk.PAGES);
                int to = (int) Math.min(HeatChunk.PAGES, from + end - page);
                HeatChunk chunk = scanned && runs.source(i) != PageSource.ZERO
                        ? heat.findOrMake(space, index)
                        : heat.find(space, index);
                if (chunk != null) {
                    mark(chunk, from, to, scanned ? runs.source(i) : null);
                } else if (scanned) {
                    beyondLimit += runs.source(i) == PageSource.BYTES ? to - from : 0;
                }
                page += to - from;
            }
        }
    }

    private static void mark(HeatChunk chunk, int from, int to, PageSource source) {
        switch (source) {
            case BYTES -> chunk.found(from, to);
            case ZERO -> chunk.gone(from, to);
            case SAME_AS -> chunk.shared(from, to);
            case null -> chunk.skip(from, to);
        }
    }

    @Override
    public double ratePerPage(long space, long address) {
        long page = address / PageRuns.PAGE_BYTES;
        HeatChunk chunk = heat.find(space, page / HeatChunk.PAGES);
        int offset = (int) (page % HeatChunk.PAGES);
        return chunk == null || !known() || !chunk.exists(offset) ? 0 : bands.rate(chunk.band(offset));
    }

    @Override
    public boolean known() {
        return taught > 0;
    }

    /** Scans that taught something. */
    public long scansLearned() {
        return taught;
    }

    /** Runs of 64 KiB whose pages have rates of their own. */
    int runsWithPageRates() {
        return digest.pagedRuns;
    }

    @Override
    public double writtenPages(double seconds) {
        return curve().written(seconds);
    }

    /** What is known now. */
    public WriteCurve curve() {
        if (!known()) {
            return WriteCurve.NONE;
        }
        double[] rates = new double[RateBands.COUNT];
        double[] pages = new double[RateBands.COUNT];
        for (int b = 0; b < rates.length; b++) {
            rates[b] = bands.rate(b);
            pages[b] = digest.pages[b];
        }
        return new WriteCurve(rates, pages, fit.factor(), fit.linearPerSecond(), births.growth());
    }

    /**
     * Runs to leave unprotected: pages written more often than {@code ratePerSecond}, but for a sample that changes
     * with each call.
     *
     * @param probePages about as many pages are in the sample at most
     */
    public PageRuns hotterThan(double ratePerSecond, long probePages) {
        PageRuns open = new PageRuns();
        long hot = 0;
        boolean[] hotBand = new boolean[RateBands.COUNT];
        for (int b = 0; known() && b < RateBands.COUNT; b++) {
            hotBand[b] = bands.rate(b) > ratePerSecond;
            hot += hotBand[b] ? digest.pages[b] : 0;
        }
        if (hot == 0) {
            return open;
        }
        long oneOf = probePages <= 0 ? Long.MAX_VALUE : Math.max(PROBE_ONE_OF, hot / probePages);
        probes++;
        OpenRuns out = new OpenRuns(open, oneOf, probes);
        for (int i = 0; i < heat.size(); i++) {
            heat.get(i).open(hotBand, out);
        }
        out.flush();
        return open;
    }
}
