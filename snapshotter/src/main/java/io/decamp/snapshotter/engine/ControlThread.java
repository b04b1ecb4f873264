package io.decamp.snapshotter.engine;

import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/** The one thread on which the set of protected workloads changes, and the timer that brings back what failed for now. */
final class ControlThread implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(ControlThread.class);

    private final ExecutorService control = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("snapshotter").factory());
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("snapshotter-timer").factory());

    ScheduledExecutorService timer() {
        return timer;
    }

    /** What fails is logged and stops nothing else; what comes after the end is left to the next start. */
    void run(Runnable work) {
        try {
            control.execute(() -> {
                try {
                    work.run();
                } catch (RuntimeException e) {
                    LOG.error("Snapshotter could not act on an event", e);
                }
            });
        } catch (RejectedExecutionException ending) {
            LOG.debug("An event came after the end");
        }
    }

    void runLater(Duration wait, Runnable work) {
        try {
            timer.schedule(() -> run(work), wait.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException ending) {
            LOG.debug("The next start does it");
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
        control.shutdown();
    }
}
