package io.decamp.introspector.engine.vm.guest;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.qemu.Qmp;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jboss.logging.Logger;

/**
 * Attaches to the memory of a machine by its QEMU: asks the monitor where RAM is and for the guest's VMCOREINFO. The
 * guest is not stopped and nothing is asked of it.
 */
public final class QemuMemory {
    /** The smallest dump: the notes come in front of what was asked for. */
    private static final int DUMP_BYTES = GuestRam.PAGE_BYTES;

    private static final Logger LOG = Logger.getLogger(QemuMemory.class);

    private QemuMemory() {}

    /** @param block id of the machine's memory backend; null for the largest block of RAM */
    public static MemoryLayout layout(Qmp qmp, String block) {
        return MemoryLayout.parse(qmp.hmp("info mtree -f"), block);
    }

    /**
     * Takes VMCOREINFO from the notes of a dump, which QEMU writes to a descriptor of ours: it may live in other
     * namespaces. Takes some milliseconds, whatever the size of the guest.
     *
     * @throws GuestFault when the dump has none
     * @throws DecampException when QEMU refuses, as it does while a dump or a migration runs
     */
    public static VmcoreInfo vmcoreInfo(Qmp qmp) {
        int memory = FileCalls.memfd("decamp-vmcoreinfo");
        String path = "/proc/self/fd/" + memory;
        // QEMU takes from a set only what was opened with the same access mode, and it opens dumps for writing
        try (FileDescriptor written = FileDescriptor.open(path, FileAbi.O_WRONLY, 0)) {
            long set = qmp.addDescriptor(written);
            try {
                qmp.execute(
                        "dump-guest-memory",
                        Map.of(
                                "paging", false,
                                "begin", 0,
                                "length", DUMP_BYTES,
                                "protocol", "file:/dev/fdset/" + set));
            } finally {
                qmp.removeDescriptor(set);
            }
            return VmcoreInfo.ofDump(Path.of(path));
        } catch (IOException e) {
            throw new GuestFault(Reason.FORMAT, "QEMU's dump can't be read", e);
        } finally {
            FileCalls.close(memory);
        }
    }

    /**
     * Attaches to what runs in the machine. When the monitor has no VMCOREINFO the RAM file is searched for it.
     *
     * @param ramFile the file behind the machine's RAM; of another mount namespace by {@code /proc/PID/fd}
     * @param block id of the memory backend; null for the largest
     * @throws GuestFault when the guest is not a Linux that can be read
     */
    public static GuestKernel attach(Qmp qmp, Path ramFile, String block) {
        MemoryLayout layout = layout(qmp, block);
        GuestRam ram = GuestRam.open(ramFile, layout);
        GuestKernel attached = null;
        try {
            attached = byMonitorOrSearch(qmp, ramFile, layout, ram);
            return attached;
        } finally {
            if (attached == null) {
                ram.close();
            }
        }
    }

    private static GuestKernel byMonitorOrSearch(Qmp qmp, Path ramFile, MemoryLayout layout, GuestRam ram) {
        try {
            return GuestKernel.attach(ram, vmcoreInfo(qmp));
        } catch (GuestFault | DecampException e) {
            LOG.debugf("No VMCOREINFO by QEMU's monitor: %s", e.getMessage());
            return search(ramFile, layout, ram, e);
        }
    }

    private static GuestKernel search(Path ramFile, MemoryLayout layout, GuestRam ram, RuntimeException byMonitor) {
        AtomicReference<GuestKernel> attached = new AtomicReference<>();
        GuestFault last = new GuestFault(Reason.FORMAT, "No kernel was found in RAM file " + ramFile, byMonitor);
        try {
            VmcoreInfo.scan(ramFile, layout, info -> {
                try {
                    attached.set(GuestKernel.attach(ram, info));
                } catch (GuestFault e) {
                    last.addSuppressed(e);
                }
                return attached.get() != null;
            });
        } catch (IOException e) {
            last.addSuppressed(e);
        }
        if (attached.get() == null) {
            throw last;
        }
        return attached.get();
    }
}
