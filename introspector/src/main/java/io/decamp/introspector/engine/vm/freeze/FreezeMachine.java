package io.decamp.introspector.engine.vm.freeze;

import java.time.Duration;

/** A VM that can be paused to work on its threads. */
interface FreezeMachine {
    /** Pauses the VM. */
    FreezeRound begin();

    /**
     * Waits until the guest has made all calls and nothing of them is left in its memory. Never throws.
     *
     * @return false after the limit
     */
    boolean settle(Duration limit);

    /** Pauses so far. */
    int pauses();

    /** How long they took together. */
    Duration paused();
}
