package io.decamp.restorer.engine.vm;

import io.decamp.restorer.engine.vm.Slots.Slot;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * Keeps devices out of PCI slots that others have just left. A guest that is short of processors is told more than once
 * to eject what is in a slot (QEMU's ACPI table notifies it of all requests that are open whenever one comes), and
 * obeys later, too: QEMU then takes out whatever has been plugged in there meanwhile. Thread safe.
 */
final class RecentSlots {
    private final Map<Slot, Long> used = new HashMap<>();
    private long count;

    /** Something comes to these, or is asked to leave them. */
    synchronized void use(Collection<Slot> slots) {
        count++;
        slots.forEach(slot -> used.put(slot, count));
    }

    /** Those that nobody has used first, in their order; the one that was used last comes last. */
    synchronized Deque<Slot> longestUnusedFirst(Collection<Slot> free) {
        return new ArrayDeque<>(free.stream()
                .sorted(Comparator.comparingLong(slot -> used.getOrDefault(slot, 0L)))
                .toList());
    }
}
