package io.decamp.introspector.engine.vm.guest;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * Reads what a guest that runs may be changing. A read that met the middle of a change is made anew, for some time: the
 * guest's kernel needs microseconds for a change, but the guest's processor may be without one of its host's in the
 * middle of it, for as long as that is crowded. What is wrong for longer is damaged.
 */
public final class RunningGuest {
    /** A host's scheduler lets nobody wait that long, nor does a limit of a cgroup (100 ms by default). */
    static final Duration LIMIT = Duration.ofSeconds(1);

    private static final long PAUSE_NANOS = 500_000;

    private RunningGuest() {}

    /**
     * @param read without effects that must not come twice
     * @throws GuestFault the last one
     */
    public static <T> T read(Supplier<T> read) {
        long end = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            try {
                return read.get();
            } catch (GuestFault e) {
                if (!e.mayPass() || System.nanoTime() - end >= 0) {
                    throw e;
                }
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }
}
