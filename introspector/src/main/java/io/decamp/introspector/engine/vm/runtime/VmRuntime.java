package io.decamp.introspector.engine.vm.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.v1.PreflightReport;
import io.decamp.introspector.engine.memory.MemoryAccess;
import io.decamp.introspector.engine.vm.freeze.FreezeState;
import io.decamp.introspector.engine.vm.freeze.GuestFreezer;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.runtime.VmWorkloads.Ask;
import io.decamp.introspector.engine.vm.runtime.VmWorkloads.Located;
import io.decamp.introspector.engine.vm.state.StateCapture;
import io.decamp.linux.command.JobDirectory;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * Workloads inside VMs, frozen, saved and killed from outside: all processes of a PID namespace of a guest.
 *
 * <p>One lock holds a frozen one, where a host's has two. The second lock of the host is there because the first is a
 * tracer's: if criu dies, the kernel lets its tasks run. Here nobody has to stay alive: the lock is a bit of each
 * thread in guest memory that only the guest's kernel acts upon, this service and QEMU's debugger stub may end any
 * time after it was set, and if the guest itself ends, so do the threads. It is therefore reported as {@link
 * Hold#HELD} when guest memory says that every thread rests and the images are complete.
 *
 * <p>Thread safe for different workloads; calls for one workload come one after the other.
 */
public final class VmRuntime implements WorkloadRuntime {
    private static final Logger LOG = Logger.getLogger(VmRuntime.class);

    /**
     * Threads come to rest in milliseconds, those in an uninterruptible wait when it ends. Longer, the workload runs
     * on.
     */
    static final Duration FREEZE_LIMIT = Duration.ofSeconds(5);

    static final Duration THAW_LIMIT = Duration.ofSeconds(10);

    /** Freeing memory in the guest takes its time when it is short of processors. */
    static final Duration KILL_LIMIT = Duration.ofSeconds(60);

    /** With these a guest has ended for good, and all that ran in it. */
    private static final Set<String> ENDED = Set.of("vm-gone", "vm-rebooted", "vm-powered-off");

    private final Vms vms;
    private final VmWorkloads workloads;
    private final Path stateDirectory;

    public VmRuntime(NodeSettings settings, Vms vms) {
        this.vms = vms;
        this.workloads = new VmWorkloads(vms, settings.node());
        this.stateDirectory = settings.stateDirectory();
    }

    /** How their memory is followed and read. */
    public MemoryAccess memory() {
        return new VmMemory(vms, workloads, VmMemory.ASK_EVERY);
    }

    @Override
    public Found find(WorkloadId id) {
        Located located = locate(id, Ask.WHETHER_CURRENT);
        if (located == null || located.hasExited()) {
            return new Found(id, located == null ? 0 : located.pid(), State.STOPPED, null);
        }
        boolean frozen = record(id) != null && frozenState(located) == FreezeState.FROZEN;
        return new Found(id, located.pid(), frozen ? State.FROZEN : State.RUNNING, null);
    }

    /** @return null when its guest has ended, and so has it */
    private Located locate(WorkloadId id, Ask ask) {
        try {
            return workloads.locate(id, ask);
        } catch (DecampException e) {
            if (workloads.isBound(id) && (ENDED.contains(e.code()) || vms.hasEnded(workloads.vmOf(id)))) {
                LOG.debugf("%s has ended with its guest: %s", id, e.getMessage());
                return null;
            }
            throw e;
        }
    }

    @Override
    public PreflightReport check(WorkloadId id) {
        return new VmPreflight(vms, id.value(), workloads.locate(id, Ask.WHETHER_CURRENT)).check();
    }

    @Override
    public Frozen freeze(WorkloadId id, String migration, Path partsDirectory, Runnable onStopped) {
        Located located = workloads.locate(id, Ask.WHETHER_RUNNING);
        if (hold(id) != Hold.NONE || located.hasExited()) {
            throw DecampException.refused(
                    "not-running", "Workload " + id + " does not run", "Thaw it, or end the migration that holds it");
        }
        JobDirectory.create(partsDirectory);
        VmFreezeRecord freeze = new VmFreezeRecord(id, migration, partsDirectory, false, false);
        freeze.write(stateDirectory);
        try {
            GuestFreezer.Frozen took =
                    withFreezer(located, freezer -> freezer.freeze(located::processes, FREEZE_LIMIT));
            long stoppedAt = nowMicros() - took.stopping().toNanos() / 1_000;
            List<Part> parts = capture(located, partsDirectory, onStopped);
            freeze.withCaptured().write(stateDirectory);
            LOG.infof(
                    "%s: %d threads of %d processes frozen in %d ms (%d ms of it while some had stopped), "
                            + "%d pauses of the VM took %d us, %d parts",
                    id,
                    took.threads(),
                    took.processes(),
                    took.took().toMillis(),
                    took.stopping().toMillis(),
                    took.pauses(),
                    took.paused().toNanos() / 1_000,
                    parts.size());
            return new Frozen(parts, stoppedAt, nowMicros());
        } catch (RuntimeException | Error e) {
            giveUp(id, e);
            throw e;
        }
    }

    /** The images are written by another thread while the caller's memory round goes on in this one. */
    private static List<Part> capture(Located located, Path partsDirectory, Runnable onStopped) {
        CompletableFuture<List<Part>> images = new CompletableFuture<>();
        Thread.ofVirtual().name("capture-" + located.pid()).start(() -> {
            try {
                images.complete(
                        named(() -> StateCapture.write(located.vm().kernel(), located.init(), partsDirectory)));
            } catch (Throwable e) {
                images.completeExceptionally(e);
            }
        });
        try {
            onStopped.run();
        } catch (RuntimeException | Error e) {
            // nobody may thaw what is still being read
            images.handle((parts, failure) -> parts).join();
            throw e;
        }
        return join(images);
    }

    private static <T> T join(CompletableFuture<T> step) {
        try {
            return step.join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case RuntimeException unchecked -> throw unchecked;
                case Error error -> throw error;
                default -> throw e;
            }
        }
    }

    private void giveUp(WorkloadId id, Throwable reason) {
        try {
            thaw(id);
        } catch (RuntimeException e) {
            reason.addSuppressed(e);
        }
    }

    @Override
    public Hold hold(WorkloadId id) {
        VmFreezeRecord freeze = record(id);
        if (freeze == null) {
            return Hold.NONE;
        }
        Located located = locateLeft(id, Ask.WHETHER_CURRENT);
        if (located == null || located.hasExited()) {
            return freeze.killing() ? Hold.FREEZING : Hold.NONE;
        }
        return switch (frozenState(located)) {
            case FROZEN -> freeze.captured() ? Hold.HELD : Hold.FREEZING;
            case FREEZING -> Hold.FREEZING;
            case NONE -> freeze.killing() ? Hold.FREEZING : Hold.NONE;
        };
    }

    @Override
    public void thaw(WorkloadId id) {
        VmFreezeRecord freeze = record(id);
        if (freeze == null) {
            return;
        }
        if (freeze.killing()) {
            throw DecampException.fatal(
                    "commit-begun", "Workload " + id + " is being killed", "Kill it again to finish", null);
        }
        Located located = locateLeft(id, Ask.WHETHER_RUNNING);
        if (located == null) {
            LOG.warnf("%s: it or its guest has ended while it was frozen", id);
        } else {
            withFreezer(located, freezer -> {
                freezer.thaw(located::processesLeft, THAW_LIMIT);
                return null;
            });
            LOG.infof("%s: thawed, runs on", id);
        }
        freeze.delete(stateDirectory);
    }

    @Override
    public void kill(WorkloadId id) {
        VmFreezeRecord freeze = record(id);
        Located located = toBeKilled(id);
        if (freeze == null && located == null) {
            return;
        }
        VmFreezeRecord commit =
                (freeze == null ? new VmFreezeRecord(id, "", stateDirectory, false, true) : freeze).withKilling();
        commit.write(stateDirectory);
        if (located != null) {
            withFreezer(located, freezer -> {
                freezer.kill(located::processesLeft, KILL_LIMIT);
                return null;
            });
        }
        workloads.unbind(id);
        commit.delete(stateDirectory);
        LOG.infof("%s: killed from outside", id);
    }

    /** @return null when there is nothing left of it */
    private Located toBeKilled(WorkloadId id) {
        Located located = locateLeft(id, Ask.WHETHER_RUNNING);
        if (located != null && !workloads.isBound(id)) {
            throw DecampException.refused(
                    "workload-not-known",
                    "Process " + located.pid() + " of VM " + located.vm().name() + " was never tracked as " + id,
                    "It may be another one with the same PID: end it by hand if it is not");
        }
        return located;
    }

    /** @return null when it has ended, with its guest or by itself: somebody in the guest may kill what is frozen */
    private Located locateLeft(WorkloadId id, Ask ask) {
        try {
            return locate(id, ask);
        } catch (DecampException e) {
            if (e.code().equals("workload-not-found")) {
                LOG.debugf("%s is not there any more: %s", id, e.getMessage());
                return null;
            }
            throw e;
        }
    }

    private VmFreezeRecord record(WorkloadId id) {
        return VmFreezeRecord.find(stateDirectory, id).orElse(null);
    }

    private FreezeState frozenState(Located located) {
        return withFreezer(located, freezer -> freezer.state(located::processes));
    }

    private <T> T withFreezer(Located located, Function<GuestFreezer, T> action) {
        return named(() -> located.vm().withMonitor(qmp -> {
            try (GuestFreezer freezer = vms.freezer(located.vm(), qmp)) {
                return action.apply(freezer);
            }
        }));
    }

    private static <T> T named(Supplier<T> action) {
        try {
            return action.get();
        } catch (GuestFault e) {
            throw e.asDecamp();
        } catch (InternalError e) {
            // compiled code may tell of a RAM file that was cut later than where it was read
            throw new GuestFault(GuestFault.Reason.GONE, "The guest's RAM file was cut while it was read", e)
                    .asDecamp();
        }
    }

    private static long nowMicros() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000 + now.getNano() / 1_000;
    }
}
