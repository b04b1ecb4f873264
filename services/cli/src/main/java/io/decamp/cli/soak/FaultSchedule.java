package io.decamp.cli.soak;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Which fault comes when: the whole matrix, shuffled by a seed, then shuffled again. Not thread safe. */
public final class FaultSchedule {
    /** Longer than a restart of a service takes to be noticed, shorter than the limits that end a migration. */
    private static final int OUTAGE_MILLIS_MIN = 500;

    /** Now and then longer than the source waits for TAKE. */
    private static final int OUTAGE_MILLIS_MAX = 12_000;

    /**
     * One thing that goes wrong: at a moment within {@code phase}, for as long as {@code outage}.
     *
     * @param which of a node's services, where each is a process of its own, modulo their number and one for all
     */
    public record Step(Fault fault, Phase phase, Duration delay, Duration outage, int which) {
        @Override
        public String toString() {
            return fault + " while " + phase + " +" + delay.toMillis() + " ms, for " + outage.toMillis() + " ms";
        }
    }

    /** A multiple of the five choices that four services give. */
    private static final int WHICH = 500;

    private final Random random;
    private final List<Step> due = new ArrayList<>();

    public FaultSchedule(long seed) {
        random = new Random(seed);
    }

    public Step next() {
        if (due.isEmpty()) {
            for (Fault fault : Fault.values()) {
                fault.phases().forEach(phase -> due.add(step(fault, phase)));
            }
            Collections.shuffle(due, random);
        }
        return due.removeLast();
    }

    /** A step of this kind with a moment and an outage of its own. */
    public Step step(Fault fault, Phase phase) {
        // most moments are the very first of the phase, where what was just noted is not done yet
        int delayMillis = random.nextInt(3) == 0 ? random.nextInt(20) : 0;
        int outageMillis = random.nextInt(4) == 0
                ? OUTAGE_MILLIS_MIN + random.nextInt(OUTAGE_MILLIS_MAX - OUTAGE_MILLIS_MIN)
                : OUTAGE_MILLIS_MIN + random.nextInt(2_000);
        return new Step(fault, phase, Duration.ofMillis(delayMillis), Duration.ofMillis(outageMillis), random.nextInt(WHICH));
    }

    /** How many steps the whole matrix has. */
    public static int size() {
        int size = 0;
        for (Fault fault : Fault.values()) {
            size += fault.phases().size();
        }
        return size;
    }
}
