package io.decamp.introspector.engine.vm.freeze;

import java.util.List;

/** Reads what threads of one workload do; the guest may run meanwhile. */
interface ThreadReader {
    /** All threads of all its processes, listed anew; empty when none is left. */
    List<ThreadState> list();

    /** The same thread a moment later. One that is gone is dead. */
    ThreadState look(ThreadState before);
}
