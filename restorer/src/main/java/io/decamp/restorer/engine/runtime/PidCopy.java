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
import io.decamp.linux.workload.Bindings;
import io.decamp.linux.workload.PidNamespace;
import io.decamp.linux.workload.TaskStates;
import io.decamp.restorer.engine.image.ReplicaImages;
import io.decamp.restorer.engine.lazy.LazyPages;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.jboss.logging.Logger;

/**
 * Copies of workloads that no container runtime knows, made with criu alone in a PID namespace and a freezer cgroup of
 * their own. A held copy needs no helper: the kernel keeps it. Thread safe for different workloads; calls for one workload
 * come one after the other.
 */
public final class PidCopy implements CopyRuntime {
    private static final Logger LOG = Logger.getLogger(PidCopy.class);

    /** Thawing takes 1 ms; freeing memory 0.1 s per GiB. */
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final NodeSettings settings;
    private final LazyPages lazyPages;
    private final long lazyFromBytes;
    private final FreezerHierarchy hierarchy = FreezerHierarchy.detect();
    private final CopyRecords records;
    private final Bindings bindings;
    private final Path gate;

    /** @param lazyFromBytes from this resident size, memory is served on demand */
    public PidCopy(NodeSettings settings, LazyPages lazyPages, long lazyFromBytes) {
        this.settings = settings;
        this.lazyPages = lazyPages;
        this.lazyFromBytes = lazyFromBytes;
        this.records = new CopyRecords(settings.stateDirectory());
        this.bindings = new Bindings(settings.node(), settings.stateDirectory());
        this.gate = GateScript.HOLD_COPY.install(settings.stateDirectory().resolve("scripts"));
    }

    /** There is nothing that a copy needs beforehand. */
    @Override
    public void warm(WorkloadId id, Path bundle) {}

    @Override
    public Held prepare(WorkloadId id, SealedReplica replica, Path bundle) {
        requireNoCopy(id);
        RestoreJob job =
                new RestoreJob(settings.memoryDirectory().resolve("copies").resolve(id.fileName()));
        FreezerCgroup cgroup = hierarchy.at(settings.cgroupPrefix() + "/copy-" + id.fileName());
        try {
            job.create(replica);
            boolean lazy = job.lazyBytes() >= lazyFromBytes;
            records.put(new CopyRecord(id, job.directory(), cgroup.path(), lazy, null));
            cgroup.create();
            int init = restore(id, job, cgroup, replica, lazy);
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
        FreezerCgroup cgroup = hierarchy.at(copy.cgroup());
        if (copy.released() == null) {
            if (hold(copy) != Hold.HELD) {
                throw missing(id);
            }
            ProcessIdentity init =
                    ProcessIdentity.of(job.heldInit().orElseThrow()).orElseThrow(() -> missing(id));
            bindings.bind(id, init);
            records.put(copy.withReleased(init));
        }
        cgroup.thaw(LIMIT);
        LOG.infof("%s: copy released", id);
        if (copy.lazy()) {
            lazyPages.beginFill(id);
        }
        job.remove();
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
        FreezerCgroup cgroup = hierarchy.at(copy.cgroup());
        // criu may be in the cgroup or outside, depending on how far it got
        FrozenKill.all(cgroup, LIMIT, () -> job.processes().kill(Set.copyOf(cgroup.processes()), LIMIT));
        job.processes().kill(Set.of(), LIMIT);
        cgroup.remove();
        if (copy.lazy()) {
            lazyPages.destroy(id);
        }
        job.remove();
        records.remove(id);
        LOG.infof("%s: copy destroyed", id);
    }

    private int restore(WorkloadId id, RestoreJob job, FreezerCgroup cgroup, SealedReplica replica, boolean lazy) {
        Path work = job.directory();
        if (lazy) {
            work = lazyPages.start(id, replica, job.images());
        } else {
            ReplicaImages.eager(job.images(), job.parent(), replica);
        }
        List<String> command = new ArrayList<>(settings.criu());
        command.addAll(List.of("restore", "--images-dir", job.images().toString(), "--work-dir", work.toString()));
        command.addAll(List.of("--log-file", RestoreJob.LOG, "-v2", "--restore-detached"));
        command.addAll(List.of("--action-script", gate.toString(), "--manage-cgroups=ignore"));
        command.addAll(List.of("--tcp-close", "--skip-in-flight", "--file-locks"));
        if (lazy) {
            command.add("--lazy-pages");
        }
        FreezerCgroup home = hierarchy.of((int) ProcessHandle.current().pid()).orElseThrow();
        int init = job.run(command, job.environment(hierarchy, cgroup, home), work.resolve(RestoreJob.LOG));
        if (lazy) {
            lazyPages.requireAttached(id);
        }
        return init;
    }

    private Hold hold(CopyRecord copy) {
        if (copy.released() != null) {
            return Hold.RELEASED;
        }
        RestoreJob job = new RestoreJob(copy.directory());
        FreezerCgroup cgroup = hierarchy.at(copy.cgroup());
        OptionalInt init = job.heldInit();
        boolean held = init.isPresent()
                && cgroup.isFrozen()
                && cgroup.processes().contains(init.getAsInt())
                && job.processes().find(Set.of()).isEmpty();
        return held ? Hold.HELD : Hold.PARTIAL;
    }

    /** A copy that is there must be dealt with first; one that has been released and has moved on since is history. */
    private void requireNoCopy(WorkloadId id) {
        CopyRecord copy = records.find(id).orElse(null);
        if (copy == null) {
            return;
        }
        if (copy.released() == null || copy.released().isPresent() && TaskStates.of(copy.released().pid()) != 'Z') {
            throw DecampException.refused(
                    "copy-exists", "There is a copy of " + id + " here: " + hold(copy), "Destroy it first");
        }
        records.remove(id);
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
