package io.decamp.introspector.engine.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.linux.cgroup.CgroupMove;
import io.decamp.linux.cgroup.FreezerCgroup;
import io.decamp.linux.cgroup.FreezerHierarchy;
import io.decamp.linux.command.DetachedCommand;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.proc.PidNamespace;
import io.decamp.linux.workload.Bindings;
import io.decamp.linux.workload.TaskStates;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Workloads that no container runtime knows: all processes of a PID namespace, driven with criu alone. They are
 * moved to a
 * freezer cgroup of their own for the time of the freeze.
 */
public final class PidRuntime extends CriuRuntime {
    private static final String LOCK_PREFIX = "/held-";

    /** Two suffice in practice; a cgroup that is not empty then can't be removed, which is told. */
    private static final int LEAVE_ROUNDS = 100;

    private final Bindings bindings;

    public PidRuntime(NodeSettings settings) {
        super(settings);
        this.bindings = new Bindings(settings.node(), settings.stateDirectory());
    }

    @Override
    public Found find(WorkloadId id) {
        ProcessIdentity init = bindings.find(id).orElseThrow(() -> notFound(id));
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

    /** On v1, freezing is all that a freezer cgroup does; on v2 the limits above must stay in force. */
    @Override
    FreezerCgroup lockOf(Found found) {
        String now = hierarchy.of(found.initPid()).map(FreezerCgroup::path).orElse("/");
        boolean below = hierarchy.version() == FreezerHierarchy.Version.V2 && !now.equals("/");
        return hierarchy.at((below ? now : settings.cgroupPrefix()) + LOCK_PREFIX + found.id().fileName());
    }

    @Override
    Map<Integer, String> placesOf(PidNamespace tasks) {
        Map<Integer, String> places = new LinkedHashMap<>();
        for (int pid : tasks.processes()) {
            hierarchy.of(pid).ifPresent(cgroup -> places.put(pid, cgroup.path()));
        }
        return places;
    }

    @Override
    void enter(FreezerCgroup lock, PidNamespace tasks) {
        lock.create();
        CgroupMove.all(tasks, lock, hierarchy);
    }

    @Override
    Process startDump(DumpJob job, Found found) {
        List<String> command = new ArrayList<>(settings.criu());
        command.addAll(List.of("dump", "--tree", Integer.toString(found.initPid())));
        command.addAll(List.of("--images-dir", job.images().toString()));
        command.addAll(List.of("--work-dir", job.run().toString(), "--log-file", "dump.log", "-v2"));
        command.addAll(List.of("--lazy-pages", "--address", DumpJob.NO_PAGE_SERVER, "--port", "1"));
        command.addAll(List.of("--action-script", gate.toString()));
        command.addAll(List.of("--manage-cgroups=ignore", "--network-lock", "skip"));
        command.addAll(List.of("--tcp-close", "--skip-in-flight", "--file-locks", "--ghost-limit", GHOST_LIMIT));
        return DetachedCommand.start(command, job.run(), job.output(), job.environment());
    }

    @Override
    void leave(FreezeRecord freeze, FreezerCgroup lock) {
        List<Integer> left = lock.processes();
        // what is forked meanwhile starts in the cgroup of its parent, and is found in the next round
        for (int round = 0; round < LEAVE_ROUNDS && !left.isEmpty(); round++) {
            for (int pid : left) {
                String former = freeze.formerCgroup(pid)
                        .filter(path -> !path.equals(lock.path()))
                        .orElse("/");
                hierarchy.at(former).add(pid);
            }
            left = lock.processes();
        }
        lock.remove();
    }

    @Override
    void forget(FreezeRecord freeze, FreezerCgroup lock) {
        if (isOurs(lock)) {
            lock.remove();
        }
        bindings.unbind(freeze.id());
        // the cgroup that this node made when the workload was moved here
        FreezerCgroup former = hierarchy.at(freeze.formerCgroup(freeze.init().pid()).orElse("/"));
        if (former.path().startsWith(settings.cgroupPrefix() + "/") && former.processes().isEmpty()) {
            former.remove();
        }
    }

    /** One that a workload was frozen in by somebody else stays. */
    private boolean isOurs(FreezerCgroup lock) {
        return lock.path().startsWith(settings.cgroupPrefix() + "/") || lock.path().contains(LOCK_PREFIX);
    }

    /** Notes which process the id means from now on: one that gets its PID later is not taken for it. */
    public int adopt(WorkloadId id) {
        Found found = find(id);
        if (bindings.bound(id).isEmpty()) {
            ProcessIdentity.of(found.initPid()).ifPresent(init -> bindings.bind(id, init));
        }
        return found.initPid();
    }

    @Override
    boolean lives(WorkloadId id) {
        ProcessIdentity init = bindings.find(id)
                .filter(p -> TaskStates.of(p.pid()) != 'Z' && PidNamespace.isInit(p.pid()))
                .orElse(null);
        if (init != null && bindings.bound(id).isEmpty()) {
            throw DecampException.refused(
                    "workload-not-known",
                    "Process " + init.pid() + " was never tracked on node " + settings.node() + " as " + id,
                    "It may be another one with the same PID: end it by hand if it is not");
        }
        return init != null;
    }
}
