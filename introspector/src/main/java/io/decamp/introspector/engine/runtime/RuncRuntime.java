package io.decamp.introspector.engine.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.linux.cgroup.CgroupMove;
import io.decamp.linux.cgroup.FreezerCgroup;
import io.decamp.linux.command.DetachedCommand;
import io.decamp.linux.command.Runc;
import io.decamp.linux.proc.PidNamespace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Containers of runc: dumped by {@code runc checkpoint}, which knows their mounts, held by their own freezer
 * cgroup.
 */
public final class RuncRuntime extends CriuRuntime {
    private final Runc runc;

    public RuncRuntime(NodeSettings settings) {
        super(settings);
        this.runc = new Runc(settings);
    }

    @Override
    public Found find(WorkloadId id) {
        Runc.State state = runc.state(id.name()).orElseThrow(() -> notFound(id));
        if (state.isStopped()) {
            return new Found(id, 0, State.STOPPED, state.bundle());
        }
        if (!PidNamespace.isInit(state.pid())) {
            throw DecampException.refused(
                    "not-namespace-init",
                    "Container " + id.name() + " shares the PID namespace of its host",
                    "Give it a PID namespace of its own in config.json");
        }
        boolean frozen = state.status().equals("paused") || hold(id) != Hold.NONE && lockOf(state.pid()).isFrozen();
        return new Found(id, state.pid(), frozen ? State.FROZEN : State.RUNNING, state.bundle());
    }

    @Override
    FreezerCgroup lockOf(Found found) {
        return lockOf(found.initPid());
    }

    private FreezerCgroup lockOf(int initPid) {
        return hierarchy.of(initPid)
                .filter(cgroup -> !cgroup.isRoot())
                .orElseThrow(() -> DecampException.refused(
                        "no-freezer-cgroup",
                        "Container init " + initPid + " is in no freezer cgroup of its own",
                        "Let runc manage its cgroups"));
    }

    @Override
    Map<Integer, String> placesOf(PidNamespace tasks) {
        return Map.of();
    }

    /** A container is in its cgroup already; what came into its namespace from outside must not be left running. */
    @Override
    void enter(FreezerCgroup lock, PidNamespace tasks) {
        CgroupMove.all(tasks, lock, hierarchy);
    }

    /**
     * Not {@code --tcp-established}, which would leave connections locked and in repair mode when criu dies; they are
     * closed at the destination and go on here after a thaw.
     */
    @Override
    Process startDump(DumpJob job, Found found) {
        Path config = job.run().resolve("criu.conf");
        try {
            Files.write(
                    config,
                    List.of(
                            "action-script " + gate,
                            // criu ignores the address of a lazy request of runc's and would listen on all
                            "address " + DumpJob.NO_PAGE_SERVER,
                            "network-lock skip",
                            "tcp-close",
                            "skip-in-flight",
                            "ghost-limit " + GHOST_LIMIT));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Map<String, String> environment = new HashMap<>(job.environment());
        environment.putAll(runc.environment(config));
        List<String> command = runc.with(List.of(
                "checkpoint",
                "--lazy-pages",
                "--page-server",
                DumpJob.NO_PAGE_SERVER + ":1",
                "--file-locks",
                "--image-path",
                job.images().toString(),
                "--work-path",
                job.run().toString(),
                found.id().name()));
        return DetachedCommand.start(command, job.run(), job.output(), environment);
    }

    @Override
    void leave(FreezeRecord freeze, FreezerCgroup lock) {}

    @Override
    void forget(FreezeRecord freeze, FreezerCgroup lock) {
        runc.delete(freeze.id().name());
    }

    @Override
    boolean lives(WorkloadId id) {
        return runc.state(id.name()).filter(state -> !state.isStopped()).isPresent();
    }
}
