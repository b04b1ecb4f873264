package io.decamp.coordinator.engine.plan;

import java.util.Arrays;

/**
 * The model of a node that several workloads leave at once: one link, which serves them one after the other, and a few
 * slots, one for each move from its start to its end. While one is frozen and restored, the link ships another. That no
 * more moves run than there are slots is what keeps their freezes from sharing processors.
 */
public final class Timeline {
    private final long[] slotFreeAt;
    private long linkFreeAt;

    private Timeline(long[] slotFreeAt, long linkFreeAt) {
        this.slotFreeAt = slotFreeAt;
        this.linkFreeAt = linkFreeAt;
    }

    /** Nothing moves yet. */
    public static Timeline idle(int slots) {
        return running(slots, new long[0]);
    }

    /**
     * Some move already.
     *
     * @param remainingMicros of each; what exceeds the slots waits for the first to end
     */
    public static Timeline running(int slots, long[] remainingMicros) {
        if (slots < 1) {
            throw new IllegalArgumentException("A node without slots empties never: " + slots);
        }
        Timeline timeline = new Timeline(new long[slots], 0);
        for (long remaining : remainingMicros) {
            timeline.occupy(Math.max(0, remaining));
        }
        return timeline;
    }

    Timeline copy() {
        return new Timeline(slotFreeAt.clone(), linkFreeAt);
    }

    /** When a move would end that starts as soon as it can. */
    long finishOf(long linkMicros, long fixedMicros) {
        return Math.max(slotFreeAt[0], linkFreeAt) + linkMicros + fixedMicros;
    }

    /** Starts a move as soon as it can. @return when it ends */
    long append(long linkMicros, long fixedMicros) {
        long finish = finishOf(linkMicros, fixedMicros);
        linkFreeAt = finish - fixedMicros;
        occupyUntil(finish);
        return finish;
    }

    /** How much of the link is left before a time. */
    double linkLeft(long before) {
        return Math.max(0, before - linkFreeAt);
    }

    /** How much of all slots is left before a time. */
    double slotsLeft(long before) {
        double left = 0;
        for (long free : slotFreeAt) {
            left += Math.max(0, before - free);
        }
        return left;
    }

    private void occupy(long micros) {
        occupyUntil(slotFreeAt[0] + micros);
    }

    /** Takes the slot that is free first. Sorted, so that it is the first one. */
    private void occupyUntil(long finish) {
        slotFreeAt[0] = finish;
        Arrays.sort(slotFreeAt);
    }
}
