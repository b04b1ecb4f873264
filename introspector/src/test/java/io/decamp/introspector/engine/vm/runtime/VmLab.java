package io.decamp.introspector.engine.vm.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.introspector.engine.memory.TestReplica;
import io.decamp.introspector.engine.memory.WorkloadMemorySource;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestVmas;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.QemuMemory;
import io.decamp.linux.qemu.Qmp;
import io.decamp.testkit.Await;
import io.decamp.testkit.Scratch;
import io.decamp.testkit.Trees;
import io.decamp.testkit.Victims;
import io.decamp.testkit.vm.GuestSpec;
import io.decamp.testkit.vm.GuestVm;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A node with one VM, the engines that look into it, and the replica that grows from what they report. */
final class VmLab implements AutoCloseable {
    private static final int PAGE = 4096;
    private static final Duration LIMIT = Duration.ofSeconds(30);

    final GuestVm guest;
    final NodeSettings settings;
    Vms vms;
    VmRuntime runtime;
    WorkloadMemorySource memory;
    TestReplica replica = new TestReplica();
    long epoch;
    private final Path directory;
    private final Set<WorkloadId> known = new HashSet<>();

    VmLab(GuestSpec spec) {
        directory = Scratch.onTmpfs("vm-lab");
        settings = new NodeSettings(
                new NodeId("lab"),
                directory.resolve("state"),
                directory.resolve("memory"),
                "/" + directory.getFileName(),
                List.of("criu"),
                List.of("runc"));
        guest = GuestVm.boot(spec);
        guest.register(settings.stateDirectory());
        startService();
    }

    /** A service as it starts over what an earlier one left. */
    void startService() {
        vms = new Vms(settings);
        runtime = new VmRuntime(settings, vms);
        memory = new WorkloadMemorySource(settings.memoryDirectory(), Map.of("vm", runtime.memory()));
    }

    /** What a kill -9 does to a service: nothing is said; the kernel closes its descriptors. */
    void killService() {
        vms.close();
        startService();
    }

    WorkloadId id(int pid) {
        WorkloadId id = new WorkloadId("vm:" + guest.name() + "/pid:" + pid + "@lab");
        known.add(id);
        return id;
    }

    /** Runs a victim as init of a PID namespace. @return its PID in the guest */
    WorkloadId start(String victim, String arguments) {
        if (guest.shell("test -x /" + victim).status() != 0) {
            guest.send(Victims.compiled(victim), "/" + victim);
        }
        guest.shell("cd /; unshare -p -f setsid /" + victim + " " + arguments + " </dev/null >/dev/null 2>&1 &")
                .check();
        int[] pid = new int[1];
        Await.until("victim " + victim, LIMIT, () -> {
            String found = guest.shell("cat /proc/[0-9]*/status 2>/dev/null | awk '/^Name:/ { n = $2 } "
                            + "/^NSpid:/ && NF == 3 "
                            + "&& $3 == 1 && n == \"" + victim + "\" { print $2 }'")
                    .output()
                    .strip();
            if (!found.matches("\\d+")) {
                return false;
            }
            pid[0] = Integer.parseInt(found);
            return true;
        });
        return id(pid[0]);
    }

    MemorySource.Scan round(WorkloadId id, MemorySource.Tasks tasks) {
        return replica.epoch(memory, id, ++epoch, tasks);
    }

    /** Freezes, takes the final delta, compares every page, and lets it run on. */
    MemorySource.Scan verify(WorkloadId id) {
        Path parts = settings.memoryDirectory().resolve("parts");
        runtime.freeze(id, "m" + epoch, parts, () -> round(id, MemorySource.Tasks.STOPPED));
        try {
            MemorySource.Scan last = round(id, MemorySource.Tasks.HELD);
            List<String> wrong = mismatches(id, last);
            assertEquals(List.of(), wrong.subList(0, Math.min(wrong.size(), 10)), wrong.size() + " pages are wrong");
            assertTrue(replica.bytePages() > 0, "nothing was ever shipped");
            return last;
        } finally {
            runtime.thaw(id);
            Trees.delete(parts);
        }
    }

    /** Compares with what another reader finds: page by page, by one walk for each. */
    private List<String> mismatches(WorkloadId id, MemorySource.Scan last) {
        List<String> wrong = new ArrayList<>();
        try (Qmp qmp = Qmp.connect(guest.qmp());
                GuestKernel kernel = QemuMemory.attach(qmp, guest.ram(), null)) {
            var located = new VmWorkloads(vms, settings.node()).locate(id, VmWorkloads.Ask.NOTHING);
            Map<Integer, AddressSpace> byPid = new HashMap<>();
            last.spaces().forEach(each -> byPid.put(each.containerPid(), each));
            int level = located.vm().tasks().level(located.init());
            for (KernelObject leader : located.processes()) {
                if (leader.number("mm") == 0) {
                    continue;
                }
                AddressSpace space = byPid.remove(located.vm().tasks().pidIn(leader, level));
                if (space == null) {
                    wrong.add("no address space for process " + leader.number("pid"));
                    continue;
                }
                compare(kernel, kernel.object("task_struct", leader.address()), replica.contents(space.id()), wrong);
            }
            byPid.values().forEach(each -> wrong.add("no process for " + each));
        }
        return wrong;
    }

    private static void compare(GuestKernel kernel, KernelObject task, Map<Long, byte[]> replica, List<String> wrong) {
        KernelObject mm = task.follow("mm");
        Map<Long, byte[]> left = new HashMap<>(replica);
        for (KernelObject vma : new GuestVmas(kernel).of(mm)) {
            long flags = vma.number("vm_flags");
            boolean shared = (flags & 0x80) != 0;
            boolean special = (flags & 0x400) != 0 || vma.number("vm_start") == mm.number("context.vdso");
            for (long at = vma.number("vm_start"); at < vma.number("vm_end"); at += PAGE) {
                byte[] expected = left.remove(at);
                if (shared || special) {
                    if (expected != null) {
                        wrong.add("page " + Long.toHexString(at) + " is not its own");
                    }
                    continue;
                }
                byte[] actual = own(kernel, mm, at, vma.number("vm_file") != 0);
                if (!Arrays.equals(expected == null ? new byte[PAGE] : expected, actual)) {
                    wrong.add("process " + task.number("pid") + " page 0x" + Long.toHexString(at)
                            + (expected == null ? " is a hole in the replica" : " differs"));
                }
            }
        }
        left.forEach((at, content) -> {
            if (!Arrays.equals(content, new byte[PAGE])) {
                wrong.add("process " + task.number("pid") + " has no page 0x" + Long.toHexString(at) + " any more");
            }
        });
    }

    /** Zeros where nothing of its own is. */
    private static byte[] own(GuestKernel kernel, KernelObject mm, long at, boolean file) {
        try {
            byte[] content = io.decamp.introspector.engine.vm.guest.AddressSpace.of(mm).bytes(at, PAGE);
            return file && !isAnonymous(kernel, mm, at) ? new byte[PAGE] : content;
        } catch (GuestFault none) {
            return new byte[PAGE];
        }
    }

    private static boolean isAnonymous(GuestKernel kernel, KernelObject mm, long at) {
        long frame = kernel.pageTables().translate(kernel.physical(mm.number("pgd")), at) & -PAGE;
        KernelObject page = kernel.page(frame);
        long head = page.number("compound_head");
        KernelObject folio = (head & 1) == 0 ? page : kernel.object("page", head - 1);
        return (folio.number("mapping") & 1) != 0;
    }

    @Override
    public void close() {
        try {
            // a keeper outlives the service on purpose
            known.forEach(memory::untrack);
            memory.close();
            vms.close();
        } finally {
            guest.close();
            Trees.delete(directory);
        }
    }
}
