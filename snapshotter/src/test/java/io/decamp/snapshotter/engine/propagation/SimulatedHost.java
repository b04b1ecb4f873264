package io.decamp.snapshotter.engine.propagation;

import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.MemorySource;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntSupplier;

/**
 * A workload that writes, its tracking, and a link, in virtual time: a page is written at a moment, is found by the
 * next scan, and is read when its batch is sent. What the destination holds is compared in the end.
 */
final class SimulatedHost implements RoundPort {
    private static final long SPACE = 1;
    private static final long BASE = 0x7f00_0000_0000L;
    /** As measured: 262,144 pages in 8 ms. */
    private static final long SCAN_NANOS_PER_PAGE = 30;
    /** So much is sent before anybody can tell what the link gives. */
    private static final long UNTOLD_BYTES = 24 << 20;
    /** Batches that were read and are not on the wire yet, as in real shipping. */
    private static final int PIPELINE_DEPTH = 3;

    private final int pages;
    private final double writesPerSecond;
    private final IntSupplier nextPage;
    private final boolean[] written;
    private final int[] version;
    private final int[] held;
    private final boolean[] sent;
    private long linkBytesPerSecond;
    private final ArrayDeque<Long> onTheWay = new ArrayDeque<>();
    private long linkFreeAt;
    private long now;
    private double nextWrite;
    long first;
    long again;

    SimulatedHost(int pages, long linkBytesPerSecond, double writesPerSecond, IntSupplier nextPage) {
        this.pages = pages;
        this.linkBytesPerSecond = linkBytesPerSecond;
        this.writesPerSecond = writesPerSecond;
        this.nextPage = nextPage;
        written = new boolean[pages];
        version = new int[pages];
        held = new int[pages];
        sent = new boolean[pages];
        Arrays.fill(written, true);
        Arrays.fill(version, 1);
    }

    void link(long bytesPerSecond) {
        linkBytesPerSecond = bytesPerSecond;
    }

    private void pass(long nanos) {
        now += nanos;
        while (nextWrite < now && writesPerSecond > 0) {
            int page = nextPage.getAsInt();
            written[page] = true;
            version[page]++;
            nextWrite += 1e9 / writesPerSecond;
        }
    }

    @Override
    public MemorySource.Scan scan(PageRuns open) {
        PageRuns runs = new PageRuns();
        for (int p = 0; p < pages; p++) {
            int from = p;
            while (p < pages && written[p]) {
                written[p++] = false;
            }
            if (p > from) {
                runs.add(SPACE, BASE + (long) from * PageRuns.PAGE_BYTES, p - from, PageSource.BYTES);
            }
        }
        long took = SCAN_NANOS_PER_PAGE * pages;
        pass(took);
        return new MemorySource.Scan(
                List.of(new AddressSpace(SPACE, 1)), runs, (long) pages * PageRuns.PAGE_BYTES, took / 1000, false);
    }

    @Override
    public void send(PageRuns batch) {
        for (int i = 0; i < batch.size(); i++) {
            int page = (int) ((batch.address(i) - BASE) / PageRuns.PAGE_BYTES);
            for (int p = page; p < page + batch.pages(i); p++) {
                held[p] = version[p];
                first += sent[p] ? 0 : 1;
                again += sent[p] ? 1 : 0;
                sent[p] = true;
            }
        }
        linkFreeAt = Math.max(linkFreeAt, now) + Math.round(batch.payloadBytes() * 1e9 / linkBytesPerSecond);
        onTheWay.addLast(linkFreeAt);
        if (onTheWay.size() > PIPELINE_DEPTH) {
            long oldest = onTheWay.removeFirst();
            pass(Math.max(0, oldest - now));
        }
    }

    /** Everything that the rounds left goes, while nothing is written. @return nanoseconds on the link */
    long freeze(PageRuns left) {
        PageSet owed = new PageSet();
        owed.addAll(left);
        for (int p = 0; p < pages; p++) {
            if (written[p]) {
                owed.add(SPACE, BASE + (long) p * PageRuns.PAGE_BYTES, 1);
            }
        }
        PageRuns last = owed.toRuns();
        long began = now;
        nextWrite = Double.MAX_VALUE;
        send(last);
        now = Math.max(now, linkFreeAt);
        return now - began;
    }

    /** Pages of which the destination holds something old. */
    long stale() {
        long n = 0;
        for (int p = 0; p < pages; p++) {
            n += held[p] == version[p] ? 0 : 1;
        }
        return n;
    }

    @Override
    public long linkBytesPerSecond() {
        return (first + again) * PageRuns.PAGE_BYTES < UNTOLD_BYTES ? 0 : linkBytesPerSecond;
    }

    @Override
    public boolean full() {
        return false;
    }

    @Override
    public long nanos() {
        return now;
    }
}
