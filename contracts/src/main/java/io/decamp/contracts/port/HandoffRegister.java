package io.decamp.contracts.port;

import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.HandoffRecord;
import java.time.Duration;
import java.util.function.Predicate;

/**
 * The one authority on who owns a workload. Everybody acts only on what it has read back; being unable to read means
 * waiting, never assuming.
 */
public interface HandoffRegister {
    /** The fold of what was read so far. */
    HandoffState current(WorkloadId workload);

    /**
     * Appends and waits until the record was read back (or is known to be after everything read).
     *
     * @return the fold including the record, which may be void in it: look at the state, not at the absence of an error
     * @throws io.decamp.contracts.error.DecampException {@code register-unreachable}: the record may or may not be there
     */
    HandoffState append(WorkloadId workload, HandoffRecord record, Duration limit);

    /** Waits for a state. @throws io.decamp.contracts.error.DecampException {@code register-timeout} */
    HandoffState await(WorkloadId workload, Predicate<HandoffState> wanted, Duration limit);

    /** Called in order, on one thread, with every record that changed a workload's state. */
    void onChange(Listener listener);

    /** Sees every effective record. */
    interface Listener {
        void changed(WorkloadId workload, HandoffState before, HandoffState after, HandoffRecord by);
    }
}
