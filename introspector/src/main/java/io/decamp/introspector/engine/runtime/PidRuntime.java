package io.decamp.introspector.engine.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.v1.PreflightReport;
import io.decamp.linux.cgroup.FreezerCgroup;
import io.decamp.linux.cgroup.FreezerHierarchy;
import io.decamp.linux.command.DetachedCommand;
import io.decamp.linux.command.GateScript;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.workload.Bindings;
import io.decamp.linux.workload.PidNamespace;
import io.decamp.linux.workload.TaskStates;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jboss.logging.Logger;

/**
 * Workloads that no container runtime knows: all processes of a PID namespace, driven with criu alone. Thread safe for
 * different workloads; calls for one workload come one after the other.
 */
public final class PidRuntime implements WorkloadRuntime {
    private static final Logger LOG = Logger.getLogger(PidRuntime.class);

    /** Deleted files that are still open travel within the images; larger ones make the freeze too long. */
    private static final String GHOST_LIMIT = "16M";

    private final NodeSettings settings;
    private final FreezerHierarchy hierarchy = FreezerHierarchy.detect();
    private final FreezeRecords records;
    private final Bindings bindings;
    private final DoubleFreeze locks = new DoubleFreeze();
    private final Path gate;

    public PidRuntime(NodeSettings settings) {
        this.settings = settings;
        this.records = new FreezeRecords(settings.stateDirectory());
        this.bindings = new Bindings(settings.node(), settings.stateDirectory());
        this.gate = GateScript.HOLD_DUMP.install(settings.stateDirectory().resolve("scripts"));
    }

    @Override
    public Found find(WorkloadId id) {
        ProcessIdentity init = init(id);
        if (TaskStates.of(init.pid()) == 'Z') {
            return new Found(id, init.pid(), State.STOPPED, null);
        }
        if (!PidNamespace.isInit(init.pid())) {
            throw DecampException.refused(
                    "not-namespace-init",
                    "Process " + init.pid() + " is not the init of a PID namespace",
                    "Start the workload with unshare --pid --fork, and name the process that is PID 1 in there");
        }
        boolean frozen = hierarchy.of(init.pid())
                .filter(cgroup -> !cgroup.isRoot() && cgroup.isFrozen())
                .isPresent();
        return new Found(id, init.pid(), frozen ? State.FROZEN : State.RUNNING, null);
    }

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
        FreezerCgroup lock = lockOf(id, found.initPid());
        FreezeRecord freeze = new FreezeRecord(
                id,
                migration,
                partsDirectory,
                settings.memoryDirectory().resolve("freeze").resolve(id.fileName()),
                init(id),
                lock.path(),
                placesOf(tasks),
                false);
        DumpJob job = new DumpJob(partsDirectory, freeze.run());
        job.create();
        records.put(freeze);
        try {
            lock.create();
            tasks.moveTo(lock, hierarchy);
            Frozen frozen = locks.freeze(job, lock, tasks, j -> dump(j, found.initPid()), onStopped);
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
        // what is forked meanwhile starts in the cgroup of its parent, and is found in the next round
        for (List<Integer> left = lock.processes(); !left.isEmpty(); left = lock.processes()) {
            for (int pid : left) {
                hierarchy.at(freeze.formerCgroup(pid).orElse("/")).add(pid);
            }
        }
        end(freeze, lock);
        LOG.infof("%s: thawed, runs on", id);
    }

    @Override
    public void kill(WorkloadId id) {
        FreezeRecord freeze = records.find(id).orElse(null);
        if (freeze == null) {
            if (bindings.find(id).filter(p -> TaskStates.of(p.pid()) != 'Z').isPresent()) {
                throw notHeld(id);
            }
            return;
        }
        FreezerCgroup lock = hierarchy.at(freeze.cgroup());
        Hold hold = locks.hold(freeze, lock);
        if (!freeze.killing() && hold != Hold.HELD && hold != Hold.HELD_BY_FREEZER) {
            throw notHeld(id);
        }
        records.put(freeze.withKilling());
        locks.kill(freeze, lock);
        bindings.unbind(id);
        removeOwn(freeze.formerCgroup(freeze.init().pid()).orElse("/"));
        end(freeze, lock);
        LOG.infof("%s: killed while frozen", id);
    }

    private void end(FreezeRecord freeze, FreezerCgroup lock) {
        lock.remove();
        new DumpJob(freeze.parts(), freeze.run()).remove();
        records.remove(freeze.id());
    }

    /** A cgroup that this node made for a copy that has moved on. */
    private void removeOwn(String path) {
        FreezerCgroup cgroup = hierarchy.at(path);
        if (path.startsWith(settings.cgroupPrefix() + "/") && cgroup.processes().isEmpty()) {
            cgroup.remove();
        }
    }

    private void giveUp(WorkloadId id, RuntimeException reason) {
        try {
            thaw(id);
        } catch (RuntimeException e) {
            reason.addSuppressed(e);
        }
    }

    private Process dump(DumpJob job, int initPid) {
        List<String> command = new ArrayList<>(settings.criu());
        command.addAll(List.of("dump", "--tree", Integer.toString(initPid)));
        command.addAll(List.of("--images-dir", job.images().toString()));
        command.addAll(List.of("--work-dir", job.run().toString(), "--log-file", "dump.log", "-v2"));
        command.addAll(List.of("--lazy-pages", "--address", DumpJob.NO_PAGE_SERVER, "--port", "1"));
        command.addAll(List.of("--action-script", gate.toString()));
        command.addAll(List.of("--manage-cgroups=ignore", "--network-lock", "skip"));
        command.addAll(List.of("--tcp-close", "--skip-in-flight", "--file-locks", "--ghost-limit", GHOST_LIMIT));
        return DetachedCommand.start(command, job.run(), job.output(), job.environment());
    }

    /** On v1, freezing is all that a freezer cgroup does; on v2 the limits above must stay in force. */
    private FreezerCgroup lockOf(WorkloadId id, int initPid) {
        String now = hierarchy.of(initPid).map(FreezerCgroup::path).orElse("/");
        boolean below = hierarchy.version() == FreezerHierarchy.Version.V2 && !now.equals("/");
        return hierarchy.at((below ? now : settings.cgroupPrefix()) + "/held-" + id.fileName());
    }

    private Map<Integer, String> placesOf(PidNamespace tasks) {
        Map<Integer, String> places = new LinkedHashMap<>();
        for (int pid : tasks.processes()) {
            hierarchy.of(pid).ifPresent(cgroup -> places.put(pid, cgroup.path()));
        }
        return places;
    }

    private ProcessIdentity init(WorkloadId id) {
        return bindings.find(id)
                .orElseThrow(() -> DecampException.refused(
                        "workload-not-found",
                        "There is no process of " + id + " on node " + settings.node(),
                        "Name the node that it runs on, or protect it again if it was started anew"));
    }

    private static DecampException notHeld(WorkloadId id) {
        return DecampException.fatal(
                "not-frozen",
                "Workload " + id + " is not held by its second lock",
                "It would execute instructions while it dies; freeze it first",
                null);
    }
}
