package io.decamp.introspector.engine.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.WorkloadRuntime.Found;
import io.decamp.contracts.port.WorkloadRuntime.State;
import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.PreflightReport;
import io.decamp.contracts.v1.Severity;
import io.decamp.linux.command.CriuVersion;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.linux.probe.KernelRequirement;
import io.decamp.linux.proc.PidNamespace;
import io.decamp.linux.proc.ProcFs;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Finds out beforehand what would make a move fail, last long or come to nothing. Changes nothing. */
final class Preflight {
    /** Memory that is written whole while frozen takes 1 s per GiB: from here it shows in the downtime. */
    private static final long EAGER_WARNING_BYTES = 64L << 20;

    /** Programs that start their container anew when it ends. */
    private static final List<String> SUPERVISORS = List.of("containerd-shim", "conmon", "dockerd", "runsv", "supervisord");

    /** What tracking and reading can't do without. */
    private static final List<KernelFeature> NEEDED = List.of(
            KernelFeature.UFFD_WRITE_PROTECT_ASYNC,
            KernelFeature.PAGEMAP_SCAN,
            KernelFeature.PROCESS_VM_READV,
            KernelFeature.PIDFD_GETFD,
            KernelFeature.PTRACE_ANY);

    private final NodeSettings settings;
    private final List<Finding> findings = new ArrayList<>();
    private long lazyBytes;
    private long eagerBytes;
    private int threads;

    Preflight(NodeSettings settings) {
        this.settings = settings;
    }

    PreflightReport check(Found found) {
        List<Integer> processes =
                found.state() == State.STOPPED ? List.of() : PidNamespace.of(found.initPid()).processes();
        int depth = depth(found.initPid());
        if (processes.isEmpty()) {
            add(Severity.BLOCKER, "not-running", found.id() + " has no process", "Start it");
        }
        checkKernel();
        checkCriu();
        for (int pid : processes) {
            checkStatus(pid, depth);
            checkDescriptors(pid);
            ProcFs.readIfPresent(pid, "smaps").ifPresent(text -> add(MemoryShares.parse(text)));
        }
        if (!processes.isEmpty()) {
            checkParent(found.initPid());
        }
        if (eagerBytes >= EAGER_WARNING_BYTES) {
            add(
                    Severity.WARNING,
                    "eager-memory",
                    (eagerBytes >> 20) + " MiB are shared, locked or huge pages, and are written while frozen",
                    "Expect about 1 ms more downtime per MiB");
        }
        return PreflightReport.newBuilder()
                .setWorkload(found.id().value())
                .addAllFindings(findings)
                .setLazyBytes(lazyBytes)
                .setEagerBytes(eagerBytes)
                .setProcesses(processes.size())
                .setThreads(threads)
                .build();
    }

    private void checkKernel() {
        for (KernelFeature feature : NEEDED) {
            KernelRequirement.unmet(feature)
                    .ifPresent(why -> add(
                            Severity.BLOCKER,
                            "kernel-feature",
                            why,
                            "Its memory can't be followed here: use a newer kernel, or give this service the right"));
        }
    }

    private void checkCriu() {
        try {
            CriuVersion.require(settings.criu());
        } catch (DecampException e) {
            add(Severity.BLOCKER, e.code(), e.getMessage(), e.advice());
        }
    }

    private static int depth(int pid) {
        return ProcFs.readIfPresent(pid, "status").map(Preflight::depth).orElse(0);
    }

    private static int depth(String status) {
        return field(status, "NSpid").split("\\s+").length;
    }

    private void checkStatus(int pid, int depth) {
        ProcFs.readIfPresent(pid, "status").ifPresent(status -> {
            if (depth(status) > depth) {
                add(
                        Severity.BLOCKER,
                        "nested-pid-namespace",
                        "Process " + pid + " is in a PID namespace within the workload's",
                        "criu can't dump it; run what is in there as a workload of its own");
            }
            threads += Integer.parseInt(field(status, "Threads"));
            if (!field(status, "TracerPid").equals("0")) {
                add(
                        Severity.BLOCKER,
                        "traced",
                        "Process " + pid + " is traced by process " + field(status, "TracerPid"),
                        "Detach the debugger; a task has one tracer at most");
            }
        });
    }

    private void checkDescriptors(int pid) {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(ProcFs.path(pid, "fd"))) {
            for (Path descriptor : descriptors) {
                String target = Files.readSymbolicLink(descriptor).toString();
                if (target.equals("anon_inode:[io_uring]")) {
                    add(Severity.BLOCKER, "io-uring", "Process " + pid + " uses io_uring", "criu can't dump it; turn it off");
                } else if (target.startsWith("/dev/pts/")) {
                    add(
                            Severity.BLOCKER,
                            "terminal",
                            "Process " + pid + " has " + target + " open",
                            "Start it with its streams on /dev/null, files or pipes");
                } else if (target.equals("anon_inode:[userfaultfd]")) {
                    add(
                            Severity.BLOCKER,
                            "userfaultfd",
                            "Process " + pid + " uses userfaultfd itself",
                            "Its memory can be neither tracked nor dumped");
                }
            }
        } catch (IOException | DirectoryIteratorException ended) {
            return;
        }
    }

    private void checkParent(int initPid) {
        ProcFs.readIfPresent(initPid, "status")
                .map(status -> Integer.valueOf(field(status, "PPid")))
                .flatMap(parent -> ProcFs.readIfPresent(parent, "comm"))
                .map(String::strip)
                .filter(name -> SUPERVISORS.stream().anyMatch(name::startsWith))
                .ifPresent(name -> add(
                        Severity.BLOCKER,
                        "supervised",
                        "Its parent is " + name + ", which may start it anew when it is killed",
                        "Turn the restart policy off before it is moved"));
    }

    private void add(MemoryShares shares) {
        lazyBytes += shares.lazyBytes();
        eagerBytes += shares.eagerBytes();
    }

    private void add(Severity severity, String code, String what, String advice) {
        findings.add(Finding.newBuilder()
                .setSeverity(severity)
                .setCode(code)
                .setWhat(what)
                .setAdvice(advice)
                .build());
    }

    private static String field(String status, String name) {
        return status.lines()
                .filter(line -> line.startsWith(name + ":"))
                .map(line -> line.substring(name.length() + 1).strip())
                .findFirst()
                .orElse("0");
    }
}
