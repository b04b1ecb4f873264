package io.decamp.introspector.engine.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.port.WorkloadRuntime.Frozen;
import io.decamp.linux.cgroup.FreezerCgroup;
import io.decamp.linux.cgroup.FreezerHierarchy;
import io.decamp.linux.cgroup.FrozenKill;
import io.decamp.linux.command.JobProcesses;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.linux.proc.PidNamespace;
import io.decamp.linux.proc.ProcFs;
import io.decamp.testkit.Await;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.PidWorkload;
import io.decamp.testkit.Procs;
import io.decamp.testkit.Scratch;
import io.decamp.testkit.Tools;
import io.decamp.testkit.Trees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A node's directories and cgroups, and workloads to act on; all of it goes with {@link #close}. */
final class RuntimeLab implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private final Path directory;
    private final NodeSettings settings;
    private final Deque<PidWorkload> workloads = new ArrayDeque<>();
    private PidRuntime runtime;

    RuntimeLab() {
        Kernel.require(KernelFeature.PID_NAMESPACES, KernelFeature.PTRACE_ANY);
        directory = Scratch.onTmpfs("runtime-lab");
        settings = new NodeSettings(
                new NodeId("lab"),
                directory.resolve("state"),
                directory.resolve("memory"),
                "/" + directory.getFileName(),
                List.of(Tools.criu().toString()),
                List.of("runc", "--root", directory.resolve("runc").toString()));
        runtime = new PidRuntime(settings);
    }

    NodeSettings settings() {
        return settings;
    }

    String node() {
        return settings.node().value();
    }

    PidRuntime runtime() {
        return runtime;
    }

    /** Another object over the same directories: all that a service has after its restart. */
    WorkloadRuntime restarted() {
        runtime = new PidRuntime(settings);
        return runtime;
    }

    PidWorkload workload(ChainSpec spec) {
        PidWorkload workload = PidWorkload.start(spec);
        workloads.push(workload);
        return workload;
    }

    WorkloadId id(PidWorkload workload) {
        return new WorkloadId("pid:" + workload.initPid() + "@" + node());
    }

    Path parts() {
        return settings.memoryDirectory().resolve("parts");
    }

    Frozen freeze(PidWorkload workload) {
        return runtime.freeze(id(workload), "m1", parts(), () -> {});
    }

    String lockOf(PidWorkload workload) {
        return runtime.lockOf(runtime.find(id(workload))).path();
    }

    /** What a service that is killed before it has started criu leaves behind. */
    void beginFreeze(PidWorkload workload, String formerCgroup) {
        PidNamespace tasks = PidNamespace.of((int) workload.initPid());
        FreezerCgroup lock = runtime.lockOf(runtime.find(id(workload)));
        Map<Integer, String> former = new HashMap<>();
        tasks.processes().forEach(pid -> former.put(pid, formerCgroup));
        FreezeRecord freeze = new FreezeRecord(
                id(workload),
                "m1",
                parts(),
                settings.memoryDirectory().resolve("freeze").resolve(id(workload).fileName()),
                ProcessIdentity.of((int) workload.initPid()).orElseThrow(),
                lock.path(),
                former,
                false);
        new DumpJob(parts(), freeze.run()).create();
        new FreezeRecords(settings.stateDirectory()).put(freeze);
        runtime.enter(lock, tasks);
    }

    List<String> cgroupsOf(PidWorkload workload) {
        FreezerHierarchy hierarchy = FreezerHierarchy.detect();
        return processesOf(workload).stream()
                .map(pid -> hierarchy.of(pid).orElseThrow().path())
                .distinct()
                .toList();
    }

    List<Integer> processesOf(PidWorkload workload) {
        return PidNamespace.of((int) workload.initPid()).processes();
    }

    /** A hundred steps of another workload with the same pace, which is what "for some time" means here. */
    void assertStaysFrozen(PidWorkload frozen) {
        long before = frozen.log().lines();
        try (PidWorkload running = PidWorkload.start(ChainSpec.of(1, 16))) {
            running.log().awaitLines(100, LIMIT);
        }
        assertEquals(before, frozen.log().lines(), "the log grew while frozen");
    }

    void killCriu(PidWorkload workload) {
        for (int pid : job(workload).find()) {
            if (ProcFs.read(pid, "cmdline").contains("--action-script")) {
                Procs.killAndAwait(pid);
            }
        }
    }

    void killGate(PidWorkload workload) {
        for (int pid : job(workload).find()) {
            if (ProcFs.read(pid, "cmdline").contains("hold-dump.sh") && !ProcFs.read(pid, "cmdline").contains("--action-script")) {
                Procs.killAndAwait(pid);
            }
        }
    }

    /** Holds the workload's init by ptrace, as a debugger does, which criu can't share. */
    Process traceByAnother(PidWorkload workload) {
        try {
            Process tracer = new ProcessBuilder("strace", "-p", Long.toString(workload.initPid()), "-o", "/dev/null").start();
            Await.until("a tracer", LIMIT, () -> !Procs.statusField(workload.initPid(), "TracerPid")
                    .orElse("0")
                    .equals("0"));
            return tracer;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** No process of criu's, no cgroup with processes and no file of the job is left. */
    void assertNothingLeft() {
        Path jobs = settings.memoryDirectory().resolve("freeze");
        Path records = settings.stateDirectory().resolve("freezes");
        assertFalse(Files.exists(jobs) && !list(jobs).isEmpty(), () -> "left: " + list(jobs));
        assertFalse(Files.exists(records) && !list(records).isEmpty(), () -> "left: " + list(records));
        FreezerCgroup own = FreezerHierarchy.detect().at(settings.cgroupPrefix());
        assertFalse(own.exists() && list(own.directory()).stream().anyMatch(Files::isDirectory), "cgroups left");
    }

    private JobProcesses job(PidWorkload workload) {
        return new JobProcesses(
                settings.memoryDirectory().resolve("freeze").resolve(id(workload).fileName()));
    }

    private static List<Path> list(Path directory) {
        try (var files = Files.list(directory)) {
            return files.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        FreezerHierarchy hierarchy = FreezerHierarchy.detect();
        FreezerCgroup own = hierarchy.at(settings.cgroupPrefix());
        for (PidWorkload workload : workloads) {
            job(workload).kill(LIMIT);
        }
        if (own.exists()) {
            for (Path path : list(own.directory()).stream().filter(Files::isDirectory).toList()) {
                FreezerCgroup cgroup = hierarchy.at(own.path() + "/" + path.getFileName());
                FrozenKill.all(cgroup, LIMIT, () -> {});
                cgroup.remove();
            }
            own.remove();
        }
        workloads.forEach(PidWorkload::close);
        Trees.delete(directory);
    }
}
