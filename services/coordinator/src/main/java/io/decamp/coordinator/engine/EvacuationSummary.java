package io.decamp.coordinator.engine;

import io.decamp.contracts.v1.Evacuation;
import io.decamp.contracts.v1.EvacuationItem;
import io.decamp.contracts.v1.EvacuationItem.State;
import io.decamp.coordinator.engine.plan.Leg;
import io.decamp.coordinator.engine.plan.Plan;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/** An evacuation as people and other coordinators read it. */
final class EvacuationSummary {
    private EvacuationSummary() {}

    /** Those that have left or are leaving as they were; then those that are planned, in planned order. */
    static List<EvacuationItem> inOrder(Collection<EvacuationItem.Builder> items, Plan plan) {
        Map<String, EvacuationItem.Builder> planned = new HashMap<>();
        List<EvacuationItem> ordered = new ArrayList<>();
        for (EvacuationItem.Builder item : items) {
            if (item.getState() == State.PLANNED) {
                planned.put(item.getWorkload(), item);
            } else {
                ordered.add(item.build());
            }
        }
        Stream.of(plan.inTime(), plan.late()).flatMap(List::stream).forEach(leg -> {
            EvacuationItem.Builder item = planned.remove(leg.candidate().workload());
            if (item != null) {
                ordered.add(described(item, leg));
            }
        });
        planned.values().forEach(item -> ordered.add(item.build()));
        return ordered;
    }

    private static EvacuationItem described(EvacuationItem.Builder item, Leg leg) {
        return item.setDestination(leg.destination())
                .setPriority(leg.candidate().priority())
                .setPredictedMicros(leg.candidate().aloneMicros())
                .build();
    }

    /** @param leftMicros until the last one that can make it has, as planned */
    static String text(Evacuation e, long leftMicros) {
        long moved = count(e, State.MOVED);
        int all = e.getItemsCount();
        if (all == 0) {
            return "nothing of " + e.getNode() + " is protected: there is nothing to move";
        }
        if (!e.getDone()) {
            return String.format(
                    Locale.ROOT,
                    "%d of %d have left %s, %d on the way, about %.1f s to go",
                    moved, all, e.getNode(), count(e, State.MOVING), leftMicros / 1e6);
        }
        return moved == all
                ? "all " + all + " have left " + e.getNode()
                : moved + " of " + all + " have left " + e.getNode() + "; "
                        + (count(e, State.LEFT) + count(e, State.FAILED)) + " stay";
    }

    private static long count(Evacuation e, State state) {
        return e.getItemsList().stream().filter(i -> i.getState() == state).count();
    }
}
