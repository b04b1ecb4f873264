package io.decamp.snapshotter.engine.arbiter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class LinkArbiterTest {
    private static final NodeId BETA = new NodeId("beta");
    private static final NodeId GAMMA = new NodeId("gamma");

    private final LinkArbiter arbiter = new LinkArbiter();

    @Test
    void shouldNeverLetMoreSendToOneNodeThanItMay() throws Exception {
        AtomicInteger sending = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger served = new AtomicInteger();
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Future<?>> all = new ArrayList<>();
            for (int w = 0; w < 8; w++) {
                WorkloadId workload = new WorkloadId("runc:w" + w);
                all.add(threads.submit(() -> {
                    for (int i = 0; i < 500; i++) {
                        try (LinkArbiter.Turn _ = arbiter.turn(workload, BETA, Need.ROUTINE)) {
                            most.accumulateAndGet(sending.incrementAndGet(), Math::max);
                            served.incrementAndGet();
                            sending.decrementAndGet();
                        }
                    }
                }));
            }
            for (Future<?> one : all) {
                one.get();
            }
        }

        assertEquals(4000, served.get());
        assertTrue(most.get() <= LinkArbiter.TURNS_AT_ONCE, "at once: " + most);
    }

    @Test
    void shouldNotHoldUpOneNodeBecauseOfAnother() {
        LinkArbiter.Turn first = arbiter.turn(new WorkloadId("runc:a"), BETA, Need.ROUTINE);
        LinkArbiter.Turn second = arbiter.turn(new WorkloadId("runc:b"), BETA, Need.ROUTINE);

        arbiter.turn(new WorkloadId("runc:c"), GAMMA, Need.ROUTINE).close();

        first.close();
        second.close();
    }

    @Test
    void shouldGiveATurnBackOnceOnly() throws Exception {
        LinkArbiter.Turn held = arbiter.turn(new WorkloadId("runc:a"), BETA, Need.ROUTINE);
        LinkArbiter.Turn twice = arbiter.turn(new WorkloadId("runc:b"), BETA, Need.ROUTINE);
        twice.close();
        twice.close();
        LinkArbiter.Turn other = arbiter.turn(new WorkloadId("runc:c"), BETA, Need.ROUTINE);
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
            Future<?> waiting = thread.submit(
                    () -> arbiter.turn(new WorkloadId("runc:d"), BETA, Need.FROZEN).close());

            assertThrows(
                    TimeoutException.class, () -> waiting.get(100, TimeUnit.MILLISECONDS));
            held.close();
            waiting.get();
        }
        other.close();
    }

    @Test
    void shouldLetTheOthersGoOnWhenOneThatWaitsIsInterrupted() throws Exception {
        LinkArbiter.Turn first = arbiter.turn(new WorkloadId("runc:a"), BETA, Need.ROUTINE);
        LinkArbiter.Turn second = arbiter.turn(new WorkloadId("runc:b"), BETA, Need.ROUTINE);
        CountDownLatch refused = new CountDownLatch(1);
        Thread waiting = Thread.ofPlatform().start(() -> {
            assertThrows(
                    DecampException.class, () -> arbiter.turn(new WorkloadId("runc:c"), BETA, Need.FROZEN));
            refused.countDown();
        });
        waiting.interrupt();
        refused.await();
        first.close();

        arbiter.turn(new WorkloadId("runc:d"), BETA, Need.ROUTINE).close();

        second.close();
    }
}
