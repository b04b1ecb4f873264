package io.decamp.introspector.engine.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.v1.PreflightReport;
import io.decamp.linux.cgroup.FreezerCgroup;
import io.decamp.linux.cgroup.FreezerHierarchy;
import io.decamp.linux.command.GateScript;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.proc.PidNamespace;
import java.nio.file.Path;
import java.util.Map;
import org.jboss.logging.Logger;

/**
 * What all kinds of workloads have in common: a dump by criu that holds at a gate, and a cgroup freezer as the
 * second lock.
 * Thread safe for different workloads; calls for one workload come one after the other.
 */
abstract sealed class CriuRuntime implements WorkloadRuntime permits PidRuntime, RuncRuntime {
    private static final Logger LOG = Logger.getLogger(CriuRuntime.class);

    /** Deleted files that are still open travel within the images; larger ones make the freeze too long. */
    static final String GHOST_LIMIT = "16M";

    final NodeSettings settings;
    final FreezerHierarchy hierarchy = FreezerHierarchy.detect();
    final Path gate;
    private final FreezeRecords records;
    private final DoubleFreeze locks = new DoubleFreeze();

    CriuRuntime(NodeSettings settings) {
        this.settings = settings;
        this.records = new FreezeRecords(settings.stateDirectory());
        this.gate = GateScript.HOLD_DUMP.install(settings.stateDirectory().resolve("scripts"));
    }

    /** The cgroup that is frozen; need not exist yet. */
    abstract FreezerCgroup lockOf(Found found);

    /** Where the processes are now, if they are to be moved to the lock; else empty. */
    abstract Map<Integer, String> placesOf(PidNamespace tasks);

    /** Makes the lock, and sees to it that every process is in it. */
    abstract void enter(FreezerCgroup lock, PidNamespace tasks);

    abstract Process startDump(DumpJob job, Found found);

    /** Undoes {@link #enter}. Idempotent. */
    abstract void leave(FreezeRecord freeze, FreezerCgroup lock);

    /** Removes what is left of a workload without processes. Idempotent. */
    abstract void forget(FreezeRecord freeze, FreezerCgroup lock);

    /** True when a workload of which there is no freeze record lives here. */
    abstract boolean lives(WorkloadId id);

    @Override
    public PreflightReport check(WorkloadId id) {
        return new Preflight(settings).check(find(id));
    }

    @Override
    public Frozen freeze(WorkloadId id, String migration, Path partsDirectory, Runnable onStopped) {
        Found found = find(id);
        if (hold(id) != Hold.NONE || found.state() != State.RUNNING) {
            throw DecampException.refused(
                    "not-running", "Workload " + id + " does not run", "Thaw it, or end the migration that holds it");
        }
        PidNamespace tasks = PidNamespace.of(found.initPid());
        FreezerCgroup lock = lockOf(found);
        FreezeRecord freeze = new FreezeRecord(
                id,
                migration,
                partsDirectory,
                settings.memoryDirectory().resolve("freeze").resolve(id.fileName()),
                ProcessIdentity.of(found.initPid()).orElseThrow(() -> notFound(id)),
                lock.path(),
                placesOf(tasks),
                false);
        DumpJob job = new DumpJob(partsDirectory, freeze.run());
        job.create();
        records.put(freeze);
        try {
            enter(lock, tasks);
            Frozen frozen = locks.freeze(job, lock, tasks, j -> startDump(j, found), onStopped);
            LOG.infof("%s: frozen by criu and by cgroup %s, %d parts", id, lock.path(), frozen.parts().size());
            return frozen;
        } catch (RuntimeException e) {
            giveUp(id, e);
            throw e;
        }
    }

    @Override
    public Hold hold(WorkloadId id) {
        return records.find(id)
                .map(freeze -> locks.hold(freeze, hierarchy.at(freeze.cgroup())))
                .orElse(Hold.NONE);
    }

    @Override
    public void thaw(WorkloadId id) {
        FreezeRecord freeze = records.find(id).orElse(null);
        if (freeze == null) {
            return;
        }
        if (freeze.killing()) {
            throw DecampException.fatal(
                    "commit-begun", "Workload " + id + " is being killed", "Kill it again to finish", null);
        }
        FreezerCgroup lock = hierarchy.at(freeze.cgroup());
        locks.thaw(freeze, lock);
        leave(freeze, lock);
        end(freeze);
        LOG.infof("%s: thawed, runs on", id);
    }

    @Override
    public void kill(WorkloadId id) {
        FreezeRecord freeze = records.find(id).orElse(null);
        if (freeze == null) {
            if (!lives(id)) {
                return;
            }
            freeze = unheld(id);
        }
        FreezerCgroup lock = hierarchy.at(freeze.cgroup());
        records.put(freeze.withKilling());
        if (!lock.isFrozen() && freeze.init().isPresent()) {
            enter(lock, PidNamespace.of(freeze.init().pid()));
        }
        locks.kill(freeze, lock);
        forget(freeze, lock);
        end(freeze);
        LOG.infof("%s: killed while frozen", id);
    }

    /** For the end of a workload that no freeze holds. */
    private FreezeRecord unheld(WorkloadId id) {
        Found found = find(id);
        PidNamespace tasks = PidNamespace.of(found.initPid());
        // out of a frozen cgroup, tasks would run on
        FreezerCgroup lock = found.state() == State.FROZEN
                ? hierarchy.of(found.initPid()).orElseThrow(() -> notFound(id))
                : lockOf(found);
        if (found.state() == State.FROZEN && !tasks.processes().containsAll(lock.processes())) {
            throw DecampException.refused(
                    "frozen-with-others",
                    "Workload " + id + " is frozen together with others in cgroup " + lock.path(),
                    "Thaw that cgroup: the workload is then killed alone");
        }
        Path run = settings.memoryDirectory().resolve("freeze").resolve(id.fileName());
        return new FreezeRecord(
                id,
                "",
                run,
                run,
                ProcessIdentity.of(found.initPid()).orElseThrow(() -> notFound(id)),
                lock.path(),
                placesOf(tasks),
                true);
    }

    private void end(FreezeRecord freeze) {
        new DumpJob(freeze.parts(), freeze.run()).remove();
        records.remove(freeze.id());
    }

    private void giveUp(WorkloadId id, RuntimeException reason) {
        try {
            thaw(id);
        } catch (RuntimeException e) {
            reason.addSuppressed(e);
        }
    }

    DecampException notFound(WorkloadId id) {
        return DecampException.refused(
                "workload-not-found",
                "There is no workload " + id + " on node " + settings.node(),
                "Name the node that it runs on, or protect it again if it was started anew");
    }
}
