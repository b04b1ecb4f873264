package io.decamp.restorer.engine.lazy;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.socket.UnixListener;
import io.decamp.linux.socket.UnixSocket;
import io.decamp.linux.uffd.UserFaultFd;
import io.decamp.restorer.engine.image.ServedProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jboss.logging.Logger;

/**
 * The page server of one copy: an {@link EventLoop} thread answers faults, {@link Filler} threads bring in the rest, and
 * all that a successor needs is in the {@link LazyDirectory} and the keepers of the {@link UffdVault}.
 *
 * <p>States: {@link LazyPages.State}. Its public methods are called by one thread at a time.
 */
final class LazyPageServer implements AutoCloseable {
    /** Whom it tells; from its own threads. */
    interface Owner {
        void complete(LazyPageServer server, LazyPages.Report report);

        void lost(LazyPageServer server, DecampException reason);
    }

    /**
     * Two reach what the memory bus gives on the machines measured. One processor is left for the workload, which is
     * finding its working set fault by fault meanwhile.
     */
    private static final int FILLERS = Math.clamp(Runtime.getRuntime().availableProcessors() - 1, 1, 2);

    /** CRIU's marker is in the socket before CRIU ends; this is for our own thread to come to it. */
    private static final long FINISH_LIMIT_MILLIS = 5_000;

    /** A batch takes milliseconds. */
    private static final Duration JOIN_LIMIT = Duration.ofSeconds(10);

    /** Lowest address that the kernel takes for a range (vm.mmap_min_addr), and the end of user addresses. */
    private static final long LOWEST_ADDRESS = 1 << 16;

    private static final long HIGHEST_ADDRESS = (1L << 47) - 4096;
    private static final Logger LOG = Logger.getLogger(LazyPageServer.class);

    private final LazyDirectory directory;
    private final WorkloadId workload;
    private final Owner owner;
    private final UffdVault vault;
    private final FillPlan plan;
    private final EventLoop loop;
    private final Map<Integer, ServedSpace> expected = new HashMap<>();
    private final List<ReplicaFile> replicas = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private volatile LazyPages.State state = LazyPages.State.WAITING;
    private volatile boolean nothingMissing;
    private Announcements announcements;
    private UnixListener listener;
    private int lastIndex;
    private long fillBeganNanos;
    private long faultsOfTheGone;

    private LazyPageServer(LazyDirectory directory, Owner owner) {
        this.directory = directory;
        this.workload = directory.saved().workload();
        this.owner = owner;
        this.vault = new UffdVault(keepers -> directory.save(directory.saved().withKeepers(keepers)));
        this.plan = new FillPlan(this::signalNothingMissing);
        this.loop = new EventLoop(plan, this::forked, this::gone, this::endIfComplete);
    }

    /** Listens for CRIU. Leaves nothing behind when it fails. */
    static LazyPageServer start(LazyDirectory directory, List<ServedProcess> processes, Owner owner) {
        LazyPageServer server = new LazyPageServer(directory, owner);
        try {
            server.prepare(processes);
            return server;
        } catch (RuntimeException e) {
            server.destroy();
            throw e;
        }
    }

    /** Goes on where a predecessor died; what can't be served any more is told to the owner before this returns. */
    static LazyPageServer takeOver(LazyDirectory directory, Owner owner) {
        directory.save(directory.saved().withTakeOver());
        LazyPageServer server = new LazyPageServer(directory, owner);
        try {
            Succession succession = new Succession(directory, server.vault);
            succession.run();
            server.lastIndex = succession.lastIndex();
            server.replicas.addAll(succession.replicas());
            succession.spaces().forEach(server::serve);
            server.state(LazyPages.State.SERVING, "taken over");
            server.thread("events", server.loop);
            server.index();
            succession.spaces().forEach(space -> space.wakeAll(LOWEST_ADDRESS, HIGHEST_ADDRESS));
            if (succession.loss() != null) {
                server.lost(succession.loss());
            } else if (directory.saved().filling()) {
                server.beginFill();
            }
        } catch (DecampException e) {
            server.lost(e);
        }
        return server;
    }

    private void prepare(List<ServedProcess> processes) {
        for (ServedProcess process : processes) {
            ServedMap map = ServedMap.of(process.runs());
            ReplicaFile replica = null;
            if (!map.isEmpty()) {
                directory.linkReplica(process.containerPid(), process.replicaFile());
                replica = ReplicaFile.open(directory.replica(process.containerPid()), map);
                replicas.add(replica);
            }
            int index = ++lastIndex;
            SpaceJournal journal =
                    SpaceJournal.create(directory.journal(index), index, process.containerPid(), map);
            expected.put(process.containerPid(), new ServedSpace(journal, map, replica));
        }
        vault.warm();
        listener = UnixListener.bind(directory.socket(), UnixSocket.Type.STREAM);
        announcements = new Announcements(listener, this::announced);
        index();
        thread("criu", announcements);
        thread("events", loop);
    }

    private void index() {
        List<ReplicaFile> all = List.copyOf(replicas);
        thread("index", () -> all.forEach(ReplicaFile::index));
    }

    private void announced(int containerPid, FileDescriptor descriptor) {
        ServedSpace space = expected.get(containerPid);
        if (space == null || space.isAttached()) {
            throw Announcements.notAttached("CRIU has announced PID " + containerPid + ", which is not expected", null);
        }
        synchronized (vault) {
            vault.put(new UffdVault.Tag(space.index(), 0, 0, 0), descriptor);
        }
        space.attach(new UserFaultFd(FileDescriptor.own(descriptor.disown(), "userfaultfd of PID " + containerPid)));
        serve(space);
        loop.wake();
    }

    private void serve(ServedSpace space) {
        plan.add(space);
    }

    private void forked(ServedSpace parent, UserFaultFd child, int message) {
        ServedMap map = parent.mapOfChild();
        if (map.isEmpty()) {
            // all of the child's memory was in the parent's page table: the kernel can do without us
            child.close();
        } else {
            int index = ++lastIndex;
            synchronized (vault) {
                vault.put(
                        new UffdVault.Tag(
                                index, parent.index(), parent.journal().generation(), message),
                        child.descriptor());
            }
            ServedSpace space = new ServedSpace(
                    SpaceJournal.create(directory.journal(index), index, parent.containerPid(), map),
                    map,
                    parent.replica());
            space.attach(child);
            serve(space);
        }
        parent.journal().handled(message);
    }

    private void gone(ServedSpace space) {
        plan.remove(space);
        faultsOfTheGone += space.faults();
        space.close();
        space.journal().delete();
    }

    WorkloadId workload() {
        return workload;
    }

    LazyDirectory directory() {
        return directory;
    }

    LazyPages.State state() {
        return state;
    }

    long remainingBytes() {
        return plan.remainingBytes();
    }

    void requireAttached() {
        if (announcements != null) {
            announcements.awaitFinished(FINISH_LIMIT_MILLIS);
            for (ServedSpace space : expected.values()) {
                if (!space.isAttached() && space.remainingBytes() > 0) {
                    throw Announcements.notAttached(
                            "CRIU has not handed over PID " + space.containerPid() + ", which has lazy pages", null);
                }
            }
        }
        if (state == LazyPages.State.WAITING) {
            state(LazyPages.State.SERVING, "every process was handed over");
        }
    }

    void beginFill() {
        if (state != LazyPages.State.SERVING) {
            return;
        }
        directory.save(directory.saved().withFilling());
        state(LazyPages.State.FILLING, plan.remainingBytes() + " bytes to fill in");
        fillBeganNanos = System.nanoTime();
        plan.begin();
        for (int i = 1; i <= FILLERS; i++) {
            thread("fill-" + i, new Filler(plan, this::lost));
        }
    }

    private void signalNothingMissing() {
        nothingMissing = true;
        loop.wake();
    }

    /** On the event thread: only it knows that nothing is queued. */
    private boolean endIfComplete() {
        if (!nothingMissing || state != LazyPages.State.FILLING) {
            return false;
        }
        nothingMissing = false;
        for (ServedSpace space : plan.spaces()) {
            while (space.handleQueued(this::forked)) {
                // a fork among them may bring a space that is not complete
            }
        }
        if (plan.remainingBytes() > 0 || plan.spaces().stream().anyMatch(ServedSpace::hasWaiting)) {
            return false;
        }
        plan.stop();
        LazyPages.Report report = new LazyPages.Report(
                plan.settledBytes(),
                (System.nanoTime() - fillBeganNanos) / 1_000_000,
                faultsOfTheGone + plan.spaces().stream().mapToLong(ServedSpace::faults).sum(),
                directory.saved().takeOvers());
        release();
        state(LazyPages.State.NONE, "all memory is in place: " + report);
        owner.complete(this, report);
        return true;
    }

    private void lost(DecampException reason) {
        // a thread that is late finds everything closed once all is in place
        if (state != LazyPages.State.LOST && state != LazyPages.State.NONE) {
            state(LazyPages.State.LOST, reason.getMessage());
            plan.stop();
            owner.lost(this, reason);
        }
    }

    private void state(LazyPages.State now, String reason) {
        LOG.infof("%s: page server %s -> %s: %s", workload, state, now, reason);
        state = now;
    }

    private void thread(String name, Runnable work) {
        Thread thread = Thread.ofPlatform().daemon().name("lazy-" + name + "-" + workload.fileName()).unstarted(() -> {
            try {
                work.run();
            } catch (DecampException e) {
                lost(e);
            } catch (RuntimeException e) {
                lost(DecampException.fatal(
                        "lazy-server-failed",
                        "The page server's thread " + name + " has failed: faults may stay unanswered",
                        "Restart the restorer service: it takes over",
                        e));
            }
        });
        synchronized (threads) {
            threads.add(thread);
        }
        thread.start();
    }

    /** The copy is dead: ends everything and removes what there is of it. */
    void destroy() {
        stopThreads();
        release();
        state(LazyPages.State.NONE, "destroyed");
    }

    /** Gives back what keeps the copy's memory alive: from here on, what is missing is zero. */
    private void release() {
        closeSpaces();
        vault.end();
        closeRest();
        directory.delete();
    }

    /** Leaves the copy to a successor. */
    @Override
    public void close() {
        stopThreads();
        closeSpaces();
        vault.close();
        closeRest();
        directory.close();
    }

    private void stopThreads() {
        plan.stop();
        loop.stop();
        if (announcements != null) {
            announcements.close();
        }
        synchronized (threads) {
            threads.forEach(LazyPageServer::join);
            threads.clear();
        }
    }

    private static void join(Thread thread) {
        try {
            if (thread != Thread.currentThread() && !thread.join(JOIN_LIMIT)) {
                throw new IllegalStateException(thread.getName() + " did not end within " + JOIN_LIMIT);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void closeSpaces() {
        plan.spaces().forEach(ServedSpace::close);
        expected.values().forEach(ServedSpace::close);
    }

    private void closeRest() {
        replicas.forEach(ReplicaFile::close);
        replicas.clear();
        if (listener != null) {
            listener.close();
            listener = null;
        }
        loop.close();
    }
}
