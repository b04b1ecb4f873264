package io.decamp.introspector.engine.vm.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.memory.SpaceGoneException;
import io.decamp.introspector.engine.memory.SpaceKernel;
import io.decamp.introspector.engine.memory.SpaceKernels;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestTasks;
import io.decamp.introspector.engine.vm.guest.GuestVmas;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.RunningGuest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The processes of a workload inside a VM. Nothing is injected into them, and none is stopped: the VM's memory is
 * tracked as a whole, once for all workloads in it. One object a workload, one thread at a time.
 */
public final class VmSpaceKernels implements SpaceKernels {
    /** 4 KiB of books each: at most as much as the guest's memory, and 4 GiB. */
    private static final int BLOCKS_LIMIT = 1 << 20;

    private static final int BLOCKS_MIN = 1024;

    private final VmAccess vm;
    private final Path directory;
    private final Map<Integer, KernelObject> listed = new HashMap<>();
    private Guest guest;
    private SteadyGuest steady;

    /** What is looked into: one boot of the guest. */
    private record Guest(
            GuestKernel kernel,
            GuestTasks tasks,
            GuestVmas vmas,
            PageKinds kinds,
            RamTracking tracking,
            int[] number) {}

    /** @param directory of the workload */
    public VmSpaceKernels(VmAccess vm, Path directory) {
        this.vm = vm;
        this.directory = directory;
    }

    @Override
    public List<Listed> list() {
        return named(() -> {
            Guest now = guest();
            now.number[0] = now.tracking.refresh();
            KernelObject init = vm.init();
            int level = now.tasks.level(init);
            List<Listed> found = new ArrayList<>();
            listed.clear();
            for (KernelObject leader : now.tasks.inNamespaceOf(init)) {
                if (hasMemory(now, leader)) {
                    int pid = (int) leader.number("pid");
                    listed.put(pid, leader);
                    found.add(new Listed(
                            pid,
                            (int) leader.follow("real_parent").number("tgid"),
                            now.tasks.pidIn(leader, level),
                            leader.number("start_boottime")));
                }
            }
            found.sort(Comparator.comparingLong(Listed::startTicks).thenComparingInt(Listed::containerPid));
            return found;
        });
    }

    private Guest guest() {
        GuestKernel kernel = vm.guest();
        if (guest == null) {
            guest = new Guest(
                    kernel,
                    new GuestTasks(kernel),
                    new GuestVmas(kernel),
                    PageKinds.of(kernel),
                    vm.tracking(),
                    new int[1]);
        } else if (guest.kernel != kernel) {
            throw DecampException.abort(
                    "vm-rebooted",
                    "The guest has booted anew, or its VM was started again: what was followed there has ended",
                    "Start the workload again and protect it anew",
                    null);
        }
        return guest;
    }

    private static boolean hasMemory(Guest guest, KernelObject leader) {
        if (leader.number("mm") != 0) {
            return true;
        }
        if (guest.tasks.threads(leader).size() > 1) {
            throw DecampException.retry(
                    "leader-exited",
                    "The first thread of process " + leader.number("pid") + " has exited while others run",
                    "If it does not end soon CRIU can't move it either: have its main thread wait for the others",
                    null);
        }
        return false;
    }

    @Override
    public Opened inject(Listed process, long spaceId) {
        return named(() -> {
            TaskSpace space = space(process);
            PageFrames frames = PageFrames.open(file(spaceId), limit(), identity(space));
            return new Opened(kernel(space, frames), 0);
        });
    }

    /** Frozen or not, a guest's process can be looked at without its help. */
    @Override
    public SpaceKernel observe(Listed process) {
        return named(() -> {
            TaskSpace space = space(process);
            Path file = directory.resolve("observed-" + process.pid());
            PageFrames frames = PageFrames.open(file, limit(), identity(space));
            try {
                Files.delete(file);
            } catch (IOException e) {
                throw WriteStamps.unusable(file, e);
            }
            return kernel(space, frames);
        });
    }

    @Override
    public Optional<SpaceKernel> resume(Listed process, long spaceId) {
        return named(() -> {
            TaskSpace space = space(process);
            Path file = file(spaceId);
            return PageFrames.isKept(file, identity(space))
                    ? Optional.of(kernel(space, PageFrames.open(file, limit(), identity(space))))
                    : Optional.empty();
        });
    }

    private TaskSpace space(Listed process) {
        KernelObject task = listed.get(process.pid());
        if (task == null || task.number("mm") == 0) {
            throw new SpaceGoneException(process.pid(), null);
        }
        return new TaskSpace(guest.vmas, task);
    }

    private SpaceKernel kernel(TaskSpace space, PageFrames frames) {
        Guest now = guest;
        return new VmSpaceKernel(
                space,
                now.kernel.ram(),
                now.kernel.pageTables(),
                now.kinds,
                frames,
                now.tracking,
                () -> now.number[0],
                () -> steady);
    }

    /** Stamps of another tracking would mean nothing, frames of another memory neither. */
    private long[] identity(TaskSpace space) {
        long[] own = space.identity();
        long[] identity = new long[own.length + 1];
        identity[0] = guest.tracking.id();
        System.arraycopy(own, 0, identity, 1, own.length);
        return identity;
    }

    private int limit() {
        return (int) Math.clamp(guest.tracking.pages(), BLOCKS_MIN, BLOCKS_LIMIT);
    }

    private Path file(long spaceId) {
        return directory.resolve("space-" + spaceId).resolve("frames");
    }

    @Override
    public boolean sameMemory(int pid, int otherPid) {
        KernelObject one = listed.get(pid);
        KernelObject other = listed.get(otherPid);
        return named(() -> one != null && other != null && one.number("mm") == other.number("mm"));
    }

    @Override
    public Exactly exactly() {
        steady = named(() -> new SteadyGuest(vm.guest(), vm::pause));
        return () -> {
            SteadyGuest over = steady;
            steady = null;
            over.close();
        };
    }

    /** The VM's own keeper holds what must be held from the start. */
    @Override
    public void keep() {}

    @Override
    public void forget() {
        vm.untrack();
    }

    @Override
    public void close() {
        listed.clear();
        guest = null;
    }

    private <T> T named(Supplier<T> action) {
        try {
            // the lists that are read here are whole at every moment: one that is broken in a paused guest stays so
            return steady == null ? RunningGuest.read(action) : action.get();
        } catch (GuestFault e) {
            throw e.asDecamp();
        } catch (IllegalStateException e) {
            throw detached(e);
        }
    }

    /** Somebody else has found out meanwhile that the VM is not the one that was attached to. */
    static DecampException detached(IllegalStateException cause) {
        return DecampException.retry(
                "vm-detached", "The VM was detached from while it was read", "Ask again: that tells why", cause);
    }
}
