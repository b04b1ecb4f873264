package io.decamp.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Numbers byte arrays in the order in which they are first met. */
final class KeySet {
    private final List<byte[]> keys = new ArrayList<>();
    private int[] table = new int[1 << 16];

    /** @return the number of the key, or its complement when the key is new and got that number */
    int add(byte[] key) {
        if (keys.size() * 2 > table.length) {
            grow();
        }
        int slot = slot(key, table);
        if (table[slot] != 0) {
            return table[slot] - 1;
        }
        keys.add(key);
        table[slot] = keys.size();
        return -keys.size();
    }

    byte[] get(int number) {
        return keys.get(number);
    }

    int size() {
        return keys.size();
    }

    private int slot(byte[] key, int[] in) {
        int hash = Arrays.hashCode(key) * 0x9E3779B9;
        int slot = (hash ^ hash >>> 15) & in.length - 1;
        while (in[slot] != 0 && !Arrays.equals(keys.get(in[slot] - 1), key)) {
            slot = slot + 1 & in.length - 1;
        }
        return slot;
    }

    private void grow() {
        int[] bigger = new int[table.length * 2];
        for (int i = 0; i < keys.size(); i++) {
            bigger[slot(keys.get(i), bigger)] = i + 1;
        }
        table = bigger;
    }
}
