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

    /**
     * Whether its mappings or whole page tables are being changed: somebody holds {@code mmap_lock} for writing, or
     * {@code page_table_lock}.
     */
    boolean isUnderChange();

    /** Numbers that no other incarnation has. */
    long[] identity();
}
