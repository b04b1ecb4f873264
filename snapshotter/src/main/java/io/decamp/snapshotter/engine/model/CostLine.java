package io.decamp.snapshotter.engine.model;

/**
 * A cost that grows with size: {@code micros = a + b GiB}, learned by regression over measurements that fade. Starts
 * from a prior line, from which few measurements, or measurements of one size only, do not lead far astray. Not
 * thread safe.
 */
final class CostLine {
    private static final double BYTES_PER_UNIT = 1 << 30;
    /** The past counts that much less with each measurement. */
    private static final double KEEP = 0.85;
    /** The prior counts as that many measurements for the fixed part, and for the slope at 1 GiB. */
    private static final double PRIOR_FIXED = 0.15;

    private static final double PRIOR_SLOPE = 1;
    /** A measurement further off than that is cut: a machine that hung once is no rule. */
    private static final double CUT_FACTOR = 4;

    private final double priorFixed;
    private final double priorSlope;
    private double n;
    private double sumX;
    private double sumXx;
    private double sumY;
    private double sumXy;

    CostLine(double priorFixedMicros, double priorMicrosPerGib) {
        priorFixed = priorFixedMicros;
        priorSlope = priorMicrosPerGib;
    }

    double micros(long bytes) {
        double x = bytes / BYTES_PER_UNIT;
        double xx = sumXx + PRIOR_SLOPE;
        double nn = n + PRIOR_FIXED;
        double det = nn * xx - sumX * sumX;
        double fixed = (xx * sumY - sumX * sumXy) / det;
        double slope = (nn * sumXy - sumX * sumY) / det;
        return Math.max(0, Math.max(0, priorFixed + fixed) + Math.max(0, priorSlope + slope) * x);
    }

    void learn(long bytes, double micros) {
        double x = bytes / BYTES_PER_UNIT;
        double now = Math.max(1000, micros(bytes));
        double y = Math.clamp(micros, 0, now * CUT_FACTOR) - priorFixed - priorSlope * x;
        n = n * KEEP + 1;
        sumX = sumX * KEEP + x;
        sumXx = sumXx * KEEP + x * x;
        sumY = sumY * KEEP + y;
        sumXy = sumXy * KEEP + x * y;
    }

    String write() {
        return n + " " + sumX + " " + sumXx + " " + sumY + " " + sumXy;
    }

    /** @throws NumberFormatException when it is not what {@link #write} gave */
    void read(String text) {
        String[] parts = text.trim().split(" ");
        if (parts.length != 5) {
            throw new NumberFormatException(parts.length + " numbers, not 5");
        }
        double[] v = new double[parts.length];
        for (int i = 0; i < v.length; i++) {
            v[i] = Double.parseDouble(parts[i]);
            if (!Double.isFinite(v[i])) {
                throw new NumberFormatException(parts[i]);
            }
        }
        n = Math.clamp(v[0], 0, 1 / (1 - KEEP));
        sumX = v[1];
        sumXx = Math.max(0, v[2]);
        sumY = v[3];
        sumXy = v[4];
    }
}
