package io.decamp.introspector.engine.vm.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A guest at a moment at which the page tables of a frozen process say what is true: for the last scan, behind which no
 * other comes. The process itself changes nothing any more, but the guest's kernel may: it moves pages (compaction),
 * makes huge pages of small ones (khugepaged, whole tables are empty for milliseconds), merges equal ones (KSM).
 *
 * <p>So the VM is paused for the walk, and the walk counts only if nothing was under change at that moment: nobody
 * holds the {@code mmap_lock} of the process for writing, nobody holds the lock of a page table that was walked, and
 * no page was in transit. Else the VM runs on for a moment, and it is tried again. One thread at a time.
 */
final class SteadyGuest implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(5);
    private static final long RUN_NANOS = 500_000;

    private static final String LOCK = "ptl.rlock.raw_lock.val";

    private final Supplier<VmAccess.Paused> pause;
    private final GuestKernel kernel;
    private final Optional<String> tableType;
    private VmAccess.Paused paused;
    private boolean busy;
    private long deadline;

    /** @param pause see {@link VmAccess#pause} */
    SteadyGuest(GuestKernel kernel, Supplier<VmAccess.Paused> pause) {
        this.pause = pause;
        this.kernel = kernel;
        // since Linux 6.6 the lock is in a struct ptdesc over the struct page
        this.tableType = Stream.of("ptdesc", "page")
                .filter(type -> kernel.types().hasType(type) && kernel.types().has(type, LOCK))
                .findFirst();
        this.paused = pause.get();
    }

    /** Call before a walk. */
    void begin(GuestSpace space) {
        busy = space.isUnderChange();
    }

    /** Tells of a table that is walked. */
    void table(long physical) {
        if (!busy && tableType.isPresent()) {
            busy = kernel.page(physical).as(tableType.get()).number(LOCK) != 0;
        }
    }

    /**
     * Call after a walk.
     *
     * @return true when what it found is so; else the VM has run for a moment: walk again
     */
    boolean isRight(boolean metTransit) {
        if (!busy && !metTransit) {
            deadline = 0;
            return true;
        }
        long now = System.nanoTime();
        deadline = deadline == 0 ? now + LIMIT.toNanos() : deadline;
        if (now > deadline) {
            throw DecampException.retry(
                    "vm-memory-busy",
                    "The guest's kernel has been changing the memory of a frozen process for "
                            + LIMIT.toMillis() + " ms",
                    "Try again when the guest is less short of memory, or of processor time",
                    null);
        }
        letRun();
        return false;
    }

    /** For a moment: what was found until now may be so no more. */
    void letRun() {
        VmAccess.Paused before = paused;
        // closed once only, also when it can't be paused again
        paused = () -> {};
        before.close();
        LockSupport.parkNanos(RUN_NANOS);
        paused = pause.get();
    }

    @Override
    public void close() {
        paused.close();
    }
}
