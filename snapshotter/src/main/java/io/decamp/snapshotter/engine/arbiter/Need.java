package io.decamp.snapshotter.engine.arbiter;

/**
 * How badly a workload needs the link.
 *
 * @param level the greater one goes first
 * @param danger among those of one level the greater one goes first: predicted eviction time in units of the objective
 */
public record Need(Level level, double danger) {
    /** In rising order. */
    public enum Level {
        /** An epoch as any other. */
        ROUTINE,
        /** Its predicted eviction time is close to its objective or beyond it. */
        ENDANGERED,
        /** On its way, and running. */
        EVICTING,
        /** Stopped: every millisecond is downtime. */
        FROZEN
    }

    /**
     * From this share of the objective on, an epoch is more urgent than one of a workload that is well inside its own.
     */
    private static final double CLOSE = 0.8;

    public static final Need ROUTINE = new Need(Level.ROUTINE, 0);
    public static final Need EVICTING = new Need(Level.EVICTING, 0);
    public static final Need FROZEN = new Need(Level.FROZEN, 0);

    /** Of an epoch. @param evictWithinMicros 0: no objective */
    public static Need ofEpoch(long predictedMicros, long evictWithinMicros) {
        if (evictWithinMicros <= 0) {
            return ROUTINE;
        }
        double danger = (double) predictedMicros / evictWithinMicros;
        return danger < CLOSE ? ROUTINE : new Need(Level.ENDANGERED, danger);
    }
}
