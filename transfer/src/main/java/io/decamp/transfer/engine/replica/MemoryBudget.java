package io.decamp.transfer.engine.replica;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/** What the replicas of a node take together. Thread safe; an {@link Account} belongs to one replica. */
final class MemoryBudget {
    private final ReplicaLimits limits;
    private final Path directory;
    private final AtomicLong used = new AtomicLong();

    MemoryBudget(ReplicaLimits limits, Path directory) {
        this.limits = limits;
        this.directory = directory;
    }

    interface Gauge {
        long allocatedBytes() throws IOException;
    }

    long freeBytes() {
        return Math.max(0, limits.nodeBytes() - used.get());
    }

    long usedBytes() {
        return used.get();
    }

    /**
     * The share of one replica: estimated from above by what is charged for each run, and measured only when the
     * estimate
     * passes a limit, as most runs replace pages that are there already. Used by one thread at a time.
     */
    final class Account {
        private final Gauge gauge;
        private long charged;

        Account(Gauge gauge) {
            this.gauge = gauge;
        }

        /** @return false when {@code bytes} more would pass a limit */
        boolean charge(long bytes) throws IOException {
            if (over(bytes)) {
                measure();
                if (over(bytes)) {
                    return false;
                }
            }
            add(bytes);
            return true;
        }

        /** @throws DecampException {@code destination-full} */
        DecampException refusal(long bytes) {
            boolean own = charged + bytes > limits.workloadBytes();
            long wanted = (own ? charged : used.get()) + bytes;
            long limit = own ? limits.workloadBytes() : limits.nodeBytes();
            return full((own ? "The replica" : "All replicas of this node") + " would take " + wanted + " bytes, the limit is "
                    + limit, null);
        }

        private boolean over(long bytes) {
            return charged + bytes > limits.workloadBytes() || used.get() + bytes > limits.nodeBytes();
        }

        void measure() throws IOException {
            add(gauge.allocatedBytes() - charged);
        }

        void release() {
            add(-charged);
        }

        private void add(long bytes) {
            charged += bytes;
            used.addAndGet(bytes);
        }

        long chargedBytes() {
            return charged;
        }
    }

    /** The file system itself is full. */
    DecampException fileSystemFull(IOException cause) {
        try {
            FileStore tmpfs = Files.getFileStore(directory);
            return full("The file system of " + directory + " has " + tmpfs.getUsableSpace() + " of " + tmpfs.getTotalSpace()
                    + " bytes left", cause);
        } catch (IOException e) {
            cause.addSuppressed(e);
            return full("The file system of " + directory + " has no room left", cause);
        }
    }

    private static DecampException full(String message, IOException cause) {
        return new DecampException(
                DecampException.Category.REFUSED,
                "destination-full",
                message,
                "Raise the limit, free memory there, or choose another standby; the last sealed epoch stays valid",
                cause);
    }
}
