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
                        && PidNamespace.of(initBelow(unshare.pid())).members().size() == 4);
                int init = initBelow(unshare.pid());

                List<Member> members = PidNamespace.of(init).members();

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

    /** A zombie can't be moved to another cgroup, nor does a cgroup list it. */
    @Test
    void shouldLeaveOutAZombie() {
        // the shell becomes a sleep, which does not reap the child that the shell had
        SpawnRequest request = SpawnRequest.of(
                Path.of("/usr/bin/unshare"),
                "--pid", "--fork", "--kill-child", "sh", "-c", "sh -c 'exit 0' & exec sleep 1000");
        try (SpawnedProcess unshare = SpawnedProcess.start(request)) {
            try {
                Await.until(() -> "a zombie", LIMIT, () -> zombieBelow(initBelow(unshare.pid())));
                int init = initBelow(unshare.pid());

                assertEquals(List.of(init), PidNamespace.of(init).processes());
            } finally {
                unshare.kill();
            }
        }
    }

    @Test
    void shouldRefuseAProcessThatIsNoInit() {
        int us = (int) ProcessHandle.current().pid();

        assertFalse(PidNamespace.isInit(us));
        assertThrows(IllegalArgumentException.class, () -> PidNamespace.of(us));
    }

    private static boolean isNested(int pid) {
        return ProcessStatus.ofProcess(pid).orElseThrow().namespacePids().size()
                == ProcessStatus.ofProcess((int) ProcessHandle.current().pid()).orElseThrow().namespacePids().size() + 2;
    }

    private static boolean zombieBelow(int init) {
        return ProcessHandle.of(init).stream()
                .flatMap(ProcessHandle::children)
                .flatMap(child -> ProcessStatus.ofProcess((int) child.pid()).stream())
                .anyMatch(ProcessStatus::isZombie);
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
