package io.decamp.introspector.engine.runtime;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jboss.logging.Logger;

/**
 * Waits for the steps of a dump, all of which show as new files (inotify(7)). Must be made before the dump is started.
 * For one thread.
 */
final class DumpWatch implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(DumpWatch.class);

    /** Longest time between two looks: the end of a criu that is not our child shows in no directory. */
    private static final long LOOK_EVERY_MILLIS = 50;

    /** The same without inotify, which a host may have run out of. */
    private static final long LOOK_ALONE_NANOS = 1_000_000;

    /** Null: there is none to be had. */
    private final WatchService watch;

    DumpWatch(DumpJob job) {
        watch = open(job);
    }

    /** A thaw must not fail for want of a watch, or of images that were deleted already. */
    private static WatchService open(DumpJob job) {
        WatchService made = null;
        try {
            made = job.run().getFileSystem().newWatchService();
            for (Path directory : List.of(job.run(), job.images())) {
                if (Files.isDirectory(directory)) {
                    directory.register(made, StandardWatchEventKinds.ENTRY_CREATE);
                }
            }
            return made;
        } catch (IOException e) {
            LOG.warnf("Looks at %s by the clock: %s", job.run(), e);
            close(made);
            return null;
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
        if (watch == null) {
            LockSupport.parkNanos(LOOK_ALONE_NANOS);
            return;
        }
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
        close(watch);
    }

    private static void close(WatchService watch) {
        try {
            if (watch != null) {
                watch.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
