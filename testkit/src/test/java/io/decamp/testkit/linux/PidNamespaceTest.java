package io.decamp.testkit.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.linux.probe.KernelFeature;
import io.decamp.linux.proc.PidNamespace;
import io.decamp.linux.proc.PidNamespace.Member;
import io.decamp.linux.proc.ProcessStatus;
import io.decamp.linux.spawn.SpawnRequest;
import io.decamp.linux.spawn.SpawnedProcess;
import io.decamp.testkit.Await;
import io.decamp.testkit.Kernel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PidNamespaceTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @BeforeEach
    void requireTheKernel() {
        Kernel.require(KernelFeature.PTRACE_ANY, KernelFeature.PID_NAMESPACES);
    }

    @Test
    void shouldFindAllProcessesAlsoThoseOfNestedNamespaces() {
        // unshare (ours) -> sh (init) -> sleep, and unshare -> sleep (init of a namespace within)
        SpawnRequest request = SpawnRequest.of(
                Path.of("/usr/bin/unshare"),
                "--pid", "--fork", "--kill-child", "sh", "-c",
                "sleep 1000 & unshare --pid --fork --kill-child sleep 1000; true");
        try (SpawnedProcess unshare = SpawnedProcess.start(request)) {
            try {
                Await.until(() -> "four processes", LIMIT, () -> initBelow(unshare.pid()) != 0
                        && PidNamespace.members(initBelow(unshare.pid())).size() == 4);
                int init = initBelow(unshare.pid());

                List<Member> members = PidNamespace.members(init);

                assertTrue(members.contains(new Member(init, 1)));
                assertEquals(4, members.stream().map(Member::innerPid).distinct().count());
                assertFalse(members.stream().anyMatch(member -> member.pid() == unshare.pid()));
                assertEquals(1, members.stream().filter(member -> isNested(member.pid())).count());
                assertTrue(PidNamespace.isInit(init));
            } finally {
                unshare.kill();
            }
        }
    }

    @Test
    void shouldRefuseAProcessThatIsNoInit() {
        int us = (int) ProcessHandle.current().pid();

        assertFalse(PidNamespace.isInit(us));
        assertThrows(IllegalArgumentException.class, () -> PidNamespace.members(us));
    }

    private static boolean isNested(int pid) {
        return ProcessStatus.ofProcess(pid).orElseThrow().namespacePids().size()
                == ProcessStatus.ofProcess((int) ProcessHandle.current().pid()).orElseThrow().namespacePids().size() + 2;
    }

    private static int initBelow(int parent) {
        for (int pid : PidNamespace.processes()) {
            ProcessStatus status = ProcessStatus.ofProcess(pid).orElse(null);
            if (status != null && status.parent() == parent && PidNamespace.isInit(pid)) {
                return pid;
            }
        }
        return 0;
    }
}
