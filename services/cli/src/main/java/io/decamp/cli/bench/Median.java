package io.decamp.cli.bench;

import java.util.stream.DoubleStream;

/** The middle one, or between the two middle ones. */
public final class Median {
    private Median() {}

    public static double of(DoubleStream values) {
        double[] sorted = values.sorted().toArray();
        int n = sorted.length;
        return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    }
}
