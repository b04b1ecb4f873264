package io.decamp.testkit.load;

import java.util.Arrays;

/** Every latency of a window, nanoseconds: percentiles are exact. For one thread. */
final class Latencies {
    private static final int FIRST_CAPACITY = 1 << 20;

    private long[] nanos = new long[FIRST_CAPACITY];
    private int count;

    void add(long latency) {
        if (count == nanos.length) {
            nanos = Arrays.copyOf(nanos, 2 * count);
        }
        nanos[count++] = latency;
    }

    void clear() {
        count = 0;
    }

    int count() {
        return count;
    }

    /** Smallest latency that so many of a hundred do not exceed, each asked for; microseconds. Sorts what is there. */
    double[] percentilesMicros(double... percents) {
        Arrays.sort(nanos, 0, count);
        double[] found = new double[percents.length];
        for (int i = 0; i < percents.length; i++) {
            int rank = (int) Math.ceil(percents[i] / 100 * count);
            found[i] = count == 0 ? Double.NaN : nanos[Math.max(0, rank - 1)] / 1e3;
        }
        return found;
    }
}
