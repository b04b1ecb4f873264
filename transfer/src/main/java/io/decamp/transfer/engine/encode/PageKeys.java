package io.decamp.transfer.engine.encode;

/** How (address space, number) pairs are spread over tables. */
final class PageKeys {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private PageKeys() {}

    /** Mixes all bits of both; the same in every run of the program. */
    static int hash(long space, long number) {
        long h = (number ^ space * GOLDEN) * 0xC2B2AE3D27D4EB4FL;
        h ^= h >>> 29;
        h *= 0x165667B19E3779F9L;
        return (int) (h >>> 32);
    }
}
