package io.decamp.snapshotter.engine.model;

import java.util.ArrayDeque;
import java.util.Locale;
import java.util.stream.Collectors;

/** How far off predictions of evictions were: |predicted - real| / real of the last ones. Not thread safe. */
final class PredictionLog {
    /** Older ones say little of a model that has learned since. */
    private static final int LIMIT = 64;

    private final ArrayDeque<Double> errors = new ArrayDeque<>();

    void add(double predictedMicros, double realMicros) {
        if (realMicros <= 0) {
            return;
        }
        if (errors.size() == LIMIT) {
            errors.removeFirst();
        }
        errors.addLast(Math.abs(predictedMicros - realMicros) / realMicros);
    }

    int count() {
        return errors.size();
    }

    /** 0 when there were none. */
    double median() {
        return quantile(0.5);
    }

    double quantile(double share) {
        if (errors.isEmpty()) {
            return 0;
        }
        double[] sorted = errors.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        double at = share * (sorted.length - 1);
        int low = (int) at;
        int high = Math.min(sorted.length - 1, low + 1);
        return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
    }

    String write() {
        return errors.stream().map(e -> String.format(Locale.ROOT, "%.4f", e)).collect(Collectors.joining(" "));
    }

    /** @throws NumberFormatException when it is not what {@link #write} gave */
    void read(String text) {
        errors.clear();
        for (String part : text.isBlank() ? new String[0] : text.trim().split(" ")) {
            double error = Double.parseDouble(part);
            if (!(error >= 0)) {
                throw new NumberFormatException(part);
            }
            errors.addLast(error);
        }
        while (errors.size() > LIMIT) {
            errors.removeFirst();
        }
    }
}
