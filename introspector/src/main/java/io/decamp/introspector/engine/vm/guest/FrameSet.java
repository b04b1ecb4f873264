package io.decamp.introspector.engine.vm.guest;

import java.util.Arrays;

/** Addresses of frames that were seen. Grows with what it holds; one thread. */
final class FrameSet {
    private static final long EMPTY = -1;

    private long[] slots = new long[64];
    private int size;

    FrameSet() {
        Arrays.fill(slots, EMPTY);
    }

    /** @return false when it was in already */
    boolean add(long frame) {
        if (size * 2 >= slots.length) {
            grow();
        }
        int slot = slot(frame);
        if (slots[slot] == frame) {
            return false;
        }
        slots[slot] = frame;
        size++;
        return true;
    }

    private int slot(long frame) {
        // Fibonacci hashing: frames of one process lie in rows
        int slot = (int) ((frame >>> 12) * 0x9e37_79b9_7f4a_7c15L >>> 40) & slots.length - 1;
        while (slots[slot] != EMPTY && slots[slot] != frame) {
            slot = slot + 1 & slots.length - 1;
        }
        return slot;
    }

    private void grow() {
        long[] old = slots;
        slots = new long[old.length * 2];
        Arrays.fill(slots, EMPTY);
        for (long frame : old) {
            if (frame != EMPTY) {
                slots[slot(frame)] = frame;
            }
        }
    }
}
