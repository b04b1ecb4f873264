package io.decamp.snapshotter.engine.propagation;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.MemorySource;
import io.decamp.snapshotter.engine.Batches;
import io.decamp.snapshotter.engine.model.WriteModel;
import java.util.ArrayList;
import java.util.List;

/**
 * The rounds of one workload: scan, learn, send in the order of the policy. Used by the workload's loop only.
 *
 * <p>Within an epoch, pages that a scan reported and that were not sent yet are kept as a set here, not deferred to the
 * source: the next scan then reports only what was really written, which is what the model learns from. A page of the
 * set is read when it is sent, so it is never older than any report of it. What is left when the epoch is sealed is the
 * caller's to defer.
 */
public final class Rounds {
    /**
     * A batch takes about that long on the link, so that a round ends near its time and reading is not far ahead: what is on
     * its way at the freeze is waited for. Three on their way still last longer than a scan.
     */
    private static final long BATCH_MICROS = 12_000;

    private static final int LEAST_BATCH_PAGES = 16;
    /** While nobody knows the link: 1 MiB, which a slow one brings in a tenth of a second. */
    private static final int UNKNOWN_BATCH_PAGES = 256;

    private final PropagationPolicy policy;
    private final WriteModel model;
    private PageRuns unlearnable = new PageRuns();
    private long lastScanNanos;
    private boolean scanned;
    private long overheadNanos;
    private long planNanos;

    public Rounds(PropagationPolicy policy, WriteModel model) {
        this.policy = policy;
        this.model = model;
    }

    /**
     * What rounds of an epoch came to.
     *
     * @param left pages that were reported and not sent: defer them before the seal
     * @param elapsedMicros between the first scan and the one before it; 0 when there was none
     * @param writtenPages found by all scans
     * @param pagesWithoutBytes of them, zero or equal to others
     * @param stop null: the epoch is full, and rounds go on in the next one; or nobody asked for a move
     */
    public record Result(
            List<MemorySource.Scan> scans,
            PageRuns left,
            int rounds,
            RoundEnd end,
            long elapsedMicros,
            long writtenPages,
            long pagesWithoutBytes,
            long sentPages,
            StopRule.Reason stop) {
        /** With the scan of the stopped tasks, after which nothing is left. */
        public Result endedBy(MemorySource.Scan stopped) {
            scans.add(stopped);
            return new Result(
                    scans,
                    new PageRuns(),
                    rounds,
                    end,
                    elapsedMicros,
                    writtenPages + stopped.written().totalPages(),
                    pagesWithoutBytes + withoutBytes(stopped.written()),
                    sentPages,
                    stop);
        }

        /** The last scan tells which spaces are alive. */
        public MemorySource.Scan lastScan() {
            return scans.getLast();
        }

        public long scanMicros() {
            return scans.stream().mapToLong(MemorySource.Scan::scanMicros).sum();
        }
    }

    /** Whether runs may be held that are too hot to be worth sending. */
    public boolean holdsHotRuns() {
        return policy.holdsHotRuns();
    }

    /** The next scan can't tell since when its pages were written: tracking started anew, or the tasks were stopped. */
    public void interrupted() {
        scanned = false;
    }

    /** Time for which the workload has written since it was last scanned; 0 when it was not. */
    public double secondsSinceScan(long nowNanos) {
        return scanned ? (nowNanos - lastScanNanos) / 1e9 : 0;
    }

    /** One round of an epoch while nobody asks for a move: everything found goes, but for what {@code hot} holds. */
    public Result steady(RoundPort port, PageRuns hot) {
        long elapsed = elapsedMicros(port);
        MemorySource.Scan scan = scan(port, hot);
        PageRuns rest = new PageRuns();
        PageRuns held = new PageRuns();
        PageSet members = new PageSet();
        members.addAll(hot);
        members.split(scan.written(), held, rest);
        PageSet owed = new PageSet();
        long sent = sendAtOnce(port, rest, owed);
        boolean ordered = policy.holdsHotRuns() && model.known();
        sent += send(port, ordered ? RateOrder.of(owed, model).all() : owed.toRuns());
        unlearnable = hot;
        return new Result(
                List.of(scan),
                held,
                1,
                held.isEmpty() ? RoundEnd.ALL_SENT : RoundEnd.REWRITING,
                elapsed,
                scan.written().totalPages(),
                withoutBytes(scan.written()),
                sent,
                null);
    }

    /** Where a move stands, over its epochs. */
    public static final class Move {
        private final StopRule rule;
        private final RoundListener listener;
        private long sentPages;
        private int rounds;

        public Move(StopRule rule, RoundListener listener) {
            this.rule = rule;
            this.listener = listener;
        }

        public long sentPages() {
            return sentPages;
        }

        public int rounds() {
            return rounds;
        }
    }

    /** Rounds of a move, until its rule says that enough has left, or the epoch is full. */
    public Result converge(RoundPort port, Move move) {
        long elapsed = elapsedMicros(port);
        PageSet owed = new PageSet();
        Result soFar = null;
        while (true) {
            MemorySource.Scan scan = scan(port, new PageRuns());
            long sent = sendAtOnce(port, scan.written(), owed);
            owed.retain(scan.spaces());
            StopRule.Reason stop = move.rule.check(
                    owed.size(),
                    move.sentPages,
                    scan.trackedBytes() / PageRuns.PAGE_BYTES,
                    move.rounds,
                    port.linkBytesPerSecond(),
                    model,
                    port.nanos());
            RoundEnd end = soFar == null ? RoundEnd.ALL_SENT : soFar.end;
            if (stop != null || soFar != null && port.full()) {
                PageRuns left = owed.toRuns();
                unlearnable = left;
                return plus(soFar, scan, left, end, elapsed, sent, 0, stop);
            }
            long before = move.sentPages;
            end = round(port, owed, move);
            soFar = plus(soFar, scan, null, end, elapsed, sent + move.sentPages - before, 1, null);
        }
    }

    private RoundEnd round(RoundPort port, PageSet owed, Move move) {
        long began = port.nanos();
        RoundPlan plan = policy.plan(owed, new PropagationPolicy.View(model, port.linkBytesPerSecond(), overheadNanos));
        planNanos = port.nanos() - began;
        long limit = plan.limitNanos() == Long.MAX_VALUE ? Long.MAX_VALUE : began + plan.limitNanos();
        Batches batches = new Batches(plan.send());
        RoundEnd end = plan.end();
        long sent = 0;
        move.rounds++;
        for (PageRuns batch = batches.next(batchPages(port)); batch != null; batch = batches.next(batchPages(port))) {
            if (port.nanos() >= limit) {
                end = RoundEnd.TIME;
                break;
            }
            port.send(batch);
            sent += batch.totalPages();
            owed.removeAll(batch);
            move.listener.sent(move.rounds, owed.size());
        }
        move.sentPages += sent;
        move.listener.roundEnded(move.rounds, sent, end, owed.size());
        return end;
    }

    private MemorySource.Scan scan(RoundPort port, PageRuns open) {
        long began = port.nanos();
        long elapsed = elapsedMicros(port);
        MemorySource.Scan scan = port.scan(open);
        model.observed(scan.written(), unlearnable, scan.spaces(), scan.everything() ? 0 : elapsed);
        unlearnable = new PageRuns();
        lastScanNanos = began;
        scanned = true;
        overheadNanos = port.nanos() - began + planNanos;
        return scan;
    }

    private long elapsedMicros(RoundPort port) {
        return scanned ? (port.nanos() - lastScanNanos) / 1000 : 0;
    }

    /** What has no bytes refers to what the destination has now, and costs nothing. @return pages sent */
    private long sendAtOnce(RoundPort port, PageRuns written, PageSet owed) {
        PageRuns atOnce = new PageRuns();
        for (int i = 0; i < written.size(); i++) {
            if (written.source(i) == PageSource.BYTES) {
                owed.add(written.space(i), written.address(i), written.pages(i));
            } else {
                atOnce.addFrom(written, i);
            }
        }
        owed.removeAll(atOnce);
        return send(port, atOnce);
    }

    private static long send(RoundPort port, PageRuns runs) {
        Batches batches = new Batches(runs);
        long sent = 0;
        for (PageRuns batch = batches.next(batchPages(port)); batch != null; batch = batches.next(batchPages(port))) {
            port.send(batch);
            sent += batch.totalPages();
        }
        return sent;
    }

    private static int batchPages(RoundPort port) {
        long link = port.linkBytesPerSecond();
        long pages = link <= 0 ? UNKNOWN_BATCH_PAGES : link * BATCH_MICROS / 1_000_000 / PageRuns.PAGE_BYTES;
        return Math.clamp(pages, LEAST_BATCH_PAGES, Batches.MAX_PAGES);
    }

    private static long withoutBytes(PageRuns runs) {
        return runs.totalPages() - runs.payloadBytes() / PageRuns.PAGE_BYTES;
    }

    private static Result plus(
            Result before,
            MemorySource.Scan scan,
            PageRuns left,
            RoundEnd end,
            long elapsed,
            long sent,
            int rounds,
            StopRule.Reason stop) {
        List<MemorySource.Scan> scans = before == null ? new ArrayList<>() : before.scans;
        scans.add(scan);
        return new Result(
                scans,
                left,
                rounds + (before == null ? 0 : before.rounds),
                end,
                elapsed,
                scan.written().totalPages() + (before == null ? 0 : before.writtenPages),
                withoutBytes(scan.written()) + (before == null ? 0 : before.pagesWithoutBytes),
                sent + (before == null ? 0 : before.sentPages),
                stop);
    }
}
