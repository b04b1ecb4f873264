package io.decamp.testkit.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.abi.ProcessAbi;
import io.decamp.linux.cgroup.FreezerCgroup;
import io.decamp.linux.cgroup.FreezerHierarchy;
import io.decamp.linux.fd.FdTrace;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.libc.SyscallException;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.linux.proc.ProcessStatus;
import io.decamp.linux.ptrace.UserFaultFdInjector;
import io.decamp.linux.ptrace.UserFaultFdInjector.Injected;
import io.decamp.testkit.Await;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.Victim;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class UserFaultFdInjectorTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** A quarter of the injections meets the promise on the busiest test machine; the worst is the scheduler's. */
    private static final long STOPPED_MICROS_QUARTILE_MAX = 1000;

    private static final long FROZEN_NANOS = 150_000_000;
    private static final long RUNNING_NANOS = 10_000_000;

    @BeforeEach
    void requireTheKernel() {
        Kernel.require(KernelFeature.PTRACE_ANY, KernelFeature.USERFAULTFD_USER_MODE, KernelFeature.PIDFD_GETFD);
    }

    @Test
    void shouldStopARunningProcessForLessThanAMillisecond() {
        try (Victim victim = Victim.commander()) {
            victim.tell("spin");
            long[] stoppedMicros = new long[21];

            for (int i = 0; i < stoppedMicros.length; i++) {
                try (Injected injected = UserFaultFdInjector.inject(victim.pid())) {
                    stoppedMicros[i] = injected.stoppedMicros();
                }
            }

            Arrays.sort(stoppedMicros);
            assertTrue(
                    stoppedMicros[stoppedMicros.length / 4] < STOPPED_MICROS_QUARTILE_MAX,
                    () -> "stopped for us: " + Arrays.toString(stoppedMicros));
        }
    }

    @Test
    void shouldLeaveAllRegistersAsTheyWereWhileTheThreadComputes() {
        try (Victim victim = Victim.commander()) {
            victim.tell("spinhere");

            for (int i = 0; i < 200; i++) {
                UserFaultFdInjector.inject(victim.pid()).close();
            }

            victim.process().signal(ProcessAbi.SIGUSR1);
            assertEquals("0", victim.answer());
            assertEquals(0, ProcessStatus.ofProcess(victim.pid()).orElseThrow().tracer());
        }
    }

    /** For longer than a thread that does not stop is waited for, and often in the middle of a remote call. */
    @Test
    void shouldDoNoHarmToAProcessThatIsFrozenMeanwhile() throws InterruptedException {
        FreezerCgroup cgroup = FreezerHierarchy.detect().at("/decamp-inject-" + ProcessHandle.current().pid());
        cgroup.create();
        AtomicInteger freezes = new AtomicInteger();
        try (Victim victim = Victim.commander()) {
            victim.tell("spinhere");
            cgroup.add(victim.pid());
            Thread freezer = Thread.ofPlatform().start(() -> {
                for (int i = 0; i < 30; i++) {
                    cgroup.freeze(LIMIT);
                    LockSupport.parkNanos(FROZEN_NANOS);
                    cgroup.thaw(LIMIT);
                    freezes.incrementAndGet();
                    LockSupport.parkNanos(RUNNING_NANOS);
                }
            });
            int injected = 0;
            while (freezer.isAlive()) {
                try {
                    UserFaultFdInjector.inject(victim.pid()).close();
                    injected++;
                } catch (DecampException e) {
                    assertEquals("thread-not-stopped", e.code());
                }
            }
            freezer.join();

            assertTrue(injected > 30, injected + " were injected");
            assertEquals(30, freezes.get());
            victim.process().signal(ProcessAbi.SIGUSR1);
            assertEquals("0", victim.answer());
        } finally {
            cgroup.thaw(LIMIT);
            Await.until("an empty " + cgroup, LIMIT, () -> cgroup.processes().isEmpty());
            cgroup.remove();
        }
    }

    /** Whoever tries again at once must not meet the tracer of before. */
    @Test
    void shouldHaveLetGoOfAThreadThatDoesNotStopWhenItSaysSo() {
        try (Victim victim = Victim.commander()) {
            victim.send("vfork 3000");
            Await.until(() -> "the vfork", LIMIT, () -> state(victim.pid()) == 'D');

            for (int i = 0; i < 20; i++) {
                DecampException thrown =
                        assertThrows(DecampException.class, () -> UserFaultFdInjector.inject(victim.pid()));

                assertEquals(0, ProcessStatus.ofProcess(victim.pid()).orElseThrow().tracer());
                assertEquals("thread-not-stopped", thrown.code());
            }

            assertEquals("0", victim.answer());
        }
    }

    @Test
    void shouldNotShortenNorFailASleepThatItInterrupts() {
        try (Victim victim = Victim.commander()) {
            victim.send("nap 300");
            Await.until(() -> "the nap", LIMIT, () -> state(victim.pid()) == 'S');

            for (int i = 0; i < 20; i++) {
                UserFaultFdInjector.inject(victim.pid()).close();
            }

            assertTrue(Long.parseLong(victim.answer()) >= 300);
            assertEquals(0, victim.number("wrong"));
        }
    }

    @Test
    void shouldLeaveNoDescriptorBehind() {
        try (Victim victim = Victim.commander()) {
            long before = victim.number("descriptors");
            UserFaultFdInjector.rehearse();
            FdTrace.start();

            UserFaultFdInjector.inject(victim.pid()).close();

            assertEquals(List.of(), FdTrace.stop());
            assertEquals(before, victim.number("descriptors"));
        }
    }

    @Test
    void shouldLoseNoSignalThatArrivesMeanwhile() {
        try (Victim victim = Victim.commander()) {
            for (int i = 1; i <= 100; i++) {
                victim.process().signal(ProcessAbi.SIGUSR1);
                UserFaultFdInjector.inject(victim.pid()).close();
                assertEquals(i, victim.number("signals"));
            }
        }
    }

    @Test
    void shouldInjectIntoAProcessWithoutPrivileges() {
        try (Victim victim = Victim.commander()) {
            victim.tell("nobody");

            try (Injected injected = UserFaultFdInjector.inject(victim.pid())) {
                injected.userFaultFd().api(0);
            }

            assertEquals(0, victim.number("wrong"));
        }
    }

    @Test
    void shouldInjectIntoAProcessWhoseFilterKillsUserfaultfd() {
        Kernel.require(KernelFeature.PTRACE_SUSPEND_SECCOMP);
        try (Victim victim = Victim.commander()) {
            assertEquals("0", victim.tell("forbid"));

            UserFaultFdInjector.inject(victim.pid()).close();

            assertEquals(0, victim.number("wrong"));
        }
    }

    @Test
    void shouldLeaveAStoppedProcessStopped() {
        try (Victim victim = Victim.commander()) {
            victim.process().signal(ProcessAbi.SIGSTOP);
            Await.until(() -> "the stop", LIMIT, () -> state(victim.pid()) == 'T');

            UserFaultFdInjector.inject(victim.pid()).close();

            Await.until(() -> "the stop to come back", LIMIT, () -> state(victim.pid()) == 'T');
            victim.process().signal(ProcessAbi.SIGCONT);
            assertEquals(0, victim.number("wrong"));
        }
    }

    @Test
    void shouldSayThatTheProcessIsGone() {
        Victim victim = Victim.commander();
        victim.close();

        RuntimeException thrown = assertThrows(RuntimeException.class, () -> UserFaultFdInjector.inject(victim.pid()));

        assertTrue(
                thrown instanceof DecampException
                        || thrown instanceof SyscallException failed && failed.errno() == Errno.ENOENT,
                thrown::toString);
    }

    @Test
    void shouldRefuseAProcessThatIsTracedAlready() {
        try (Victim victim = Victim.commander();
                Victim tracer = Victim.commander()) {
            assertEquals("0", tracer.tell("trace " + victim.pid()));

            SyscallException thrown =
                    assertThrows(SyscallException.class, () -> UserFaultFdInjector.inject(victim.pid()));

            assertEquals("PTRACE_SEIZE", thrown.call());
            assertEquals(Errno.EPERM, thrown.errno());
        }
    }

    private static char state(int pid) {
        return ProcessStatus.ofProcess(pid).orElseThrow().state();
    }
}
