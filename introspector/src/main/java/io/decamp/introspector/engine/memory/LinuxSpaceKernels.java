package io.decamp.introspector.engine.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.abi.ProcessAbi;
import io.decamp.linux.abi.UffdAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.libc.ProcessCalls;
import io.decamp.linux.libc.SyscallException;
import io.decamp.linux.pid.PidFd;
import io.decamp.linux.proc.ProcFs;
import io.decamp.linux.ptrace.UserFaultFdInjector;
import io.decamp.linux.uffd.UserFaultFd;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * The processes of this host. A pidfd is held of every process that was listed: as long as it has not exited, its PID
 * is its own, and nothing of it needs to be read again. One object a workload, one thread at a time.
 */
final class LinuxSpaceKernels implements SpaceKernels {
    private static final long FEATURES = UffdAbi.UFFD_FEATURE_WP_ASYNC
            | UffdAbi.UFFD_FEATURE_WP_UNPOPULATED
            | UffdAbi.UFFD_FEATURE_PAGEFAULT_FLAG_WP;

    /** One that loses its memory while it is injected is on its way out, which takes a moment to become visible. */
    private static final Duration EXIT_GRACE = Duration.ofMillis(100);

    private static final String NOT_STOPPED = "thread-not-stopped";

    /** On a host with many more busy threads than processors a thread may need a while until it can stop. */
    private static final int INJECT_TRIES = 10;

    private record Held(PidFd pidFd, Listed listed) {}

    private final TrackingKeeper keeper;
    private final HostInit init;
    private final Map<Long, UserFaultFd> tracking = new HashMap<>();
    private final Map<Integer, Held> held = new HashMap<>();

    LinuxSpaceKernels(Path directory, HostInit init) {
        this.keeper = TrackingKeeper.open(directory);
        this.init = init;
    }

    @Override
    public List<Listed> list() {
        int initPid = init.pid();
        String namespace = namespace(initPid).orElseThrow(() -> ended(initPid));
        List<Listed> found = new ArrayList<>();
        Set<Integer> present = new HashSet<>();
        for (String name : Objects.requireNonNull(new File("/proc").list(), "/proc can't be listed")) {
            if (Character.isDigit(name.charAt(0))) {
                int pid = Integer.parseInt(name);
                find(pid, namespace).ifPresent(each -> {
                    found.add(each);
                    present.add(pid);
                });
            }
        }
        held.entrySet().removeIf(each -> {
            boolean gone = !present.contains(each.getKey());
            if (gone) {
                each.getValue().pidFd.close();
            }
            return gone;
        });
        if (found.isEmpty()) {
            // an init that nobody has reaped still has its namespace
            throw ended(initPid);
        }
        found.sort(Comparator.comparingLong(Listed::startTicks).thenComparingInt(Listed::containerPid));
        return found;
    }

    private static DecampException ended(int initPid) {
        return DecampException.abort(
                "workload-ended",
                "Process " + initPid + ", the init of the workload, has ended",
                "Start the workload again and protect it anew",
                null);
    }

    private Optional<Listed> find(int pid, String namespace) {
        Held known = held.get(pid);
        if (known != null) {
            if (!known.pidFd.hasExited()) {
                return Optional.of(known.listed);
            }
            held.remove(pid).pidFd.close();
        }
        if (!namespace(pid).filter(namespace::equals).isPresent()) {
            return Optional.empty();
        }
        Optional<PidFd> opened = PidFd.find(pid);
        if (opened.isEmpty()) {
            return Optional.empty();
        }
        PidFd pidFd = opened.get();
        Optional<Listed> listed = describe(pid);
        // what was read belongs to the process of the pidfd only if that has not exited since
        if (listed.isEmpty()
                || pidFd.hasExited()
                || !namespace(pid).filter(namespace::equals).isPresent()) {
            pidFd.close();
            return Optional.empty();
        }
        held.put(pid, new Held(pidFd, listed.get()));
        return listed;
    }

    private static Optional<String> namespace(int pid) {
        try {
            return Optional.of(
                    Files.readSymbolicLink(ProcFs.path(pid, "ns/pid")).toString());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            Optional<String> status = ProcFs.readIfPresent(pid, "status");
            // a task of the host that not even root may look into is none of a workload's, which is a namespace deeper
            if (status.isEmpty() || ProcessLine.namespaceDepth(status.get()) == 1) {
                return Optional.empty();
            }
            throw DecampException.abort(
                    "process-unreadable",
                    "The PID namespace of process " + pid + " can't be read",
                    "Run this service as root of the host, with CAP_SYS_PTRACE",
                    e);
        }
    }

    /** @return empty for one that has no memory any more, or is gone */
    private static Optional<Listed> describe(int pid) {
        Optional<String> stat = ProcFs.readIfPresent(pid, "stat");
        Optional<String> status = ProcFs.readIfPresent(pid, "status");
        if (stat.isEmpty() || status.isEmpty()) {
            return Optional.empty();
        }
        ProcessLine line = ProcessLine.parse(stat.get(), status.get());
        if (!line.ended()) {
            return Optional.of(new Listed(pid, line.parentPid(), line.innermostPid(), line.startTicks()));
        }
        if (line.threads() > 1) {
            throw DecampException.retry(
                    "leader-exited",
                    "The first thread of process " + pid + " has exited while others run",
                    "If it does not end soon CRIU can't move it either: have its main thread wait for the others",
                    null);
        }
        return Optional.empty();
    }

    @Override
    public Opened inject(Listed process, long spaceId) {
        UserFaultFdInjector.Injected injected = inject(process, 1);
        UserFaultFd userFaultFd = injected.userFaultFd();
        try {
            userFaultFd.api(FEATURES);
            return new Opened(open(process, spaceId, userFaultFd), injected.stoppedMicros());
        } catch (RuntimeException e) {
            userFaultFd.close();
            throw e;
        }
    }

    private UserFaultFdInjector.Injected inject(Listed process, int tries) {
        try {
            return UserFaultFdInjector.inject(process.pid());
        } catch (RuntimeException e) {
            Held known = held.get(process.pid());
            if (known == null || known.pidFd.awaitExit(EXIT_GRACE)) {
                throw new SpaceGoneException(process.pid(), e);
            }
            if (tries < INJECT_TRIES && e instanceof DecampException late && late.code().equals(NOT_STOPPED)) {
                return inject(process, tries + 1);
            }
            throw DecampException.retry(
                    "process-not-trackable",
                    "Tracking can't be injected into process " + process.pid() + " (" + process.containerPid()
                            + " in the workload)",
                    "End the debugger or tracer that is attached to it; if there is none, it can't be protected here",
                    e);
        }
    }

    @Override
    public SpaceKernel observe(Listed process) {
        return LinuxSpaceKernel.open(process.pid(), null, () -> {});
    }

    @Override
    public Optional<SpaceKernel> resume(Listed process, long spaceId) {
        Optional<FileDescriptor> kept = keeper.fetch(spaceId);
        if (kept.isEmpty()) {
            return Optional.empty();
        }
        UserFaultFd userFaultFd = new UserFaultFd(kept.get());
        LinuxSpaceKernel kernel;
        try {
            kernel = open(process, spaceId, userFaultFd);
        } catch (SpaceGoneException e) {
            userFaultFd.close();
            return Optional.empty();
        }
        try {
            if (kernel.tracks()) {
                return Optional.of(kernel);
            }
        } catch (SpaceGoneException e) {
            // an exec or exit while the service was down: the process is found anew
        }
        kernel.release();
        return Optional.empty();
    }

    private LinuxSpaceKernel open(Listed process, long spaceId, UserFaultFd userFaultFd) {
        LinuxSpaceKernel kernel = LinuxSpaceKernel.open(process.pid(), userFaultFd, () -> tracking.remove(spaceId));
        tracking.put(spaceId, userFaultFd);
        return kernel;
    }

    @Override
    public boolean sameMemory(int pid, int otherPid) {
        int result = ProcessCalls.kcmp(pid, otherPid, ProcessAbi.KCMP_VM);
        if (result < 0 && result != -Errno.ESRCH) {
            throw new SyscallException("kcmp", -result, "pids " + pid + " and " + otherPid);
        }
        return result == 0;
    }

    @Override
    public void keep() {
        Map<Long, FileDescriptor> descriptors = new HashMap<>();
        tracking.forEach((spaceId, userFaultFd) -> descriptors.put(spaceId, userFaultFd.descriptor()));
        keeper.hold(descriptors);
    }

    @Override
    public void forget() {
        keeper.end();
    }

    @Override
    public void close() {
        held.values().forEach(each -> each.pidFd.close());
        held.clear();
        keeper.close();
    }
}
