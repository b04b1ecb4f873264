package io.decamp.restorer.engine.runtime;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.linux.cgroup.FreezerCgroup;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.workload.Bindings;
import io.decamp.restorer.engine.lazy.LazyPages;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Copies of workloads that no container runtime knows, made with criu alone in a PID namespace of their own. */
public final class PidCopy extends CriuCopy {
    private static final long SIGKILL = 9;

    private final Bindings bindings;

    /** @param lazyFromBytes from this resident size, memory is served on demand */
    public PidCopy(NodeSettings settings, LazyPages lazyPages, long lazyFromBytes) {
        super(settings, lazyPages, lazyFromBytes);
        this.bindings = new Bindings(settings.node(), settings.stateDirectory());
    }

    @Override
    String cgroupOf(WorkloadId id) {
        return settings.cgroupPrefix() + "/copy-" + id.fileName();
    }

    @Override
    int restore(WorkloadId id, RestoreJob job, Path work, Path bundle, boolean lazy) {
        FreezerCgroup cgroup = hierarchy.at(cgroupOf(id));
        cgroup.create();
        List<String> command = new ArrayList<>(settings.criu());
        command.addAll(List.of("restore", "--images-dir", job.images().toString(), "--work-dir", work.toString()));
        command.addAll(List.of("--log-file", RestoreJob.LOG, "-v2", "--restore-detached"));
        command.addAll(List.of("--action-script", gate.toString(), "--manage-cgroups=ignore"));
        command.addAll(List.of("--tcp-close", "--skip-in-flight", "--file-locks"));
        if (lazy) {
            command.add("--lazy-pages");
        }
        Map<String, String> environment = job.environment(hierarchy, cgroup, home());
        return job.run(command, environment, work.resolve(RestoreJob.LOG), commandLine -> true);
    }

    @Override
    void bind(WorkloadId id, ProcessIdentity init) {
        bindings.bind(id, init);
    }

    @Override
    void killCriu(RestoreJob job) {
        job.processes().signal(SIGKILL, command -> true);
    }

    @Override
    void forget(WorkloadId id, FreezerCgroup cgroup) {
        cgroup.remove();
    }
}
