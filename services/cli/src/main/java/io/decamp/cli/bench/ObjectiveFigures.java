package io.decamp.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.EvictionTimes;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * What the requests of one run have shown.
 *
 * @param evictWithinMillis the objective
 */
record ObjectiveFigures(double evictWithinMillis, List<Sample> samples) {

    /**
     * One request.
     *
     * @param atSeconds since the run began
     * @param measured null where it failed
     * @param failure empty where it did not
     */
    record Sample(double atSeconds, EvictionMeasured measured, String failure) {
        double realMillis() {
            return measured == null ? Double.POSITIVE_INFINITY : measured.getReal().getTotalMicros() / 1e3;
        }

        double predictedMillis() {
            return measured == null ? Double.NaN : measured.getPredicted().getTotalMicros() / 1e3;
        }

        /** |predicted - real| / real of some of the times. */
        private double error(ToLongFunction<EvictionTimes> time) {
            double real = time.applyAsLong(measured.getReal());
            return Math.abs(time.applyAsLong(measured.getPredicted()) - real) / real;
        }

        void addTo(ObjectNode o) {
            o.put("atSeconds", Math.round(atSeconds * 10) / 10.0);
            if (measured == null) {
                o.put("failure", failure);
                return;
            }
            add(o.putObject("predictedMillis"), measured.getPredicted());
            add(o.putObject("realMillis"), measured.getReal());
            o.put("rounds", measured.getRounds()).put("convergedBy", measured.getConvergedBy());
        }

        private static void add(ObjectNode o, EvictionTimes times) {
            o.put("rounds", times.getRoundsMicros() / 1e3)
                    .put("freeze", times.getFreezeMicros() / 1e3)
                    .put("finalDelta", times.getFinalDeltaMicros() / 1e3)
                    .put("handOff", times.getHandOffMicros() / 1e3)
                    .put("total", times.getTotalMicros() / 1e3)
                    .put("downtime", times.getDowntimeMicros() / 1e3);
        }
    }

    /** Share of the requests that were answered within the objective; one that failed was not. */
    double shareInside() {
        return (double) samples.stream().filter(s -> s.realMillis() <= evictWithinMillis).count() / samples.size();
    }

    double medianError() {
        return median(EvictionTimes::getTotalMicros);
    }

    /** Without the hand-off, which a dry run takes from the model on both sides. */
    double medianErrorOfWhatWasDone() {
        return median(t -> t.getTotalMicros() - t.getHandOffMicros());
    }

    private double median(ToLongFunction<EvictionTimes> time) {
        List<Sample> measured = samples.stream().filter(s -> s.measured() != null).toList();
        return measured.isEmpty() ? Double.NaN : Median.of(measured.stream().mapToDouble(s -> s.error(time)));
    }

    /** Real time that so many of a hundred did not exceed. */
    double realMillis(int percent) {
        double[] sorted = samples.stream().mapToDouble(Sample::realMillis).sorted().toArray();
        return sorted[Math.max(0, (int) Math.ceil(percent / 100.0 * sorted.length) - 1)];
    }
}
