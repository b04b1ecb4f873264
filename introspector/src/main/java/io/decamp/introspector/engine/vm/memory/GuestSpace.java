package io.decamp.introspector.engine.vm.memory;

/** One incarnation of a process's memory in a guest. */
interface GuestSpace {
    /** As the guest's initial PID namespace counts. */
    int pid();

    /** Physical address of its top page table. */
    long pageTable();

    /** What of it may be its own. A guest that runs may be caught in the middle of a change: the next look is right. */
    PrivateMappings mappings();

    /** False after an exec or exit: nothing that was read since the last true belongs to it for sure. */
    boolean isAlive();

    /** See {@link io.decamp.introspector.engine.vm.guest.GuestVmas#isUnderChange}. */
    boolean isUnderChange();

    /** Numbers that no other incarnation has. */
    long[] identity();
}
