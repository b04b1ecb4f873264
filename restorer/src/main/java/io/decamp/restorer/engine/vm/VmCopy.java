package io.decamp.restorer.engine.vm;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.CopyRuntime;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.port.StandingReplica;
import io.decamp.linux.command.JobDirectory;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.qemu.Qmp;
import io.decamp.linux.qemu.VmRegistration;
import io.decamp.linux.qemu.VmRegistry;
import io.decamp.linux.workload.VmBindings;
import io.decamp.restorer.engine.vm.VmCopyRecord.State;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.ReentrantLock;
import org.jboss.logging.Logger;

/**
 * Copies in the one VM of this node that receives them, restored by the guest's own criu. Images and memory get there
 * as disks that are plugged in, orders as scripts that the guest's agent runs: no network is needed and no page is
 * copied before criu reads it. A held copy is frozen in a cgroup of its own, by the guest's kernel, and needs no
 * helper there.
 *
 * <p>Thread safe for different workloads; calls for one workload come one after the other.
 */
public final class VmCopy implements CopyRuntime, AutoCloseable {
    private static final Logger LOG = Logger.getLogger(VmCopy.class);

    private final NodeSettings settings;
    private final VmRegistry registry;
    private final VmBindings bindings;
    private final VmCopyRecords records;
    private final Guest guest = new Guest();
    private final Disks disks = new Disks();
    private final StandbyDisks standby;
    /** A workload that is prepared must not meet its own disks half plugged. */
    private final Map<WorkloadId, ReentrantLock> locks = new ConcurrentHashMap<>();
    private final ExecutorService cleaner = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("vm-copy-cleaner").factory());

    public VmCopy(NodeSettings settings) {
        this.settings = settings;
        this.registry = new VmRegistry(settings.stateDirectory());
        this.bindings = new VmBindings(settings.node(), settings.stateDirectory());
        this.records = new VmCopyRecords(settings.stateDirectory());
        this.standby = new StandbyDisks(settings.memoryDirectory(), registry, records, disks);
    }

    /**
     * Finishes what a release before this service's start has left to do, in the background, and takes out disks of
     * workloads which nobody may expect here any more; those that are expected get them again.
     */
    public void start() {
        for (VmCopyRecord copy : records.all()) {
            switch (copy.state()) {
                case State.Standing s -> cleaner.execute(() -> coolQuietly(copy.id()));
                case State.Thawed s -> finishLater(copy);
                case State.Plugging s -> {}
                case State.Restoring s -> {}
                case State.Held s -> {}
                case State.Released s -> {}
                case State.Finished s -> {}
            }
        }
    }

    private void coolQuietly(WorkloadId id) {
        try {
            cool(id);
        } catch (RuntimeException e) {
            LOG.warnf("%s: disks that were plugged in advance stay in its VM: %s", id, e.getMessage());
        }
    }

    /**
     * Finds out whether the guest can be asked to restore, and plugs the replica's files into it.
     *
     * @throws DecampException {@code vm-no-receiver}, {@code vm-no-agent}, {@code vm-no-criu}, {@code vm-paused}, ...
     */
    @Override
    public void warm(WorkloadId id, StandingReplica replica) {
        try (Alone _ = alone(id)) {
            if (!standby.isToBegin(id)) {
                standby.keep(id, replica);
                return;
            }
            if (!clearHistory(id)) {
                return;
            }
        }
        VmRegistration vm = registry.receiver();
        // may take seconds, which a restore that is due need not wait for
        Guest.Readiness readiness = guest.warm(vm);
        try (Alone _ = alone(id)) {
            if (standby.isToBegin(id) && clearHistory(id)) {
                standby.begin(id, replica, vm, readiness);
            }
        }
    }

    @Override
    public void cool(WorkloadId id) {
        try (Alone _ = alone(id)) {
            records.find(id)
                    .filter(copy -> copy.state() instanceof State.Standing)
                    .ifPresentOrElse(standby::remove, () -> standby.forgetFiles(id));
        }
    }

    /** While it is open, this thread alone deals with a workload. */
    private interface Alone extends AutoCloseable {
        @Override
        void close();
    }

    private Alone alone(WorkloadId id) {
        ReentrantLock lock = locks.computeIfAbsent(id, any -> new ReentrantLock());
        lock.lock();
        return lock::unlock;
    }

    @Override
    public Held prepare(WorkloadId id, SealedReplica replica, Path bundle) {
        try (Alone _ = alone(id)) {
            return prepare(id, replica);
        }
    }

    private Held prepare(WorkloadId id, SealedReplica replica) {
        if (!clearHistory(id)) {
            throw DecampException.refused(
                    "copy-exists", "There is a copy of " + id + " here: " + hold(id), "Destroy it first");
        }
        VmRegistration vm = registry.receiver();
        Optional<StandbyDisks.Plugged> plugged = standing(id, replica, vm);
        GuestJob job = plugged.map(StandbyDisks.Plugged::job).orElseGet(() -> GuestJob.of(id));
        Path directory = settings.memoryDirectory().resolve("copies").resolve(id.fileName());
        try {
            long begin = System.nanoTime();
            JobFiles files = JobFiles.make(job, directory, replica, plugged);
            long made = System.nanoTime();
            VmCopyRecord copy = plug(id, vm, job, files);
            long attached = System.nanoTime();
            // QEMU has its own descriptors
            JobDirectory.remove(directory);
            standby.forgetFiles(id);
            copy = copy.with(new State.Restoring());
            records.put(copy);
            Guest.Restored restored = guest.restore(vm, job, files);
            records.put(copy.with(restored.held()));
            LOG.infof(
                    "%s: copy %d is complete and frozen in %s of VM %s: images %d ms, QEMU %d ms for %d disks, "
                            + "guest %d ms (%s)",
                    id,
                    restored.held().init().pid(),
                    restored.held().cgroup(),
                    vm.name(),
                    millis(made - begin),
                    millis(attached - made),
                    files.disks().size(),
                    millis(System.nanoTime() - attached),
                    restored.phases());
            return new Held(id, restored.held().init().pid(), false);
        } catch (RuntimeException e) {
            giveUp(id, directory, e);
            throw e;
        }
    }

    /** What can't be used of what was plugged in advance is taken out. */
    private Optional<StandbyDisks.Plugged> standing(WorkloadId id, SealedReplica replica, VmRegistration vm) {
        VmCopyRecord copy = records.find(id).orElse(null);
        if (copy == null) {
            return Optional.empty();
        }
        Optional<StandbyDisks.Plugged> found = standby.find(copy, replica, vm);
        if (found.isEmpty()) {
            standby.remove(copy);
        }
        return found;
    }

    private VmCopyRecord plug(WorkloadId id, VmRegistration vm, GuestJob job, JobFiles files) {
        Disks.withMonitor(vm, qmp -> {
            VmCopyRecord copy =
                    new VmCopyRecord(id, vm, job, ProcessIdentity.of(qmp.peer().pid()), new State.Plugging());
            records.put(copy);
            try {
                disks.plug(qmp, files.disks());
            } catch (DecampException e) {
                if (!e.code().equals("vm-no-slot") || !makeRoom(copy, qmp)) {
                    throw e;
                }
                files.disks().forEach(disk -> disks.unplug(qmp, disk.serial()));
                disks.plug(qmp, files.disks());
            }
        });
        return records.find(id).orElseThrow();
    }

    /** What is frozen comes before what may be some day. @return whether anything was taken out */
    private boolean makeRoom(VmCopyRecord needy, Qmp qmp) {
        boolean made = false;
        for (VmCopyRecord each : records.all()) {
            ReentrantLock lock = locks.computeIfAbsent(each.id(), any -> new ReentrantLock());
            // one that is locked is being plugged, or about to be needed itself
            if (lock.tryLock()) {
                try {
                    Optional<VmCopyRecord> other = records.find(each.id())
                            .filter(copy -> copy.state() instanceof State.Standing)
                            .filter(copy -> copy.vm().equals(needy.vm()));
                    other.ifPresent(copy -> standby.remove(copy, qmp));
                    made |= other.isPresent();
                } finally {
                    lock.unlock();
                }
            }
        }
        return made;
    }

    @Override
    public Hold hold(WorkloadId id) {
        return records.find(id).map(this::hold).orElse(Hold.NONE);
    }

    private Hold hold(VmCopyRecord copy) {
        return switch (copy.state()) {
            case State.Standing s -> Hold.NONE;
            case State.Plugging s -> Hold.PARTIAL;
            case State.Restoring s -> Hold.PARTIAL;
            case State.Held s -> !copy.hasEnded() && guest.isHeld(copy.vm(), copy.job(), s) ? Hold.HELD : Hold.PARTIAL;
            case State.Released s -> copy.hasEnded() ? Hold.NONE : Hold.RELEASING;
            case State.Thawed s -> Hold.RELEASED;
            case State.Finished s -> Hold.RELEASED;
        };
    }

    @Override
    public void release(WorkloadId id) {
        long begin = System.nanoTime();
        VmCopyRecord copy = records.find(id).orElseThrow(() -> missing(id));
        switch (copy.state()) {
            case State.Standing s -> throw missing(id);
            case State.Plugging s -> throw missing(id);
            case State.Restoring s -> throw missing(id);
            case State.Held held -> {
                if (copy.hasEnded()) {
                    throw missing(id);
                }
                guest.connected(copy.vm(), () -> {
                    if (!guest.isHeld(copy.vm(), copy.job(), held)) {
                        throw missing(id);
                    }
                    bindings.bind(id, held.init());
                    records.put(copy.with(new State.Released(held)));
                    thaw(copy, held, begin);
                });
            }
            case State.Released released -> thaw(copy, released.held(), begin);
            case State.Thawed thawed -> finishLater(copy);
            case State.Finished finished -> {}
        }
    }

    private void thaw(VmCopyRecord copy, State.Held held, long beginNanos) {
        guest.thaw(copy.vm(), held);
        VmCopyRecord thawed = copy.with(new State.Thawed(held));
        records.put(thawed);
        LOG.infof(
                "%s: copy released in VM %s in %d ms",
                copy.id(), copy.vm().name(), millis(System.nanoTime() - beginNanos));
        finishLater(thawed);
    }

    @Override
    public void destroy(WorkloadId id) {
        try (Alone _ = alone(id)) {
            destroyNow(id);
        }
    }

    private void destroyNow(WorkloadId id) {
        VmCopyRecord copy = records.find(id).orElse(null);
        if (copy == null) {
            return;
        }
        if (copy.released().isPresent()) {
            throw DecampException.refused(
                    "copy-released",
                    "The copy of " + id + " was released: it may have executed instructions",
                    "It is the workload now; evict it to move it on");
        }
        if (!copy.hasEnded()) {
            if (!(copy.state() instanceof State.Standing || copy.state() instanceof State.Plugging)) {
                guest.discard(copy.vm(), copy.job());
            }
            unplug(copy);
        }
        standby.forgetFiles(id);
        records.remove(id);
        LOG.infof("%s: copy destroyed in VM %s", id, copy.vm().name());
    }

    private void unplug(VmCopyRecord copy) {
        disks.unplug(copy.vm(), copy.job().mark());
    }

    private void finishLater(VmCopyRecord copy) {
        cleaner.execute(() -> {
            try (Alone _ = alone(copy.id())) {
                finish(copy);
            } catch (RuntimeException e) {
                LOG.warnf("%s: disks of its restore stay plugged into VM %s until the next start: %s",
                        copy.id(), copy.vm().name(), e.getMessage());
            }
        });
    }

    private void finish(VmCopyRecord copy) {
        boolean current = records.find(copy.id()).filter(copy::equals).isPresent();
        if (!current || !(copy.state() instanceof State.Thawed thawed)) {
            return;
        }
        if (!copy.hasEnded()) {
            guest.finish(copy.vm(), copy.job(), thawed.held());
            unplug(copy);
        }
        records.put(copy.with(new State.Finished(thawed.held())));
    }

    /**
     * A copy that was released and has moved on since is history, and forgotten.
     *
     * @return false when there is one that must be dealt with first
     */
    private boolean clearHistory(WorkloadId id) {
        VmCopyRecord copy = records.find(id).orElse(null);
        if (copy == null || copy.state() instanceof State.Standing) {
            return true;
        }
        boolean history = copy.released()
                .filter(held -> copy.hasEnded() || !guest.isPresent(copy.vm(), copy.job(), held.init()))
                .isPresent();
        if (history) {
            finish(copy);
            records.remove(id);
        }
        return history;
    }

    private void giveUp(WorkloadId id, Path directory, RuntimeException reason) {
        try {
            destroy(id);
            JobDirectory.remove(directory);
        } catch (RuntimeException e) {
            reason.addSuppressed(e);
        }
    }

    private static long millis(long nanos) {
        return nanos / 1_000_000;
    }

    private static DecampException missing(WorkloadId id) {
        return DecampException.fatal(
                "no-held-copy",
                "There is no complete copy of " + id + " that could be released",
                "Return the workload to its source",
                null);
    }

    /** Copies stay as they are, for the next start. */
    @Override
    public void close() {
        cleaner.shutdown();
    }
}
