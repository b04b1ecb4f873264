package io.decamp.restorer.engine.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.CopyRuntime;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.linux.cgroup.FreezerCgroup;
import io.decamp.linux.cgroup.FreezerHierarchy;
import io.decamp.linux.cgroup.FrozenKill;
import io.decamp.linux.command.GateScript;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.proc.PidNamespace;
import io.decamp.linux.workload.TaskStates;
import io.decamp.restorer.engine.image.ReplicaImages;
import io.decamp.restorer.engine.lazy.LazyPages;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jboss.logging.Logger;

/**
 * What copies of all kinds have in common: criu restores them, and its action script freezes them in a cgroup of
 * their own
 * before their first instruction. A held copy needs no helper: the kernel keeps it. Thread safe for different
 * workloads;
 * calls for one workload come one after the other.
 */
abstract sealed class CriuCopy implements CopyRuntime permits PidCopy, RuncCopy {
    private static final Logger LOG = Logger.getLogger(CriuCopy.class);

    /** Thawing takes 1 ms; freeing memory 0.1 s per GiB. */
    static final Duration LIMIT = Duration.ofSeconds(60);

    final NodeSettings settings;
    final FreezerHierarchy hierarchy = FreezerHierarchy.detect();
    final Path gate;
    private final LazyPages lazyPages;
    private final long lazyFromBytes;
    private final CopyRecords records;

    /** @param lazyFromBytes from this resident size, memory is served on demand */
    CriuCopy(NodeSettings settings, LazyPages lazyPages, long lazyFromBytes) {
        this.settings = settings;
        this.lazyPages = lazyPages;
        this.lazyFromBytes = lazyFromBytes;
        this.records = new CopyRecords(settings.stateDirectory());
        this.gate = GateScript.HOLD_COPY.install(settings.stateDirectory().resolve("scripts"));
    }

    /** Path of the cgroup that the copy is to be made in; empty where a container runtime decides. */
    abstract String cgroupOf(WorkloadId id);

    /** Restores; the copy is frozen when it ends. Returns the init. */
    abstract int restore(WorkloadId id, RestoreJob job, Path work, Path bundle, boolean lazy);

    /** Notes that this is the workload from now on. */
    abstract void bind(WorkloadId id, ProcessIdentity init);

    /** Kills criu, which may trace the tasks; these are frozen and have been killed, so that nothing waits for them. */
    abstract void killCriu(RestoreJob job);

    /** Removes what is left of a copy without processes. Idempotent. */
    abstract void forget(WorkloadId id, FreezerCgroup cgroup);

    /** The service's own place, where criu goes before the copy is frozen. */
    final FreezerCgroup home() {
        return hierarchy.of((int) ProcessHandle.current().pid()).orElseThrow();
    }

    @Override
    public Held prepare(WorkloadId id, SealedReplica replica, Path bundle) {
        requireNoCopy(id);
        RestoreJob job =
                new RestoreJob(settings.memoryDirectory().resolve("copies").resolve(id.fileName()));
        try {
            job.create(replica);
            boolean lazy = job.lazyBytes() >= lazyFromBytes;
            records.put(CopyRecord.made(id, job.directory(), cgroupOf(id), lazy));
            Path work = memory(id, job, replica, lazy);
            int init = restore(id, job, work, bundle, lazy);
            if (lazy) {
                lazyPages.requireAttached(id);
            }
            FreezerCgroup cgroup = hierarchy.of(init).orElseThrow(() -> missing(id));
            requireHeld(init, cgroup);
            LOG.infof("%s: copy %d is complete and frozen in %s", id, init, cgroup.path());
            return new Held(id, init, lazy);
        } catch (RuntimeException e) {
            giveUp(id, job, e);
            throw e;
        }
    }

    @Override
    public Hold hold(WorkloadId id) {
        return records.find(id).map(this::hold).orElse(Hold.NONE);
    }

    @Override
    public void release(WorkloadId id) {
        CopyRecord copy = records.find(id).orElseThrow(() -> missing(id));
        RestoreJob job = new RestoreJob(copy.directory());
        FreezerCgroup cgroup = cgroup(copy).orElseThrow(() -> missing(id));
        if (copy.released() == null) {
            if (hold(copy) != Hold.HELD) {
                throw missing(id);
            }
            ProcessIdentity init =
                    ProcessIdentity.of(job.heldInit().orElseThrow()).orElseThrow(() -> missing(id));
            bind(id, init);
            copy = copy.withReleasing(init, cgroup.path());
            records.put(copy);
        }
        if (copy.releasing()) {
            letRun(copy, cgroup);
            // only now: until then, a start of the service that finds the record does all of this again
            records.put(copy.withReleased());
        }
        job.remove();
    }

    /** Idempotent. */
    private void letRun(CopyRecord copy, FreezerCgroup cgroup) {
        if (copy.lazy() && lazyPages.state(copy.id()) == LazyPages.State.LOST) {
            // said to run, its original would be killed
            throw DecampException.fatal(
                    "lazy-memory-lost",
                    "The memory of the copy of " + copy.id() + " was lost before its release was over",
                    "Fence " + settings.node() + " to let the source go on from the freeze",
                    null);
        }
        cgroup.thaw(LIMIT);
        LOG.infof("%s: copy released", copy.id());
        if (copy.lazy()) {
            lazyPages.beginFill(copy.id());
        }
    }

    @Override
    public void destroy(WorkloadId id) {
        CopyRecord copy = records.find(id).orElse(null);
        if (copy == null) {
            return;
        }
        if (copy.released() != null) {
            throw DecampException.refused(
                    "copy-released",
                    "The copy of " + id + " was released: it may have executed instructions",
                    "It is the workload now; evict it to move it on");
        }
        RestoreJob job = new RestoreJob(copy.directory());
        FreezerCgroup cgroup = cgroup(copy).orElse(null);
        if (cgroup != null) {
            // criu may be in the cgroup or outside, depending on how far it got
            FrozenKill.all(cgroup, LIMIT, () -> killCriu(job));
        }
        killCriu(job);
        if (!job.processes().awaitEnd(LIMIT)) {
            throw DecampException.fatal(
                    "restore-stuck",
                    "Processes " + job.processes().find() + " of the restore in " + job.directory() + " do not end",
                    "Do not kill runc: it has the root file system bound below its own directory, and would leave it there",
                    null);
        }
        forget(id, cgroup);
        if (copy.lazy()) {
            lazyPages.destroy(id);
        }
        job.remove();
        records.remove(id);
        LOG.infof("%s: copy destroyed", id);
    }

    /** Joins the images with the replica. Returns criu's work directory. */
    private Path memory(WorkloadId id, RestoreJob job, SealedReplica replica, boolean lazy) {
        if (lazy) {
            return lazyPages.start(id, replica, job.images());
        }
        ReplicaImages.eager(job.images(), job.parent(), replica);
        return job.directory();
    }

    /** Empty when the copy has not got into one. */
    private Optional<FreezerCgroup> cgroup(CopyRecord copy) {
        if (!copy.cgroup().isEmpty()) {
            return Optional.of(hierarchy.at(copy.cgroup()));
        }
        return new RestoreJob(copy.directory()).cgroupPath().map(hierarchy::at);
    }

    private Hold hold(CopyRecord copy) {
        if (copy.releasing()) {
            // what died before its release was over is lost: nobody has been told that it runs
            return isAlive(copy.released()) ? Hold.RELEASING : Hold.NONE;
        }
        if (copy.released() != null) {
            return Hold.RELEASED;
        }
        RestoreJob job = new RestoreJob(copy.directory());
        OptionalInt init = job.heldInit();
        FreezerCgroup cgroup = cgroup(copy).orElse(null);
        boolean held = init.isPresent()
                && cgroup != null
                && cgroup.isFrozen()
                && cgroup.processes().contains(init.getAsInt())
                && job.processes().find().isEmpty();
        return held ? Hold.HELD : Hold.PARTIAL;
    }

    /** A copy that is there must be dealt with first; one that has been released and has moved on since is history. */
    private void requireNoCopy(WorkloadId id) {
        CopyRecord copy = records.find(id).orElse(null);
        if (copy == null) {
            return;
        }
        if (copy.released() == null || isAlive(copy.released())) {
            throw DecampException.refused(
                    "copy-exists", "There is a copy of " + id + " here: " + hold(copy), "Destroy it first");
        }
        records.remove(id);
    }

    private static boolean isAlive(ProcessIdentity init) {
        return init.isPresent() && TaskStates.of(init.pid()) != 'Z';
    }

    private void requireHeld(int init, FreezerCgroup cgroup) {
        List<Integer> outside = new ArrayList<>(PidNamespace.of(init).processes());
        outside.removeAll(cgroup.processes());
        if (!cgroup.isFrozen() || !outside.isEmpty()) {
            throw DecampException.fatal(
                    "copy-escaped",
                    "The copy in " + cgroup + " is not held; processes outside: " + outside,
                    "It is destroyed now; what it wrote meanwhile is in its files",
                    null);
        }
    }

    private void giveUp(WorkloadId id, RestoreJob job, RuntimeException reason) {
        try {
            destroy(id);
            job.remove();
        } catch (RuntimeException e) {
            reason.addSuppressed(e);
        }
    }

    private static DecampException missing(WorkloadId id) {
        return DecampException.fatal(
                "no-held-copy",
                "There is no complete copy of " + id + " that could be released",
                "Return the workload to its source",
                null);
    }
}
