package io.decamp.introspector.engine.memory;

import java.util.List;
import java.util.Optional;

/**
 * Finds the processes of one workload and gets hold of their memory. The seam above which nothing is native, and nothing
 * knows whether the workload runs on this host's kernel or in a guest.
 */
public interface SpaceKernels extends AutoCloseable {
    /**
     * A process as it was listed.
     *
     * @param containerPid its PID in the innermost namespace
     * @param startTicks clock ticks between boot and its start: with the PID, its identity
     */
    record Listed(int pid, int parentPid, int containerPid, long startTicks) {}

    /** What an injection gave. @param stoppedMicros how long one thread of the process was stopped for it */
    record Opened(SpaceKernel kernel, long stoppedMicros) {}

    /**
     * All processes that have memory and are in the workload's PID namespace, oldest first. A scan begins with it: what is
     * written after this call is found by the next scan at the latest.
     */
    List<Listed> list();

    /**
     * What is to be done now looks at memory that nobody may write to any more, and must be exact. Ends with what is given
     * back.
     */
    default Exactly exactly() {
        return () -> {};
    }

    /** See {@link #exactly}. */
    @FunctionalInterface
    interface Exactly extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Injects tracking.
     *
     * @param spaceId of the space that it is for
     * @throws SpaceGoneException the process has ended
     * @throws io.decamp.contracts.error.DecampException {@code process-not-trackable}
     */
    Opened inject(Listed process, long spaceId);

    /** Looks without tracking, for a process that was found frozen: it reports all that is populated. */
    SpaceKernel observe(Listed process);

    /** Goes on with what an earlier service kept; empty when tracking was lost, or the memory is another one now. */
    Optional<SpaceKernel> resume(Listed process, long spaceId);

    /** Whether two processes run on one memory (vfork, posix_spawn between fork and exec). */
    boolean sameMemory(int pid, int otherPid);

    /** Has the tracking of all spaces that are open now outlive this service. */
    void keep();

    /** Ends what {@link #keep} keeps. */
    void forget();

    @Override
    void close();
}
