package io.decamp.introspector.engine.vm.freeze;

/** A VM whose processors stand still, because of us. Closing lets them run, whatever happened before. */
interface PausedVm extends AutoCloseable {
    /** Sends the processor the interrupt at which it makes the calls in its queue; taken when it runs again. */
    void interrupt(int apicId);

    /**
     * True when we found it paused by an earlier life of this service, which may have ended in the middle of a write.
     */
    boolean isInherited();

    /** The VM runs. Idempotent. */
    @Override
    void close();
}
