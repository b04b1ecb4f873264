package io.decamp.introspector.engine.runtime;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Waits for the steps of a dump, all of which show as new files (inotify(7)). Must be made before the dump is started.
 * For one thread.
 */
final class DumpWatch implements AutoCloseable {
    /** Longest time between two looks: the end of a criu that is not our child shows in no directory. */
    private static final long LOOK_EVERY_MILLIS = 50;

    private final WatchService watch;

    DumpWatch(DumpJob job) {
        try {
            watch = job.run().getFileSystem().newWatchService();
            job.run().register(watch, StandardWatchEventKinds.ENTRY_CREATE);
            job.images().register(watch, StandardWatchEventKinds.ENTRY_CREATE);
        } catch (IOException e) {
            throw new UncheckedIOException("Can't watch " + job, e);
        }
    }

    /** @throws DecampException {@code dump-stuck} when {@code limit} is over */
    void await(String what, Duration limit, BooleanSupplier condition) {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw DecampException.fatal(
                        "dump-stuck",
                        "criu did not get to " + what + " within " + limit.toSeconds() + " s",
                        "See its log; do not kill criu, its code may be running inside the workload's tasks",
                        null);
            }
            look();
        }
    }

    private void look() {
        try {
            WatchKey key = watch.poll(LOOK_EVERY_MILLIS, TimeUnit.MILLISECONDS);
            if (key != null) {
                key.pollEvents();
                key.reset();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DecampException.abort("interrupted", "Interrupted while criu dumps", "Thaw the workload", e);
        }
    }

    @Override
    public void close() {
        try {
            watch.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
