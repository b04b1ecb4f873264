package io.decamp.restorer.engine.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.port.CopyRuntime;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.port.WorkloadRuntime.Frozen;
import io.decamp.introspector.engine.runtime.PidRuntime;
import io.decamp.linux.cgroup.FreezerCgroup;
import io.decamp.linux.cgroup.FreezerHierarchy;
import io.decamp.linux.cgroup.FrozenKill;
import io.decamp.linux.command.JobProcesses;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.restorer.engine.lazy.LazyPages;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.PidWorkload;
import io.decamp.testkit.Scratch;
import io.decamp.testkit.Tools;
import io.decamp.testkit.Trees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;

/** Two nodes as far as runtimes know them: a source and a destination with nothing in common but the machine. */
final class CopyLab implements AutoCloseable {
    static final Duration LIMIT = Duration.ofSeconds(20);

    private final Path directory;
    private final NodeSettings from;
    private final NodeSettings to;
    private final long lazyFromBytes;
    private final WorkloadRuntime source;
    private final Deque<PidWorkload> workloads = new ArrayDeque<>();
    private LazyPages lazyPages;
    private CopyRuntime copies;

    /** @param lazyPages null where every copy is eager */
    CopyLab(LazyPages lazyPages, long lazyFromBytes) {
        Kernel.require(KernelFeature.PID_NAMESPACES, KernelFeature.PTRACE_ANY);
        directory = Scratch.onTmpfs("copy-lab");
        this.lazyPages = lazyPages;
        this.lazyFromBytes = lazyFromBytes;
        from = settings("from");
        to = settings("to");
        source = new PidRuntime(from);
        restarted();
    }

    private NodeSettings settings(String node) {
        return new NodeSettings(
                new NodeId(node),
                directory.resolve(node).resolve("state"),
                directory.resolve(node).resolve("memory"),
                "/" + directory.getFileName() + "/" + node,
                List.of(Tools.criu().toString()),
                List.of("runc"));
    }

    WorkloadRuntime source() {
        return source;
    }

    /** The source half of the node that the copy was moved to, for the way back. */
    WorkloadRuntime sourceAtDestination() {
        return new PidRuntime(to);
    }

    CopyRuntime copies() {
        return copies;
    }

    /** Another object over the same directories: all that a service has after its restart. */
    CopyRuntime restarted() {
        copies = new PidCopy(to, lazyPages, lazyFromBytes);
        return copies;
    }

    CopyRuntime restarted(LazyPages newPages) {
        lazyPages = newPages;
        return restarted();
    }

    CopyRecords records() {
        return new CopyRecords(to.stateDirectory());
    }

    Path directory() {
        return directory;
    }

    PidWorkload workload(ChainSpec spec) {
        PidWorkload workload = PidWorkload.start(spec);
        workloads.push(workload);
        return workload;
    }

    WorkloadId id(PidWorkload workload) {
        return new WorkloadId("pid:" + workload.initPid() + "@from");
    }

    /** Freezes a workload and makes its sealed replica at the destination, as the other engines would. */
    SealedReplica replicaOf(PidWorkload workload) {
        Path parts = from.memoryDirectory().resolve("parts");
        Frozen frozen = source.freeze(id(workload), "m1", parts, () -> {});
        return seal(to, frozen, source.find(id(workload)).initPid());
    }

    SealedReplica seal(Frozen frozen, int initPid) {
        return seal(to, frozen, initPid);
    }

    static SealedReplica seal(NodeSettings to, Frozen frozen, int initPid) {
        Path replica = to.memoryDirectory().resolve("replica-" + System.nanoTime());
        List<AddressSpace> spaces = new ArrayList<>();
        try {
            Files.createDirectories(replica.resolve("parts"));
            for (WorkloadRuntime.Part part : frozen.parts()) {
                Files.copy(part.file(), replica.resolve("parts").resolve(part.name()));
            }
            SealedReplica sealed = new SealedReplica(replica, 1, 1, new byte[32], spaces, List.of());
            long id = 100;
            for (MemoryCopy.Process process : MemoryCopy.processesOf(initPid)) {
                spaces.add(new AddressSpace(++id, process.containerPid()));
                MemoryCopy.copy(process.pid(), sealed.spaceFile(id));
            }
            return new SealedReplica(replica, 1, 1, new byte[32], spaces, List.of());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A hundred steps of another workload with the same pace, which is what "for some time" means here. */
    static void assertStaysFrozen(PidWorkload frozen, long lines) {
        try (PidWorkload running = PidWorkload.start(ChainSpec.of(1, 16))) {
            running.log().awaitLines(100, LIMIT);
        }
        assertEquals(lines, frozen.log().lines(), "the log grew while frozen");
    }

    FreezerCgroup cgroupOfCopy(PidWorkload workload) {
        return FreezerHierarchy.detect().at(to.cgroupPrefix() + "/copy-" + id(workload).fileName());
    }

    Path copyDirectory(PidWorkload workload) {
        return to.memoryDirectory().resolve("copies").resolve(id(workload).fileName());
    }

    @Override
    public void close() {
        for (PidWorkload workload : workloads) {
            new JobProcesses(from.memoryDirectory().resolve("freeze").resolve(id(workload).fileName())).kill(LIMIT);
        }
        FreezerHierarchy hierarchy = FreezerHierarchy.detect();
        removeBelow(hierarchy, hierarchy.at("/" + directory.getFileName()));
        workloads.forEach(PidWorkload::close);
        Trees.delete(directory);
    }

    private static void removeBelow(FreezerHierarchy hierarchy, FreezerCgroup cgroup) {
        if (!cgroup.exists()) {
            return;
        }
        try (Stream<Path> children = Files.list(cgroup.directory())) {
            for (Path child : children.filter(Files::isDirectory).toList()) {
                removeBelow(hierarchy, hierarchy.at(cgroup.path() + "/" + child.getFileName()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        FrozenKill.all(cgroup, LIMIT, () -> {});
        cgroup.remove();
    }
}
