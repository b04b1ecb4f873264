package io.decamp.restorer.engine.vm;

import com.fasterxml.jackson.databind.JsonNode;
import io.decamp.contracts.error.DecampException;
import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.qemu.Qmp;
import io.decamp.linux.qemu.VmRegistration;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * Files of this node as read-only disks of a VM, plugged in while it runs (virtio-blk). QEMU gets descriptors, not
 * paths: it may live in other mount namespaces and under another user. Nothing is copied: the guest reads what is in
 * the files, and they may be sparse and up to 8 EiB long. Thread safe.
 */
final class Disks {
    /** @param serial in at most 20 bytes: by it the guest knows the disk, and it is QEMU's name for it as well */
    record Disk(String serial, Path file) {}

    private static final Logger LOG = Logger.getLogger(Disks.class);
    private static final String PERIPHERALS = "/machine/peripheral";
    private static final long LOOK_EVERY_NANOS = 20_000_000;

    /** The guest answers a request to let a disk go in 0.2 s when it has a free processor. */
    private static final Duration UNPLUG_LIMIT = Duration.ofSeconds(30);

    private final RecentSlots recent = new RecentSlots();

    /** Speaks with the monitor of a VM that runs. @throws DecampException {@code vm-paused}, {@code vm-no-qmp}, ... */
    static void withMonitor(VmRegistration vm, Consumer<Qmp> action) {
        askMonitor(vm, qmp -> {
            action.accept(qmp);
            return null;
        });
    }

    private static <T> T askMonitor(VmRegistration vm, Function<Qmp, T> question) {
        try (Qmp qmp = Qmp.connect(vm.qmp())) {
            GuestAgents.requireRunning(vm, qmp);
            return question.apply(qmp);
        }
    }

    /** @throws DecampException {@code vm-no-slot}, {@code vm-command-refused}; some may be plugged then */
    void plug(Qmp qmp, List<Disk> disks) {
        disks.forEach(disk -> addNode(qmp, disk));
        new Slots(qmp, recent).add(disks.stream().map(Disks::device).toList());
    }

    private static Map<String, String> device(Disk disk) {
        String name = disk.serial();
        return Map.of("driver", "virtio-blk-pci", "drive", name, "id", name, "serial", name);
    }

    private static void addNode(Qmp qmp, Disk disk) {
        try (FileDescriptor file = FileDescriptor.open(disk.file().toString(), FileAbi.O_RDONLY, 0)) {
            long set = qmp.addDescriptor(file);
            try {
                qmp.execute(
                        "blockdev-add",
                        Map.of(
                                "driver", "raw",
                                "node-name", disk.serial(),
                                "read-only", true,
                                "file",
                                        Map.of(
                                                "driver", "file",
                                                "filename", "/dev/fdset/" + set,
                                                "read-only", true,
                                                "locking", "off")));
            } finally {
                // the node keeps a duplicate
                qmp.removeDescriptor(set);
            }
        }
    }

    /**
     * Takes out all disks whose serial numbers begin with {@code mark}. Does no harm when there are none.
     *
     * @throws DecampException {@code vm-disk-stuck} when the guest does not let go
     */
    void unplug(Qmp qmp, String mark) {
        askToLetGo(qmp, mark);
        awaitGone(() -> left(qmp, mark));
    }

    /**
     * The same without the monitor while the guest takes its time: who has just frozen another workload of this VM
     * needs it at once.
     */
    void unplug(VmRegistration vm, String mark) {
        withMonitor(vm, qmp -> askToLetGo(qmp, mark));
        awaitGone(() -> askMonitor(vm, qmp -> left(qmp, mark)));
    }

    private void askToLetGo(Qmp qmp, String mark) {
        recent.use(Slots.taken(qmp.execute("query-pci"), mark));
        devices(qmp, mark).forEach(device -> ask(qmp, "device_del", Map.of("id", device)));
    }

    private static List<String> left(Qmp qmp, String mark) {
        List<String> devices = devices(qmp, mark);
        if (!devices.isEmpty()) {
            return devices;
        }
        // QEMU lets go of a node a moment after its device has gone
        nodes(qmp, mark).forEach(node -> ask(qmp, "blockdev-del", Map.of("node-name", node)));
        return nodes(qmp, mark);
    }

    private static void awaitGone(Supplier<List<String>> look) {
        long deadline = System.nanoTime() + UNPLUG_LIMIT.toNanos();
        while (true) {
            List<String> left = look.get();
            if (left.isEmpty()) {
                return;
            }
            if (System.nanoTime() - deadline > 0) {
                throw DecampException.retry(
                        "vm-disk-stuck",
                        "The guest does not let go of " + left + " within " + UNPLUG_LIMIT.toSeconds() + " s",
                        "Is the VM running? What reads these disks in the guest?",
                        null);
            }
            LockSupport.parkNanos(LOOK_EVERY_NANOS);
        }
    }

    /** QEMU refuses what it is doing already, and what is in use: the lists tell what became of it. */
    private static void ask(Qmp qmp, String command, Map<String, ?> arguments) {
        try {
            qmp.execute(command, arguments);
        } catch (DecampException e) {
            if (!e.code().equals("vm-command-refused")) {
                throw e;
            }
            LOG.debugf("%s", e.getMessage());
        }
    }

    /** Whether QEMU has all of these: a guest can eject what it likes. */
    static boolean areThere(VmRegistration vm, Collection<String> serials) {
        return askMonitor(vm, qmp -> devices(qmp, "").containsAll(serials));
    }

    private static List<String> devices(Qmp qmp, String mark) {
        return starting(qmp.execute("qom-list", Map.of("path", PERIPHERALS)), "name", mark);
    }

    private static List<String> nodes(Qmp qmp, String mark) {
        return starting(qmp.execute("query-named-block-nodes", Map.of("flat", true)), "node-name", mark);
    }

    private static List<String> starting(JsonNode objects, String field, String mark) {
        List<String> found = new ArrayList<>();
        objects.forEach(object -> {
            String name = object.path(field).asText();
            if (name.startsWith(mark)) {
                found.add(name);
            }
        });
        return found;
    }
}
