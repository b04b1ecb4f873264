package io.decamp.cli.bench;

import io.decamp.coordinator.engine.plan.Candidate;
import io.decamp.coordinator.engine.plan.Leg;
import io.decamp.coordinator.engine.plan.Plan;
import io.decamp.coordinator.engine.plan.Planner;
import io.decamp.coordinator.engine.plan.Rooms;
import io.decamp.coordinator.engine.plan.Timeline;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.SplittableRandom;

/**
 * One host that is emptied before a deadline, in virtual time: in the order of the product's planner, which plans anew
 * as moves end, and in the order in which the workloads came. Moves take what they take, not what was predicted.
 */
final class SimulatedEvacuation {
    static final int MOVES_AT_ONCE = 2;
    /** By how much real times differ from predicted ones: one standard deviation of their logarithm. */
    static final double PREDICTION_SPREAD = 0.15;
    /** Grid of the knapsacks: times are rounded down to it, so that the bound stays one. */
    private static final int GRID_STEPS = 20_000;
    /** Moves between two plans: a plan is cheap, but a hundred of them for each of a hundred hosts are not. */
    private static final int REPLAN_EVERY = 5;

    /** What left in time, in weights, and the most that any order could have saved. */
    record Figures(
            double planned,
            double firstCome,
            double shortestFirst,
            double bound,
            double all,
            long planNanos,
            int plans) {}

    private final List<Candidate> candidates;
    private final Map<String, double[]> real = new HashMap<>();
    private final Rooms rooms;
    private final long deadlineMicros;
    private long planNanos;
    private int plans;

    /** @param share of the time that all would take one after the other on the link, or in the slots, that there is */
    SimulatedEvacuation(List<Candidate> candidates, Rooms rooms, double share, SplittableRandom random) {
        this.candidates = candidates;
        this.rooms = rooms;
        double link = 0;
        double alone = 0;
        for (Candidate c : candidates) {
            double off = Math.exp(PREDICTION_SPREAD * gaussian(random));
            real.put(c.workload(), new double[] {c.linkMicros() * off, c.fixedMicros() * off});
            link += c.linkMicros();
            alone += c.aloneMicros();
        }
        deadlineMicros = Math.round(share * Math.max(link, alone / MOVES_AT_ONCE));
    }

    private static double gaussian(SplittableRandom random) {
        return Math.sqrt(-2 * Math.log(1 - random.nextDouble())) * Math.cos(2 * Math.PI * random.nextDouble());
    }

    Figures run() {
        double planned = execute(this::planned);
        double firstCome = execute(left -> left);
        double shortest = execute(left ->
                left.stream().sorted(Comparator.comparingLong(Candidate::aloneMicros)).toList());
        double all = candidates.stream().mapToDouble(Candidate::weight).sum();
        return new Figures(planned, firstCome, shortest, bound(), all, planNanos, plans);
    }

    /** Says in which order those that are left should go. */
    private interface Order {
        List<Candidate> of(List<Candidate> left);
    }

    private long nowMicros;
    private long[] slots;

    private double execute(Order order) {
        slots = new long[MOVES_AT_ONCE];
        long linkFree = 0;
        double saved = 0;
        List<Candidate> left = new ArrayList<>(candidates);
        List<Candidate> next = List.of();
        int sincePlan = REPLAN_EVERY;
        while (!left.isEmpty()) {
            Arrays.sort(slots);
            nowMicros = slots[0];
            if (nowMicros >= deadlineMicros) {
                break;
            }
            if (sincePlan++ >= REPLAN_EVERY || next.isEmpty()) {
                next = new ArrayList<>(order.of(left));
                sincePlan = 1;
            }
            Candidate c = next.removeFirst();
            left.remove(c);
            double[] times = real.get(c.workload());
            linkFree = Math.max(nowMicros, linkFree) + (long) times[0];
            slots[0] = linkFree + (long) times[1];
            saved += slots[0] <= deadlineMicros ? c.weight() : 0;
        }
        return saved;
    }

    private List<Candidate> planned(List<Candidate> left) {
        long[] running = Arrays.stream(slots).map(free -> free - nowMicros).filter(rest -> rest > 0).toArray();
        long began = System.nanoTime();
        Timeline timeline = Timeline.running(MOVES_AT_ONCE, running);
        Plan plan = new Planner(MOVES_AT_ONCE)
                .plan(left, timeline, rooms, OptionalLong.of(deadlineMicros - nowMicros));
        planNanos += System.nanoTime() - began;
        plans++;
        List<Candidate> order = new ArrayList<>();
        plan.inTime().stream().map(Leg::candidate).forEach(order::add);
        plan.late().stream().map(Leg::candidate).forEach(order::add);
        return order;
    }

    /**
     * No order saves more, however well it knew the real times: whatever leaves in time has had its link part before
     * the deadline on one link, and all of it in one of the slots. Each alone is a knapsack, solved exactly on a grid.
     */
    private double bound() {
        double[] byLink = new double[GRID_STEPS + 1];
        double[] bySlots = new double[GRID_STEPS + 1];
        for (Candidate c : candidates) {
            double[] times = real.get(c.workload());
            if (times[0] + times[1] <= deadlineMicros) {
                add(byLink, c.weight(), times[0] / deadlineMicros);
                add(bySlots, c.weight(), (times[0] + times[1]) / deadlineMicros / MOVES_AT_ONCE);
            }
        }
        return Math.min(byLink[GRID_STEPS], bySlots[GRID_STEPS]);
    }

    private static void add(double[] best, double weight, double share) {
        int size = (int) (share * GRID_STEPS);
        for (int capacity = GRID_STEPS; capacity >= size; capacity--) {
            best[capacity] = Math.max(best[capacity], best[capacity - size] + weight);
        }
    }
}
