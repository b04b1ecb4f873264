package io.decamp.snapshotter.engine;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.port.Segment;
import java.util.ArrayDeque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Ships the pages of one epoch: scan, then read and send overlapped, so that the link works while the next pages are
 * copied. Does not seal. Used by the workload's loop only.
 */
final class EpochShipper implements AutoCloseable {
    /** Segments on their way at once: one being filled, one being sent, one waiting. */
    private static final int PIPELINE_DEPTH = 3;
    /** Of a generation: everything is new to the destination. */
    private static final int FIRST_EPOCH = 1;

    private final WorkloadId workload;
    private final MemorySource memory;
    private final PropagationOrder order;
    private final ExecutorService sender;

    EpochShipper(WorkloadId workload, MemorySource memory, PropagationOrder order) {
        this.workload = workload;
        this.memory = memory;
        this.order = order;
        this.sender = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name("send-" + workload).factory());
    }

    /** What was sent of an epoch. {@code scan} tells the live address spaces for the seal. */
    record Shipped(MemorySource.Scan scan, long payloadPages, long wireBytes, long micros) {}

    Shipped ship(PageTransport.Session session, long epoch, MemorySource.Tasks tasks) {
        long start = System.nanoTime();
        session.begin(epoch);
        MemorySource.Scan scan = memory.scan(workload, epoch, tasks);
        if (epoch == FIRST_EPOCH) {
            // fresh pages of tmpfs are slow: the destination provides them ahead of the bytes
            session.prepare(epoch, scan.written());
        }
        Batches batches = new Batches(order.order(scan.written()));
        ArrayDeque<Future<Long>> inFlight = new ArrayDeque<>(PIPELINE_DEPTH);
        long wireBytes = 0;
        long payloadPages = 0;
        try {
            for (PageRuns batch = batches.next(); batch != null; batch = batches.next()) {
                if (inFlight.size() == PIPELINE_DEPTH) {
                    wireBytes += await(inFlight.removeFirst());
                }
                Segment segment = memory.read(workload, epoch, batch);
                payloadPages += segment.length() / PageRuns.PAGE_BYTES;
                inFlight.addLast(sender.submit(() -> {
                    try (segment) {
                        return session.send(epoch, segment);
                    }
                }));
            }
            while (!inFlight.isEmpty()) {
                wireBytes += await(inFlight.removeFirst());
            }
        } finally {
            drain(inFlight);
        }
        return new Shipped(scan, payloadPages, wireBytes, (System.nanoTime() - start) / 1000);
    }

    /** After a failure nothing may still read a segment or write to the session when the caller closes it. */
    private static void drain(ArrayDeque<Future<Long>> inFlight) {
        for (Future<Long> f : inFlight) {
            try {
                await(f);
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

    /** Pages of {@code runs} that need no bytes. */
    static long pagesWithoutBytes(PageRuns runs) {
        long n = 0;
        for (int i = 0; i < runs.size(); i++) {
            if (runs.source(i) != PageSource.BYTES) {
                n += runs.pages(i);
            }
        }
        return n;
    }

    @Override
    public void close() {
        sender.shutdownNow();
    }
}
