package io.decamp.coordinator.engine.plan;

import java.util.ArrayList;
import java.util.List;

/** Moves in an order, on one timeline and into the same rooms. Grows at its end. */
final class Sequence {
    private final Timeline timeline;
    private final Rooms rooms;
    private final List<Leg> legs;
    private final double value;
    private final double weightedFinish;

    private Sequence(Timeline timeline, Rooms rooms, List<Leg> legs, double value, double weightedFinish) {
        this.timeline = timeline;
        this.rooms = rooms;
        this.legs = legs;
        this.value = value;
        this.weightedFinish = weightedFinish;
    }

    static Sequence empty(Timeline timeline, Rooms rooms) {
        return new Sequence(timeline, rooms, List.of(), 0, 0);
    }

    /** All in this order; null when one finds no room or ends after the deadline. */
    static Sequence of(List<Candidate> order, Timeline timeline, Rooms rooms, long deadlineMicros) {
        Timeline time = timeline.copy();
        Rooms left = rooms.copy();
        List<Leg> legs = new ArrayList<>(order.size());
        double value = 0;
        double weightedFinish = 0;
        for (Candidate c : order) {
            String destination = left.take(c);
            if (destination == null) {
                return null;
            }
            long finish = time.append(c.linkMicrosTo(destination), c.fixedMicros());
            if (finish > deadlineMicros) {
                return null;
            }
            legs.add(new Leg(c, destination, finish));
            value += c.weight();
            weightedFinish += c.weight() * finish;
        }
        return new Sequence(time, left, legs, value, weightedFinish);
    }

    /** One more at the end; null when there is no room for it, or it would end after the deadline. */
    Sequence then(Candidate c, long deadlineMicros) {
        Rooms left = rooms.copy();
        String destination = left.take(c);
        if (destination == null) {
            return null;
        }
        long link = c.linkMicrosTo(destination);
        if (timeline.finishOf(link, c.fixedMicros()) > deadlineMicros) {
            return null;
        }
        Timeline time = timeline.copy();
        long finish = time.append(link, c.fixedMicros());
        List<Leg> longer = new ArrayList<>(legs.size() + 1);
        longer.addAll(legs);
        longer.add(new Leg(c, destination, finish));
        return new Sequence(time, left, longer, value + c.weight(), weightedFinish + c.weight() * finish);
    }

    /** Saves more; or as much, and on the whole sooner: a deadline is a guess, and the failure may come before it. */
    boolean betterThan(Sequence other) {
        return value > other.value || (value == other.value && weightedFinish < other.weightedFinish);
    }

    Timeline timeline() {
        return timeline;
    }

    Rooms rooms() {
        return rooms;
    }

    List<Leg> legs() {
        return legs;
    }

    double value() {
        return value;
    }
}
