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
final class VacatedSlots {
    private final Map<Slot, Long> left = new HashMap<>();
    private long count;

    /** What is in these is asked to leave. */
    synchronized void leave(Collection<Slot> slots) {
        count++;
        slots.forEach(slot -> left.put(slot, count));
    }

    /** Those that nobody has left first, in their order; the one that was left last comes last. */
    synchronized Deque<Slot> longestEmptyFirst(Collection<Slot> free) {
        return new ArrayDeque<>(free.stream()
                .sorted(Comparator.comparingLong(slot -> left.getOrDefault(slot, 0L)))
                .toList());
    }
}
