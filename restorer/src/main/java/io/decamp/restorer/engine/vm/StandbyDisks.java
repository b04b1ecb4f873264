package io.decamp.restorer.engine.vm;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.port.StandingReplica;
import io.decamp.linux.command.JobDirectory;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.qemu.Qmp;
import io.decamp.linux.qemu.VmRegistration;
import io.decamp.linux.qemu.VmRegistry;
import io.decamp.restorer.engine.vm.Disks.Disk;
import io.decamp.restorer.engine.vm.VmCopyRecord.State;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jboss.logging.Logger;

/**
 * Disks that the receiving VM gets while its workload still runs elsewhere, as a guest needs a second and more to find
 * a disk: one for each process's memory, whose content goes on changing with the replica, and one that has room for
 * the images. Nobody may read them before the replica is final. Thread safe for different workloads.
 */
final class StandbyDisks {
    private static final Logger LOG = Logger.getLogger(StandbyDisks.class);

    /** Room for images and file contents; costs nothing until it is used. What needs more gets a disk of its own. */
    private static final long ARCHIVE_BYTES = 256L << 20;

    /** With the archive's these are three PCI slots; what is more is plugged when it is needed. */
    static final int MAX_SPACES = 23;

    private final Path directory;
    private final VmRegistry registry;
    private final VmCopyRecords records;
    private final Disks disks;
    /** Processes that came after the first disks: one that is gone by the next epoch is not worth a disk. */
    private final Map<WorkloadId, Set<Long>> newcomers = new ConcurrentHashMap<>();

    /** Workloads whose VM was looked at and can't have any. */
    private final Set<WorkloadId> withoutDisks = ConcurrentHashMap.newKeySet();

    /**
     * What a restore finds plugged.
     *
     * @param serials of the disks with processes' memory, by address space
     * @param archive the file behind the disk for the images, as long as the disk
     */
    record Plugged(GuestJob job, Map<Long, String> serials, Path archive) {}

    StandbyDisks(Path memoryDirectory, VmRegistry registry, VmCopyRecords records, Disks disks) {
        this.directory = memoryDirectory.resolve("standby");
        this.registry = registry;
        this.records = records;
        this.disks = disks;
    }

    /** Whether {@link #begin} is to come before {@link #keep}. Takes no time. */
    boolean isToBegin(WorkloadId id) {
        return !withoutDisks.contains(id)
                && records.find(id)
                        .filter(copy -> copy.state() instanceof State.Standing)
                        .isEmpty();
    }

    /**
     * Plugs what is new of the replica. Disks that are of no use any more are taken out, and the next call begins anew.
     *
     * @throws DecampException {@code vm-no-slot} and others; what was plugged before stays
     */
    void keep(WorkloadId id, StandingReplica replica) {
        VmCopyRecord copy = records.find(id).orElse(null);
        if (copy == null || !(copy.state() instanceof State.Standing standing)) {
            return;
        }
        if (!serves(copy, standing, replica.generation())
                || isWornOut(standing, replica)
                || hasLostSome(copy, standing)) {
            remove(copy);
        } else {
            add(copy, standing, replica);
        }
    }

    /**
     * Plugs the first disks.
     *
     * @param readiness of the VM
     * @throws DecampException {@code vm-no-slot} and others; nothing is left then
     */
    void begin(WorkloadId id, StandingReplica replica, VmRegistration vm, Guest.Readiness readiness) {
        LOG.infof("%s: VM %s can take it, with criu %s", id, vm.name(), readiness.criu());
        if (!readiness.forgetsDisks()) {
            LOG.infof("%s: no disks in advance, as there is no blockdev in VM %s", id, vm.name());
            withoutDisks.add(id);
            return;
        }
        newcomers.remove(id);
        Set<Long> first = new HashSet<>();
        replica.spaces().stream().limit(MAX_SPACES).forEach(space -> first.add(space.id()));
        Disks.withMonitor(vm, qmp -> {
            ProcessIdentity qemu = ProcessIdentity.of(qmp.peer().pid()).orElse(null);
            if (qemu == null) {
                // without a process to look for, a VM that was started anew would be taken for this one
                LOG.infof("%s: no disks in advance, as the process of VM %s is not to be seen", id, vm.name());
                withoutDisks.add(id);
                return;
            }
            GuestJob job = GuestJob.of(id);
            State.Standing none = new State.Standing(replica.generation(), new TreeMap<>());
            VmCopyRecord copy = new VmCopyRecord(id, vm, job, Optional.of(qemu), none);
            plug(qmp, copy, none, replica, first, List.of(new Disk(job.jobDisk(), makeArchive(id))));
        });
    }

    private void add(VmCopyRecord copy, State.Standing standing, StandingReplica replica) {
        Set<Long> fresh = new HashSet<>();
        replica.spaces().stream()
                .map(AddressSpace::id)
                .filter(space -> !standing.disks().containsKey(space))
                .forEach(fresh::add);
        Set<Long> before = newcomers.put(copy.id(), Set.copyOf(fresh));
        fresh.retainAll(before == null ? Set.of() : before);
        if (!fresh.isEmpty() && standing.disks().size() + fresh.size() <= MAX_SPACES) {
            Disks.withMonitor(copy.vm(), qmp -> plug(qmp, copy, standing, replica, fresh, List.of()));
        }
    }

    private void plug(
            Qmp qmp,
            VmCopyRecord copy,
            State.Standing before,
            StandingReplica replica,
            Set<Long> spaces,
            List<Disk> others) {
        // numbers go up: no serial begins another one that was there before
        SortedMap<Long, Integer> all = new TreeMap<>(before.disks());
        List<Disk> plugged = new ArrayList<>();
        int last = all.values().stream().mapToInt(n -> n).max().orElse(0);
        for (long space : spaces) {
            all.put(space, ++last);
            plugged.add(new Disk(copy.job().standbyDisk(last), replica.spaceFile(space)));
        }
        plugged.addAll(others);
        VmCopyRecord standing = copy.with(new State.Standing(before.generation(), all));
        // before anything is plugged: who finds this record takes out what there is
        records.put(standing);
        try {
            disks.plug(qmp, plugged);
        } catch (RuntimeException e) {
            try {
                plugged.forEach(disk -> disks.unplug(qmp, disk.serial()));
                if (others.isEmpty()) {
                    records.put(copy);
                } else {
                    forget(copy.id());
                }
            } catch (RuntimeException again) {
                e.addSuppressed(again);
            }
            throw e;
        }
        LOG.infof("%s: VM %s has %d disks in advance", copy.id(), copy.vm().name(), all.size() + 1);
    }

    /** What of these disks the restore of a final replica can use; nothing is changed. */
    Optional<Plugged> find(VmCopyRecord copy, SealedReplica replica, VmRegistration vm) {
        if (!(copy.state() instanceof State.Standing standing)
                || !vm.equals(copy.vm())
                || !serves(copy, standing, replica.generation())) {
            return Optional.empty();
        }
        Map<Long, String> serials = serials(copy, standing);
        return Optional.of(new Plugged(copy.job(), serials, archive(copy.id())));
    }

    /** Takes the disks out. Idempotent. */
    void remove(VmCopyRecord copy) {
        if (copy.hasEnded()) {
            forget(copy.id());
            return;
        }
        disks.unplug(copy.vm(), copy.job().mark());
        forgetRemoved(copy);
    }

    /** @param qmp of its VM */
    void remove(VmCopyRecord copy, Qmp qmp) {
        disks.unplug(qmp, copy.job().mark());
        forgetRemoved(copy);
    }

    private void forgetRemoved(VmCopyRecord copy) {
        forget(copy.id());
        LOG.infof("%s: disks in advance taken out of VM %s", copy.id(), copy.vm().name());
    }

    private void forget(WorkloadId id) {
        forgetFiles(id);
        records.remove(id);
    }

    /** QEMU has them open by itself. */
    void forgetFiles(WorkloadId id) {
        newcomers.remove(id);
        withoutDisks.remove(id);
        JobDirectory.remove(directory(id));
    }

    private boolean serves(VmCopyRecord copy, State.Standing standing, long generation) {
        return standing.generation() == generation
                && !copy.hasEnded()
                && copy.vm().equals(registry.receiver());
    }

    /** Processes have no room because of others that have ended. */
    private static boolean isWornOut(State.Standing standing, StandingReplica replica) {
        Set<Long> alive = new HashSet<>();
        replica.spaces().forEach(space -> alive.add(space.id()));
        Set<Long> without = new HashSet<>(alive);
        without.removeAll(standing.disks().keySet());
        return !without.isEmpty()
                && standing.disks().size() + without.size() > MAX_SPACES
                && !alive.containsAll(standing.disks().keySet());
    }

    /** Not asked when it counts: a frozen workload would wait for the answer. */
    private static boolean hasLostSome(VmCopyRecord copy, State.Standing standing) {
        List<String> all = new ArrayList<>(serials(copy, standing).values());
        all.add(copy.job().jobDisk());
        boolean lost = !Disks.areThere(copy.vm(), all);
        if (lost) {
            LOG.warnf("%s: disks that VM %s had in advance are not there any more", copy.id(), copy.vm().name());
        }
        return lost;
    }

    /** Of the disks with processes' memory, by address space. */
    private static Map<Long, String> serials(VmCopyRecord copy, State.Standing standing) {
        Map<Long, String> serials = new TreeMap<>();
        standing.disks().forEach((space, n) -> serials.put(space, copy.job().standbyDisk(n)));
        return serials;
    }

    private Path makeArchive(WorkloadId id) {
        JobDirectory.create(directory(id));
        try (RandomAccessFile file = new RandomAccessFile(archive(id).toFile(), "rw")) {
            file.setLength(ARCHIVE_BYTES);
            return archive(id);
        } catch (IOException e) {
            throw DecampException.abort(
                    "image-io",
                    "Can't make " + archive(id) + ", a disk that waits for images",
                    "Is there room, and the right to write?",
                    e);
        }
    }

    private Path archive(WorkloadId id) {
        return directory(id).resolve("job.tar");
    }

    private Path directory(WorkloadId id) {
        return directory.resolve(id.fileName());
    }
}
