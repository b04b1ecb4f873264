package io.decamp.introspector.engine.vm.freeze;

/** What guest memory says of a workload's threads; nothing else is remembered. */
public enum FreezeState {
    /** No living thread has the freezer's trap set: all may run. Also the state of a workload without processes. */
    NONE,
    /** Some threads have the trap set, not all of them sit in it: a freeze that goes on, or one that was cut short. */
    FREEZING,
    /** No thread can run an instruction of user code: every living one sits in the trap, or is stopped before it. */
    FROZEN
}
