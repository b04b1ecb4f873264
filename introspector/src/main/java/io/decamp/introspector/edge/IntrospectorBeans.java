package io.decamp.introspector.edge;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.edge.config.WorkloadRuntimes;
import io.decamp.introspector.engine.memory.MemoryAccess;
import io.decamp.introspector.engine.memory.WorkloadMemorySource;
import io.decamp.introspector.engine.runtime.PidRuntime;
import io.decamp.introspector.engine.runtime.RuncRuntime;
import io.decamp.introspector.engine.vm.runtime.VmRuntime;
import io.decamp.introspector.engine.vm.runtime.Vms;
import io.decamp.linux.sysctl.PipeMaxSize;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Produces;
import jakarta.enterprise.inject.Typed;
import jakarta.inject.Singleton;
import java.util.Map;

/** The introspector's engines, for workloads on this host and in its VMs, as beans. */
@ApplicationScoped
class IntrospectorBeans {
    private final PipeMaxSize pipes;

    IntrospectorBeans(NodeSettings settings) {
        this.pipes = new PipeMaxSize(settings.stateDirectory());
    }

    /** criu keeps lazily served pages in pipes while it holds a workload: large ones halve the time of a freeze. */
    void start(@Observes StartupEvent event) {
        pipes.raise();
    }

    void stop(@Observes ShutdownEvent event) {
        pipes.restore();
    }

    @Produces
    @Singleton
    Vms vms(NodeSettings settings) {
        return new Vms(settings);
    }

    @Produces
    @Singleton
    VmRuntime vmRuntime(NodeSettings settings, Vms vms) {
        return new VmRuntime(settings, vms);
    }

    @Produces
    @Singleton
    WorkloadRuntimes runtimes(NodeSettings settings, VmRuntime vm) {
        return new WorkloadRuntimes(
                Map.of("pid", new PidRuntime(settings), "runc", new RuncRuntime(settings), "vm", vm));
    }

    @Produces
    @Singleton
    @Typed(MemorySource.class)
    WorkloadMemorySource memory(NodeSettings settings, WorkloadRuntimes runtimes, VmRuntime vm) {
        MemoryAccess host = MemoryAccess.ofHost(id -> init(runtimes.byKind().get(id.kind()), id));
        return new WorkloadMemorySource(
                settings.memoryDirectory(), Map.of("pid", host, "runc", host, "vm", vm.memory()));
    }

    private static int init(WorkloadRuntime runtime, WorkloadId id) {
        return runtime instanceof PidRuntime pids ? pids.adopt(id) : runtime.find(id).initPid();
    }
}
