package io.decamp.snapshotter.engine;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.port.Segment;
import io.decamp.snapshotter.engine.arbiter.LinkArbiter;
import io.decamp.snapshotter.engine.arbiter.Share;
import io.decamp.snapshotter.engine.propagation.LinkMeter;
import io.decamp.snapshotter.engine.propagation.PageSet;
import io.decamp.snapshotter.engine.propagation.RoundPort;
import java.util.ArrayDeque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Brings the pages of an epoch to the standby: reads and sends overlapped, so that the link works while the next pages
 * are copied, scanned and planned. Does not seal. Used by the workload's loop only; an epoch is begun, has rounds, and
 * is finished or dropped.
 */
final class EpochShipper implements RoundPort, AutoCloseable {
    /** Segments on their way at once: one being filled, one being sent, one waiting. */
    private static final int PIPELINE_DEPTH = 3;
    /** Of a generation: everything is new to the destination, which writes it in place. */
    private static final int FIRST_EPOCH = 1;
    /** What the destination stages of a later epoch is memory beside the replica, and is applied at the seal. */
    private static final long STAGED_LIMIT_BYTES = 128L << 20;

    private final WorkloadId workload;
    private final MemorySource memory;
    private final LinkMeter link;
    private final Share share;
    private final ExecutorService sender;
    private final ArrayDeque<Future<Long>> inFlight = new ArrayDeque<>(PIPELINE_DEPTH);
    private PageTransport.Session session;
    private long epoch;
    private boolean scannedOnce;
    private long startNanos;
    private long payloadPages;
    private long wireBytes;
    private PageSet sentBefore;
    private long pagesFirst;
    private long pagesAgain;

    EpochShipper(WorkloadId workload, MemorySource memory, LinkMeter link, Share share) {
        this.workload = workload;
        this.memory = memory;
        this.link = link;
        this.share = share;
        this.sender = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name("send-" + workload).factory());
    }

    /** What went out for an epoch. */
    record Shipped(long payloadPages, long wireBytes) {}

    void begin(PageTransport.Session to, long newEpoch) {
        drop();
        session = to;
        epoch = newEpoch;
        scannedOnce = false;
        startNanos = System.nanoTime();
        payloadPages = 0;
        wireBytes = 0;
        link.idle();
        session.begin(epoch);
    }

    /** From now on tells pages that are sent for the first time from those sent again. */
    void countFromNow() {
        sentBefore = new PageSet();
        pagesFirst = 0;
        pagesAgain = 0;
    }

    void stopCounting() {
        sentBefore = null;
    }

    long pagesFirst() {
        return pagesFirst;
    }

    long pagesAgain() {
        return pagesAgain;
    }

    @Override
    public MemorySource.Scan scan(PageRuns open) {
        return scan(MemorySource.Tasks.RUNNING, open);
    }

    MemorySource.Scan scan(MemorySource.Tasks tasks, PageRuns open) {
        MemorySource.Scan scan = memory.scan(workload, epoch, tasks, open);
        if (epoch == FIRST_EPOCH && !scannedOnce) {
            // fresh pages of tmpfs are slow: the destination provides them ahead of the bytes
            session.prepare(epoch, scan.written());
        }
        scannedOnce = true;
        return scan;
    }

    /** All of a scan, in its order. */
    void sendAll(PageRuns runs) {
        Batches batches = new Batches(runs);
        for (PageRuns batch = batches.next(Batches.MAX_PAGES); batch != null; batch = batches.next(Batches.MAX_PAGES)) {
            send(batch);
        }
    }

    @Override
    public void send(PageRuns batch) {
        if (inFlight.size() == PIPELINE_DEPTH) {
            wireBytes += await(inFlight.removeFirst());
        }
        PageTransport.Session to = session;
        long of = epoch;
        Segment segment = memory.read(workload, of, batch);
        payloadPages += segment.length() / PageRuns.PAGE_BYTES;
        count(batch);
        inFlight.addLast(sender.submit(() -> {
            try (segment;
                    LinkArbiter.Turn _ = share.turn()) {
                long began = System.nanoTime();
                long bytes = to.send(of, segment);
                link.sent(bytes, System.nanoTime() - began, to.linkBytesPerSecond());
                return bytes;
            }
        }));
    }

    private void count(PageRuns batch) {
        if (sentBefore == null) {
            return;
        }
        for (int i = 0; i < batch.size(); i++) {
            if (batch.source(i) == PageSource.BYTES) {
                long first = sentBefore.add(batch.space(i), batch.address(i), batch.pages(i));
                pagesFirst += first;
                pagesAgain += batch.pages(i) - first;
            }
        }
    }

    /** Waits until everything has been handed to the link. */
    Shipped finish() {
        try {
            while (!inFlight.isEmpty()) {
                wireBytes += await(inFlight.removeFirst());
            }
        } catch (RuntimeException e) {
            drop();
            throw e;
        }
        return new Shipped(payloadPages, wireBytes);
    }

    /** Of the epoch under way: on the wire so far. */
    long wireBytes() {
        return wireBytes;
    }

    /** Since the epoch began. */
    long elapsedMicros() {
        return (System.nanoTime() - startNanos) / 1000;
    }

    /** The epoch is over, and counted by its seal. */
    void sealed() {
        wireBytes = 0;
    }

    @Override
    public long linkBytesPerSecond() {
        return link.bytesPerSecond();
    }

    @Override
    public boolean full() {
        return epoch != FIRST_EPOCH && payloadPages * PageRuns.PAGE_BYTES >= STAGED_LIMIT_BYTES;
    }

    @Override
    public long nanos() {
        return System.nanoTime();
    }

    /** After a failure nothing may still read a segment or write to the session when the caller closes it. */
    void drop() {
        while (!inFlight.isEmpty()) {
            try {
                await(inFlight.removeFirst());
            } catch (RuntimeException alreadyFailing) {
                continue;
            }
        }
    }

    private static long await(Future<Long> sent) {
        try {
            return sent.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DecampException.retry("interrupted", "Shipping was interrupted", "The next epoch sends it again", e);
        }
    }

    @Override
    public void close() {
        sender.shutdownNow();
    }
}
