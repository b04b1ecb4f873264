package io.decamp.introspector.engine.vm.guest;

/** Takes the entries which {@link PageTables#walk} finds, in order of addresses. */
@FunctionalInterface
public interface LeafSink {
    /**
     * @param virtual first virtual address which the entry stands for
     * @param entry the raw entry: not zero, but perhaps not present (swap, migration, PROT_NONE)
     * @param bytes how much it maps: 4 KiB, 2 MiB or 1 GiB
     */
    void leaf(long virtual, long entry, long bytes);

    /**
     * Told before the entries of a table are: for who must know whether the guest's kernel is changing it.
     *
     * @param physical address of the table
     */
    default void table(long physical) {}
}
