package io.decamp.cli;

import io.decamp.contracts.v1.EvictionMeasured;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;

/** How far predictions of one workload's eviction time were off. Thread safe. */
final class PredictionErrors {
    /** Older ones say nothing of today's model. */
    private static final int LAST = 1000;

    private final Deque<Double> errors = new ArrayDeque<>();

    synchronized void add(EvictionMeasured eviction) {
        long real = eviction.getReal().getTotalMicros();
        long predicted = eviction.getPredicted().getTotalMicros();
        if (real <= 0 || predicted <= 0) {
            // a workload that was never protected had no prediction
            return;
        }
        if (errors.size() == LAST) {
            errors.removeFirst();
        }
        errors.addLast(Math.abs(predicted - real) / (double) real);
    }

    synchronized int count() {
        return errors.size();
    }

    /** Of |predicted - real| / real; 0 when there were none. */
    synchronized double median() {
        double[] sorted = errors.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        int n = sorted.length;
        if (n == 0) {
            return 0;
        }
        return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    }

    /** Such as {@code 8 % (of 12)}. */
    @Override
    public synchronized String toString() {
        return errors.isEmpty() ? "-" : String.format(Locale.ROOT, "%.0f %% (of %d)", 100 * median(), count());
    }
}
