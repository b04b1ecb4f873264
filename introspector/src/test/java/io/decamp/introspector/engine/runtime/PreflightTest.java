package io.decamp.introspector.engine.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.PreflightReport;
import io.decamp.contracts.v1.Severity;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.linux.proc.PidNamespace;
import io.decamp.linux.spawn.SpawnRequest;
import io.decamp.linux.spawn.SpawnedProcess;
import io.decamp.testkit.Await;
import io.decamp.testkit.Kernel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class PreflightTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final NodeId NODE = new NodeId("preflight");

    @TempDir
    private Path directory;

    @BeforeEach
    void requireTheKernel() {
        Kernel.require(
                KernelFeature.PID_NAMESPACES,
                KernelFeature.PTRACE_ANY,
                KernelFeature.UFFD_WRITE_PROTECT_ASYNC,
                KernelFeature.PAGEMAP_SCAN);
    }

    @Test
    void shouldReportANestedPidNamespaceAsABlocker() {
        // the init, and one that is the init of a namespace within
        PreflightReport report = check("unshare --pid --fork --kill-child sleep 1000 & exec sleep 1000", 3);

        assertEquals(Severity.BLOCKER, findings(report).get("nested-pid-namespace"));
    }

    @Test
    void shouldFindNothingWrongWithTheKernelNorWithAPlainTree() {
        PreflightReport report = check("sleep 1000 & exec sleep 1000", 2);

        assertFalse(findings(report).containsKey("nested-pid-namespace"), report::toString);
        assertFalse(findings(report).containsKey("kernel-feature"), report::toString);
    }

    private PreflightReport check(String script, int processes) {
        SpawnRequest request = SpawnRequest.of(
                Path.of("/usr/bin/unshare"), "--pid", "--fork", "--kill-child", "sh", "-c", script);
        try (SpawnedProcess unshare = SpawnedProcess.start(request)) {
            try {
                Await.until(() -> processes + " processes", LIMIT, () -> {
                    int init = initBelow(unshare.pid());
                    return init != 0 && PidNamespace.of(init).processes().size() == processes;
                });
                NodeSettings settings = new NodeSettings(
                        NODE, directory, directory, "/preflight", List.of("criu"), List.of("runc"));
                return new PidRuntime(settings).check(WorkloadId.of("pid:" + initBelow(unshare.pid()), NODE));
            } finally {
                unshare.kill();
            }
        }
    }

    private static Map<String, Severity> findings(PreflightReport report) {
        return report.getFindingsList().stream()
                .collect(Collectors.toMap(Finding::getCode, Finding::getSeverity, (one, another) -> one));
    }

    private static int initBelow(int parent) {
        return ProcessHandle.of(parent).stream()
                .flatMap(ProcessHandle::children)
                .mapToInt(child -> (int) child.pid())
                .filter(PidNamespace::isInit)
                .findFirst()
                .orElse(0);
    }
}
