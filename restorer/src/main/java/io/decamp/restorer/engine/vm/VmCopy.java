package io.decamp.restorer.engine.vm;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.CopyRuntime;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.linux.command.JobDirectory;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.qemu.Qmp;
import io.decamp.linux.qemu.VmRegistration;
import io.decamp.linux.qemu.VmRegistry;
import io.decamp.linux.workload.TaskStates;
import io.decamp.linux.workload.VmBindings;
import io.decamp.restorer.engine.vm.VmCopyRecord.State;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
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

    /** The guest answers a request to let a disk go in 0.2 s when it has a free processor. */
    private static final Duration UNPLUG_LIMIT = Duration.ofSeconds(30);

    private final NodeSettings settings;
    private final VmRegistry registry;
    private final VmBindings bindings;
    private final VmCopyRecords records;
    private final Guest guest = new Guest();
    private final SecureRandom random = new SecureRandom();
    private final ExecutorService cleaner = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("vm-copy-cleaner").factory());

    public VmCopy(NodeSettings settings) {
        this.settings = settings;
        this.registry = new VmRegistry(settings.stateDirectory());
        this.bindings = new VmBindings(settings.node(), settings.stateDirectory());
        this.records = new VmCopyRecords(settings.stateDirectory());
    }

    /** Finishes what a release before this service's start has left to do, in the background. */
    public void start() {
        records.all().stream().filter(copy -> copy.state() instanceof State.Thawed).forEach(this::finishLater);
    }

    /**
     * Finds out whether the guest can be asked to restore.
     *
     * @throws DecampException {@code vm-no-receiver}, {@code vm-no-agent}, {@code vm-no-criu}, {@code vm-paused}, ...
     */
    @Override
    public void warm(WorkloadId id, Path bundle) {
        VmRegistration vm = registry.receiver();
        LOG.infof("%s: VM %s can take it, with criu %s", id, vm.name(), guest.warm(vm));
    }

    @Override
    public Held prepare(WorkloadId id, SealedReplica replica, Path bundle) {
        requireNoCopy(id);
        VmRegistration vm = registry.receiver();
        GuestJob job = GuestJob.of(id, random.nextInt());
        Path directory = settings.memoryDirectory().resolve("copies").resolve(id.fileName());
        try {
            long begin = System.nanoTime();
            JobFiles files = JobFiles.make(job, directory, replica);
            long made = System.nanoTime();
            VmCopyRecord copy = plug(id, vm, job, files);
            long plugged = System.nanoTime();
            // QEMU has its own descriptors
            JobDirectory.remove(directory);
            copy = copy.with(new State.Restoring());
            records.put(copy);
            Guest.Restored restored = guest.restore(vm, job, files.memoryBytes());
            records.put(copy.with(restored.held()));
            LOG.infof(
                    "%s: copy %d is complete and frozen in %s of VM %s: images %d ms, QEMU %d ms, guest %d ms (%s)",
                    id,
                    restored.held().init().pid(),
                    restored.held().cgroup(),
                    vm.name(),
                    millis(made - begin),
                    millis(plugged - made),
                    millis(System.nanoTime() - plugged),
                    restored.phases());
            return new Held(id, restored.held().init().pid(), false);
        } catch (RuntimeException e) {
            giveUp(id, directory, e);
            throw e;
        }
    }

    private VmCopyRecord plug(WorkloadId id, VmRegistration vm, GuestJob job, JobFiles files) {
        try (Qmp qmp = Qmp.connect(vm.qmp())) {
            GuestAgents.requireRunning(vm, qmp);
            VmCopyRecord copy =
                    new VmCopyRecord(id, vm, job, ProcessIdentity.of(qmp.peer().pid()), new State.Plugging());
            records.put(copy);
            Disks.plug(qmp, files.disks());
            return copy;
        }
    }

    @Override
    public Hold hold(WorkloadId id) {
        return records.find(id).map(this::hold).orElse(Hold.NONE);
    }

    private Hold hold(VmCopyRecord copy) {
        return switch (copy.state()) {
            case State.Plugging s -> Hold.PARTIAL;
            case State.Restoring s -> Hold.PARTIAL;
            case State.Held s -> !hasEnded(copy) && guest.isHeld(copy.vm(), copy.job(), s) ? Hold.HELD : Hold.PARTIAL;
            case State.Released s -> hasEnded(copy) ? Hold.NONE : Hold.RELEASING;
            case State.Thawed s -> Hold.RELEASED;
            case State.Finished s -> Hold.RELEASED;
        };
    }

    @Override
    public void release(WorkloadId id) {
        long begin = System.nanoTime();
        VmCopyRecord copy = records.find(id).orElseThrow(() -> missing(id));
        switch (copy.state()) {
            case State.Plugging s -> throw missing(id);
            case State.Restoring s -> throw missing(id);
            case State.Held held -> {
                if (hasEnded(copy)) {
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
        if (!hasEnded(copy)) {
            if (!(copy.state() instanceof State.Plugging)) {
                guest.discard(copy.vm(), copy.job());
            }
            unplug(copy);
        }
        records.remove(id);
        LOG.infof("%s: copy destroyed in VM %s", id, copy.vm().name());
    }

    private static void unplug(VmCopyRecord copy) {
        try (Qmp qmp = Qmp.connect(copy.vm().qmp())) {
            GuestAgents.requireRunning(copy.vm(), qmp);
            Disks.unplug(qmp, copy.job().mark(), UNPLUG_LIMIT);
        }
    }

    /** What was in a VM whose process is gone will never run. */
    private static boolean hasEnded(VmCopyRecord copy) {
        return copy.qemu()
                .filter(process -> !process.isPresent() || TaskStates.of(process.pid()) == 'Z')
                .isPresent();
    }

    private void finishLater(VmCopyRecord copy) {
        cleaner.execute(() -> {
            try {
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
        if (!hasEnded(copy)) {
            guest.finish(copy.vm(), copy.job(), thawed.held());
            unplug(copy);
        }
        records.put(copy.with(new State.Finished(thawed.held())));
    }

    /** A copy that is there must be dealt with first; one that has been released and has moved on since is history. */
    private void requireNoCopy(WorkloadId id) {
        VmCopyRecord copy = records.find(id).orElse(null);
        if (copy == null) {
            return;
        }
        boolean history = copy.released()
                .filter(held -> hasEnded(copy) || !guest.isPresent(copy.vm(), copy.job(), held.init()))
                .isPresent();
        if (!history) {
            throw DecampException.refused(
                    "copy-exists", "There is a copy of " + id + " here: " + hold(copy), "Destroy it first");
        }
        finish(copy);
        records.remove(id);
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
