package io.decamp.model.sim;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.CopyRuntime;
import io.decamp.contracts.port.EventSink;
import io.decamp.contracts.port.Replicas;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.PreflightReport;
import io.decamp.contracts.v1.Restored;
import io.decamp.contracts.v1.SnapshotReady;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/** One node's kernel and criu: tasks, copies and replicas that outlive its services. */
final class SimNode implements Replicas, EventSink {
    final NodeId id;
    final WorkloadRuntime originals = new Originals();
    final CopyRuntime copies = new Copies();
    boolean up = true;
    boolean running;
    Digest frozen;
    CopyRuntime.Hold copy = CopyRuntime.Hold.NONE;
    private boolean copyRuns;
    Digest replica;
    /** Out of a hundred calls of criu, how many fail. */
    int failPercent;

    int copiesRun;
    final List<Restored> told = new ArrayList<>();

    private final Random random;
    private final Set<Digest> ran;

    /** @param ran digests whose copy has run on whichever node, and was not given up by a fencing */
    SimNode(NodeId id, Random random, Set<Digest> ran) {
        this.id = id;
        this.random = random;
        this.ran = ran;
    }

    int runningCopies() {
        return (running ? 1 : 0) + (copyRuns ? 1 : 0);
    }

    void losePower() {
        up = false;
        running = false;
        frozen = null;
        noCopy();
        replica = null;
    }

    /** A released copy is a workload like any other from here on. */
    void freeze(Digest digest) {
        running = false;
        noCopy();
        frozen = digest;
    }

    private void noCopy() {
        copy = CopyRuntime.Hold.NONE;
        copyRuns = false;
    }

    private void mayFail(String what) {
        if (random.nextInt(100) < failPercent) {
            throw DecampException.retry("criu-failed", what + " failed", "Try again", null);
        }
    }

    private final class Originals implements WorkloadRuntime {
        @Override
        public Found find(WorkloadId workload) {
            if (runningCopies() > 0) {
                return new Found(workload, 1, State.RUNNING, null);
            }
            if (frozen != null || copy != CopyRuntime.Hold.NONE) {
                return new Found(workload, 1, State.FROZEN, null);
            }
            throw DecampException.refused("workload-not-found", "Nothing here", "Look elsewhere");
        }

        @Override
        public PreflightReport check(WorkloadId workload) {
            return PreflightReport.getDefaultInstance();
        }

        @Override
        public Frozen freeze(WorkloadId workload, String migration, Path parts, Runnable onStopped) {
            throw new UnsupportedOperationException("The simulation freezes");
        }

        @Override
        public Hold hold(WorkloadId workload) {
            return frozen == null ? Hold.NONE : Hold.HELD;
        }

        @Override
        public void thaw(WorkloadId workload) {
            mayFail("Thaw");
            if (frozen != null && ran.contains(frozen)) {
                throw new AssertionError("The original of " + frozen + " runs on after its copy ran");
            }
            running |= frozen != null;
            frozen = null;
        }

        @Override
        public void kill(WorkloadId workload) {
            mayFail("Kill");
            frozen = null;
            running = false;
            if (copy == CopyRuntime.Hold.RELEASING || copy == CopyRuntime.Hold.RELEASED) {
                noCopy();
            }
        }
    }

    private final class Copies implements CopyRuntime {
        private Digest copyOf;

        @Override
        public void warm(WorkloadId workload, Path bundle) {}

        @Override
        public Held prepare(WorkloadId workload, SealedReplica sealed, Path bundle) {
            if (copy != Hold.NONE || frozen != null) {
                throw new AssertionError("Restores beside " + copy + " and " + frozen);
            }
            if (random.nextInt(100) < failPercent) {
                copy = random.nextBoolean() ? Hold.PARTIAL : Hold.NONE;
                throw DecampException.abort("restore-failed", "criu says no", "See its log", null);
            }
            copy = Hold.HELD;
            copyOf = new Digest(sealed.digest());
            return new Held(workload, 1, false);
        }

        @Override
        public Hold hold(WorkloadId workload) {
            return copy;
        }

        @Override
        public void release(WorkloadId workload) {
            mayFail("Release");
            if (copy != Hold.HELD && copy != Hold.RELEASING) {
                throw new AssertionError("Releases " + copy);
            }
            copy = Hold.RELEASING;
            mayFail("Thaw of the copy");
            if (!copyRuns) {
                copyRuns = true;
                ran.add(copyOf);
                copiesRun++;
            }
            mayFail("What follows the thaw");
            copy = Hold.RELEASED;
        }

        @Override
        public void destroy(WorkloadId workload) {
            mayFail("Destroy");
            if (copy == Hold.RELEASING || copy == Hold.RELEASED) {
                throw new AssertionError("Destroys a copy that may have run");
            }
            noCopy();
        }
    }

    @Override
    public Optional<SealedReplica> sealed(WorkloadId workload, long generation) {
        return Optional.ofNullable(replica).flatMap(d -> sealed(workload, d));
    }

    @Override
    public Optional<SealedReplica> sealed(WorkloadId workload, Digest digest) {
        return digest.equals(replica)
                ? Optional.of(new SealedReplica(Path.of("replica"), 1, 1, digest.bytes(), List.of(), List.of()))
                : Optional.empty();
    }

    @Override
    public void drop(WorkloadId workload, long generation) {
        mayFail("Drop");
        replica = null;
    }

    @Override
    public void pagesDirty(PagesDirty event) {}

    @Override
    public void snapshotReady(SnapshotReady event) {}

    @Override
    public void restored(Restored event) {
        told.add(event);
    }

    @Override
    public void migrationFailed(MigrationFailed event) {}

    @Override
    public void progress(MigrationProgress event) {}

    @Override
    public void evictionMeasured(EvictionMeasured event) {}
}
