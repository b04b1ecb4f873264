package io.decamp.introspector.engine.vm.memory;

/** Knows when each page of a VM's memory was last found written. */
interface Writes {
    /** @return a number; every write after this call is stamped with a greater one */
    int refresh();

    /** The number of the refresh that last found the page of the memory file written. */
    int stamp(long page);
}
