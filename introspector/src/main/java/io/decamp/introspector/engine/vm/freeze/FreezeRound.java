package io.decamp.introspector.engine.vm.freeze;

/** What may be done to threads during one pause of the VM. Closing lets the VM run. */
interface FreezeRound extends AutoCloseable {
    /** It will sit in the freezer's trap when it next comes by. */
    void trap(ThreadState thread);

    /** The trap is taken off; one that sits in it needs {@link #wake}. */
    void release(ThreadState thread);

    /** It will die, of SIGKILL, before it runs user code again; one that sleeps needs {@link #wake}. */
    void doom(ThreadState thread);

    /** Wakes it when {@link #send} is through. Where there is no room for so many, it is left to the next round. */
    void wake(ThreadState thread);

    /** Wake-ups that the guest never came to are taken back. */
    void withdraw();

    /**
     * Has the guest wake those for which {@link #wake} was called.
     *
     * @return false when there was no room for all of them
     */
    boolean send();

    @Override
    void close();
}
