package io.decamp.transfer.engine.replica;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.Replicas;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.port.StandingReplica;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jboss.logging.Logger;

/**
 * All replicas that a node keeps, under {@code replicas/WORKLOAD/gGENERATION/} of its memory directory. Opening it
 * finds
 * what is sealed and throws half-received epochs away. {@code replicas/WORKLOAD/generation} says the newest generation
 * that was ever seen, and outlives the replicas, so that a sender who missed a move is refused. Thread safe.
 */
public final class ReplicaStore implements Replicas, AutoCloseable {
    private static final Logger LOG = Logger.getLogger(ReplicaStore.class);

    /** How long a new connection waits for the one before it to let go: it may be applying an epoch. */
    private static final Duration TAKEOVER_PATIENCE = Duration.ofSeconds(10);

    private final class Workload {
        final WorkloadId id;
        final Path directory;
        final NavigableMap<Long, Replica> generations = new TreeMap<>();
        long newest;
        Lease lease;

        Workload(WorkloadId id) {
            this.id = id;
            directory = root.resolve(id.fileName());
        }
    }

    private final Path root;
    private final MemoryBudget budget;
    private final Checkpoints checkpoints;
    private final FileChannel lock;
    private final Map<WorkloadId, Workload> workloads = new HashMap<>();

    private ReplicaStore(Path root, MemoryBudget budget, Checkpoints checkpoints, FileChannel lock) {
        this.root = root;
        this.budget = budget;
        this.checkpoints = checkpoints;
        this.lock = lock;
    }

    /**
     * @param memoryDirectory on tmpfs
     * @throws DecampException {@code replica-io}; {@code replicas-in-use} when another process has them open
     */
    public static ReplicaStore open(Path memoryDirectory, ReplicaLimits limits) {
        return open(memoryDirectory, limits, Checkpoints.NONE);
    }

    static ReplicaStore open(Path memoryDirectory, ReplicaLimits limits, Checkpoints checkpoints) {
        Path root = memoryDirectory.resolve("replicas");
        try {
            Files.createDirectories(root);
            FileChannel lock =
                    FileChannel.open(root.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            try {
                if (lock.tryLock() == null) {
                    throw DecampException.refused(
                            "replicas-in-use",
                            "Another process keeps replicas in " + root,
                            "Run one transfer service for each memory directory");
                }
                ReplicaStore store = new ReplicaStore(root, new MemoryBudget(limits, root), checkpoints, lock);
                store.load();
                return store;
            } catch (IOException | RuntimeException e) {
                lock.close();
                throw e;
            }
        } catch (IOException e) {
            throw io("Cannot open the replicas in " + root, e);
        }
    }

    private void load() throws IOException {
        try (DirectoryStream<Path> found = Files.newDirectoryStream(root, Files::isDirectory)) {
            for (Path directory : found) {
                // kinds of workloads have no underscore, so the first one stands for the colon
                Workload w = new Workload(new WorkloadId(directory.getFileName().toString().replaceFirst("_", ":")));
                Path record = generationRecord(w);
                w.newest = Files.exists(record) ? Long.parseLong(Files.readString(record).strip()) : 0;
                workloads.put(w.id, w);
                loadGenerations(w);
            }
        }
    }

    private void loadGenerations(Workload w) throws IOException {
        try (DirectoryStream<Path> found = Files.newDirectoryStream(w.directory, "g*[0-9]")) {
            for (Path directory : found) {
                long generation = Long.parseLong(directory.getFileName().toString().substring(1));
                Replica replica = Replica.open(w.id, generation, directory, budget, checkpoints);
                if (replica.lastSealedEpoch() == 0) {
                    replica.drop("nothing was sealed");
                    continue;
                }
                w.generations.put(generation, replica);
                try {
                    replica.finishSealing();
                } catch (DecampException e) {
                    LOG.errorf(e, "Replica of %s, generation %d, stays half applied until its sender connects", w.id, generation);
                }
            }
        }
    }

    private static Path generationRecord(Workload w) {
        return w.directory.resolve("generation");
    }

    /** The right to change the replicas of a workload; the one before it was ended first. */
    final class Lease implements AutoCloseable {
        private final Workload workload;
        private final Runnable evict;
        private Replica replica;

        private Lease(Workload workload, Runnable evict) {
            this.workload = workload;
            this.evict = evict;
        }

        Replica replica() {
            return replica;
        }

        /**
         * Makes room by dropping the oldest generation before this one that is not final. @return false when there is
         * none
         */
        boolean dropOlder() {
            return dropGeneration(workload, replica.generation(), "a newer generation needs its memory");
        }

        /** The generation has a sealed epoch: older ones that are not final serve nobody any more. */
        void outdateOlder() {
            boolean more;
            do {
                more = dropGeneration(workload, replica.generation(), "a newer generation is sealed");
            } while (more);
        }

        @Override
        public void close() {
            synchronized (ReplicaStore.this) {
                workload.lease = null;
                ReplicaStore.this.notifyAll();
            }
        }
    }

    /**
     * @param evict ends whoever holds the lease, called when somebody else wants it; must not block
     * @throws DecampException {@code generation-stale}, {@code replica-busy}, {@code replica-io}, {@code
     * destination-full}
     */
    Lease lease(WorkloadId id, long generation, Runnable evict) {
        Lease lease = take(id, generation, evict);
        try {
            lease.replica = replicaOf(lease.workload, generation);
            lease.replica.finishSealing();
            return lease;
        } catch (IOException e) {
            lease.close();
            throw io("Cannot make a replica of " + id + " in " + root, e);
        } catch (RuntimeException e) {
            lease.close();
            throw e;
        }
    }

    private synchronized Lease take(WorkloadId id, long generation, Runnable evict) {
        Workload w = workloads.computeIfAbsent(id, Workload::new);
        long deadline = System.nanoTime() + TAKEOVER_PATIENCE.toNanos();
        while (true) {
            if (generation < w.newest) {
                throw DecampException.refused(
                        "generation-stale",
                        "Generation " + generation + " of " + id + " is older than " + w.newest + ", which was seen here",
                        "Another node owns the workload now; look at `status` before protecting it again");
            }
            if (w.lease == null) {
                return w.lease = new Lease(w, evict);
            }
            w.lease.evict.run();
            long leftMillis = (deadline - System.nanoTime()) / 1_000_000;
            if (leftMillis <= 0) {
                throw busy(id, null);
            }
            try {
                wait(leftMillis);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw busy(id, e);
            }
        }
    }

    private static DecampException busy(WorkloadId id, Exception cause) {
        return DecampException.retry(
                "replica-busy",
                "Another connection holds the replica of " + id + " for longer than " + TAKEOVER_PATIENCE.toSeconds() + " s",
                "Try again; an epoch may be on its way into the replica",
                cause);
    }

    private synchronized Replica replicaOf(Workload w, long generation) throws IOException {
        if (generation > w.newest) {
            Files.createDirectories(w.directory);
            Path half = w.directory.resolve("generation.new");
            Files.writeString(half, generation + "\n");
            Files.move(half, generationRecord(w), StandardCopyOption.ATOMIC_MOVE);
            w.newest = generation;
        }
        Replica replica = w.generations.get(generation);
        if (replica == null) {
            replica = Replica.open(w.id, generation, w.directory.resolve("g" + generation), budget, checkpoints);
            w.generations.put(generation, replica);
        }
        return replica;
    }

    private boolean dropGeneration(Workload w, long before, String why) {
        Replica old = null;
        synchronized (this) {
            for (Replica candidate : w.generations.headMap(before, false).values()) {
                if (!candidate.holdsFinal()) {
                    old = candidate;
                    break;
                }
            }
            if (old == null) {
                return false;
            }
            w.generations.remove(old.generation());
        }
        old.drop(why);
        return true;
    }

    @Override
    public Optional<SealedReplica> sealed(WorkloadId workload, long generation) {
        return find(workload, generation).flatMap(Replica::sealed);
    }

    @Override
    public Optional<StandingReplica> standing(WorkloadId workload, long generation) {
        return find(workload, generation).flatMap(Replica::standing);
    }

    private synchronized Optional<Replica> find(WorkloadId workload, long generation) {
        return Optional.ofNullable(workloads.get(workload)).map(w -> w.generations.get(generation));
    }

    @Override
    public synchronized Optional<SealedReplica> sealed(WorkloadId workload, Digest digest) {
        Workload w = workloads.get(workload);
        if (w != null) {
            for (Replica replica : w.generations.descendingMap().values()) {
                Optional<SealedReplica> found = replica.sealed();
                if (found.isPresent() && Arrays.equals(found.get().digest(), digest.bytes())) {
                    return found;
                }
            }
        }
        return Optional.empty();
    }

    @Override
    public void drop(WorkloadId workload, long generation) {
        Workload w;
        synchronized (this) {
            w = workloads.get(workload);
            if (w == null || !w.generations.containsKey(generation)) {
                return;
            }
        }
        // whoever writes is ended; a sender that has more to send connects again
        try (Lease lease = take(workload, Long.MAX_VALUE, () -> {})) {
            Replica replica;
            synchronized (this) {
                replica = lease.workload.generations.remove(generation);
            }
            if (replica != null) {
                replica.drop("asked to");
            }
        }
    }

    /** Forgets every replica of the workload. */
    public void dropAll(WorkloadId workload) {
        List<Long> generations;
        synchronized (this) {
            Workload w = workloads.get(workload);
            generations = w == null ? List.of() : List.copyOf(w.generations.keySet());
        }
        generations.forEach(generation -> drop(workload, generation));
    }

    /** Memory that replicas may still take. */
    public long freeBytes() {
        return budget.freeBytes();
    }

    /** Memory that replicas take, estimated from above. */
    public long usedBytes() {
        return budget.usedBytes();
    }

    /** Closes all files; what is sealed stays. The caller has ended all connections. */
    @Override
    public synchronized void close() {
        try (lock) {
            for (Workload w : workloads.values()) {
                for (Replica replica : w.generations.values()) {
                    replica.close();
                }
            }
            workloads.clear();
        } catch (IOException e) {
            throw io("Cannot close the replicas in " + root, e);
        }
    }

    private static DecampException io(String message, IOException cause) {
        return DecampException.retry("replica-io", message, "Look at the file system of that directory", cause);
    }
}
