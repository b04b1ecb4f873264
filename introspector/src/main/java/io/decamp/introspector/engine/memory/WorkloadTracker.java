package io.decamp.introspector.engine.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.MemorySource.Tasks;
import io.decamp.introspector.engine.memory.SpaceKernels.Listed;
import io.decamp.introspector.engine.memory.SpaceKernels.Opened;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jboss.logging.Logger;

/**
 * Follows the processes of one workload: those that appear get tracking and an address space of their own, an exec
 * makes a new address space, those that end are dropped. One thread at a time.
 */
final class WorkloadTracker implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(WorkloadTracker.class);

    /** A process that executes a program in each of so many tries is left to the next scan. */
    private static final int EXECS_PER_SCAN = 16;

    /** Of processes of one workload: each holds five descriptors and some kilobytes of books. */
    private static final int PROCESSES_LIMIT = 4096;

    private final String workload;
    private final SpaceKernels kernels;
    private final SpaceStore store;
    /** By PID on this host, in order of adoption. */
    private final Map<Integer, Tracked> tracked = new LinkedHashMap<>();

    /** Spaces that an earlier scan has reported. */
    private final Set<SpaceTracker> settled = new HashSet<>();

    private boolean everything;
    private long stoppedMicrosMax;

    /** @param observed found while frozen: without tracking until it is thawed */
    private record Tracked(Listed process, SpaceTracker space, boolean observed) {}

    private WorkloadTracker(String workload, Path directory, SpaceKernels kernels) {
        this.workload = workload;
        this.kernels = kernels;
        this.store = SpaceStore.open(directory, kernels);
    }

    /** Starts, or goes on with what a service that died left in {@code directory}, as far as that is still right. */
    static WorkloadTracker start(String workload, Path directory, SpaceKernels kernels, long generation) {
        WorkloadTracker tracker = new WorkloadTracker(workload, directory, kernels);
        try {
            tracker.resume();
            tracker.generation(generation);
            tracker.adoptAll();
            kernels.keep();
            return tracker;
        } catch (RuntimeException e) {
            tracker.giveUp();
            throw e;
        }
    }

    MemorySource.Tracking tracking() {
        return new MemorySource.Tracking(spaces(), stoppedMicrosMax);
    }

    /** A greater one than before starts the replica anew. */
    void generation(long generation) {
        if (generation > store.generation()) {
            tracked.values().forEach(each -> each.space.restart());
            everything = true;
            store.generation(generation);
        }
    }

    MemorySource.Scan scan(long epoch, Tasks tasks, OpenRuns open) {
        long began = System.nanoTime();
        PageRuns written = new PageRuns();
        settled.clear();
        tracked.values().stream().filter(each -> each.space.scanned()).forEach(each -> settled.add(each.space));
        try (SpaceKernels.Exactly _ = tasks == Tasks.HELD ? kernels.exactly() : () -> {}) {
            Set<Integer> seen = new HashSet<>();
            for (boolean news = true; news; ) {
                news = false;
                for (Listed process : list()) {
                    if (seen.add(process.pid())) {
                        // what is stopped does not fork: one listing has them all
                        news = tasks == Tasks.RUNNING;
                        scan(process, epoch, tasks, open, written);
                    }
                }
            }
        } catch (RuntimeException | Error e) {
            // the caller never sees what the spaces before this one have reported
            broken();
            throw e;
        }
        if (tasks == Tasks.RUNNING) {
            kernels.keep();
        }
        boolean all = everything;
        everything = false;
        long pages = tracked.values().stream()
                .mapToLong(each -> each.space.knownPages())
                .sum();
        long micros = (System.nanoTime() - began) / 1000;
        return new MemorySource.Scan(spaces(), written, pages * PageRuns.PAGE_BYTES, micros, all);
    }

    private void scan(Listed process, long epoch, Tasks tasks, OpenRuns open, PageRuns written) {
        for (int tries = 0; tries < EXECS_PER_SCAN; tries++) {
            Tracked one = adopt(process, tasks != Tasks.RUNNING);
            if (one == null) {
                return;
            }
            PageRuns runs = new PageRuns();
            try {
                one.space.scan(epoch, one.observed ? Tasks.HELD : tasks, open, sharing(one), runs);
            } catch (SpaceGoneException e) {
                drop(process.pid());
                continue;
            }
            for (int i = 0; i < runs.size(); i++) {
                written.addFrom(runs, i);
            }
            return;
        }
    }

    /** For the first scan of a child: the nearest ancestor of which earlier epochs have brought something. */
    private ForkSharing sharing(Tracked child) {
        if (child.space.scanned()) {
            return null;
        }
        Tracked ancestor = child;
        do {
            ancestor = tracked.get(ancestor.process.parentPid());
        } while (ancestor != null && !settled.contains(ancestor.space));
        return ancestor == null ? null : new ForkSharing(ancestor.space);
    }

    /** @return null for a space that has ended */
    SpaceKernel kernel(long spaceId) {
        for (Tracked each : tracked.values()) {
            if (each.space.space().id() == spaceId) {
                return each.space.kernel();
            }
        }
        return null;
    }

    /** A space that has ended owes nothing any more. */
    void defer(long epoch, PageRuns runs) {
        Map<Long, SpaceTracker> bySpace = new HashMap<>();
        tracked.values().forEach(each -> bySpace.put(each.space.space().id(), each.space));
        for (int i = 0; i < runs.size(); i++) {
            SpaceTracker space = bySpace.get(runs.space(i));
            if (space != null) {
                space.defer(epoch, PageBitmap.page(runs.address(i)), PageBitmap.page(runs.address(i) + runs.bytes(i)));
            }
        }
    }

    void sealed(long epoch) {
        tracked.values().forEach(each -> each.space.sealed(epoch));
    }

    void broken() {
        tracked.values().forEach(each -> each.space.broken());
    }

    /** A start failed: what an earlier service left stays for the next try, else nothing does. */
    private void giveUp() {
        if (store.isResumed()) {
            close();
        } else {
            untrack();
        }
    }

    /** Ends the tracking that a service which died has left behind. */
    static void untrack(Path directory, SpaceKernels kernels) {
        kernels.forget();
        kernels.close();
        SpaceStore.open(directory, kernels).delete();
    }

    /** Ends tracking; the workload runs on. */
    void untrack() {
        tracked.values().forEach(each -> each.space.drop());
        tracked.clear();
        kernels.forget();
        store.delete();
        kernels.close();
    }

    /** Closes what this service holds; another one may go on. */
    @Override
    public void close() {
        tracked.values().forEach(each -> each.space.close());
        tracked.clear();
        kernels.close();
    }

    private void resume() {
        List<Listed> listing = kernels.list();
        SpaceStore.Resumed resumed = store.resume(listing);
        everything |= resumed.lost();
        resumed.spaces().forEach((process, space) -> tracked.put(process.pid(), new Tracked(process, space, false)));
    }

    private void adoptAll() {
        Set<Integer> seen = new HashSet<>();
        for (boolean news = true; news; ) {
            news = false;
            for (Listed process : list()) {
                if (seen.add(process.pid())) {
                    news = true;
                    adopt(process, false);
                }
            }
        }
    }

    /** The processes there are now; what is tracked and not among them has ended. */
    private List<Listed> list() {
        List<Listed> listing = kernels.list();
        if (listing.size() > PROCESSES_LIMIT) {
            throw DecampException.refused(
                    "too-many-processes",
                    "Workload " + workload + " has " + listing.size() + " processes, at most " + PROCESSES_LIMIT,
                    "Protect a workload with fewer processes");
        }
        Set<Listed> alive = Set.copyOf(listing);
        for (Tracked each : List.copyOf(tracked.values())) {
            if (!alive.contains(each.process)) {
                drop(each.process.pid());
            }
        }
        return listing;
    }

    /** @return null when it has ended, or runs on the memory of another one that is tracked (vfork) */
    private Tracked adopt(Listed process, boolean frozen) {
        Tracked known = tracked.get(process.pid());
        if (known != null && (frozen || !known.observed)) {
            return known;
        }
        if (known != null) {
            drop(process.pid());
        }
        for (Integer other : tracked.keySet()) {
            if (kernels.sameMemory(process.pid(), other)) {
                return null;
            }
        }
        long id = store.takeId();
        AddressSpace space = new AddressSpace(id, process.containerPid());
        Opened opened;
        try {
            opened = frozen ? new Opened(kernels.observe(process), 0) : kernels.inject(process, id);
        } catch (SpaceGoneException e) {
            return null;
        }
        SpaceTracker tracker = store.fresh(space, opened.kernel());
        try {
            tracker.registerAll();
        } catch (SpaceGoneException e) {
            tracker.drop();
            return null;
        } catch (RuntimeException e) {
            tracker.drop();
            throw e;
        }
        stoppedMicrosMax = Math.max(stoppedMicrosMax, opened.stoppedMicros());
        Tracked adopted = new Tracked(process, tracker, frozen);
        tracked.put(process.pid(), adopted);
        save();
        LOG.infof(
                "Workload %s: address space %d is process %d (%d inside), stopped %d us to %s",
                workload,
                id,
                process.pid(),
                process.containerPid(),
                opened.stoppedMicros(),
                frozen ? "observe" : "track");
        return adopted;
    }

    private void drop(int pid) {
        Tracked gone = tracked.remove(pid);
        LOG.infof(
                "Workload %s: address space %d of process %d has ended",
                workload, gone.space.space().id(), pid);
        gone.space.drop();
        save();
    }

    private void save() {
        store.save(tracked.values().stream()
                .filter(each -> !each.observed)
                .map(each -> new TrackingRecord.Entry(
                        each.space.space().id(),
                        each.process.pid(),
                        each.process.startTicks(),
                        each.process.containerPid()))
                .toList());
    }

    private List<AddressSpace> spaces() {
        return tracked.values().stream().map(each -> each.space.space()).toList();
    }
}
