package io.decamp.introspector.engine.vm.guest;

/**
 * Where a path inside a type leads: resolved once, then only arithmetic.
 *
 * @param bitOffset from the start of the type
 * @param typeId of the member, without modifiers and typedefs
 * @param bitSize 8, 16, 32 or 64 for a number, less for a bitfield; 0 when it is not a number
 * @param signed of the number
 * @param bytes size of the whole member
 */
record Member(long bitOffset, int typeId, int bitSize, boolean signed, long bytes) {
    long offset() {
        return bitOffset >>> 3;
    }

    boolean bitfield() {
        return (bitOffset & 7) != 0 || bitSize != 0 && bitSize != bytes * 8;
    }
}
