package io.decamp.introspector.engine.vm.guest;

/**
 * Numbers by the hash of their names, in one array: a hundred thousand names of a guest, of which some tens are ever
 * asked for. Open addressing; names that are there many times cost probes, and a guest that makes all names alike is
 * refused.
 */
final class NameSlots {
    /** Debian's kernels need half a million: some hundred static symbols share a name. */
    private static final long MAX_PROBES = 20_000_000;

    private final int[] slots;
    private long probes;

    NameSlots(int names) {
        slots = new int[Integer.highestOneBit(Math.max(1, names)) * 4];
    }

    static int hash(byte[] bytes, int from, int length) {
        int hash = start();
        for (int i = 0; i < length; i++) {
            hash = step(hash, bytes[from + i]);
        }
        return hash;
    }

    /** FNV-1a. */
    static int start() {
        return 0x811c9dc5;
    }

    static int step(int hash, byte b) {
        return (hash ^ b) * 0x01000193;
    }

    /** @param number above 0 */
    void add(int hash, int number) {
        int slot = first(hash);
        while (slots[slot] != 0) {
            slot = next(slot);
            if (++probes > MAX_PROBES) {
                throw GuestFault.bound("Names in the kernel's tables are too often the same");
            }
        }
        slots[slot] = number;
    }

    int first(int hash) {
        return (hash ^ hash >>> 15) & slots.length - 1;
    }

    int next(int slot) {
        return slot + 1 & slots.length - 1;
    }

    /** @return 0 when no further number may have the hash */
    int at(int slot) {
        return slots[slot];
    }
}
