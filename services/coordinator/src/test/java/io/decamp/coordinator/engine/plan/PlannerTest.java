package io.decamp.coordinator.engine.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PlannerTest {
    private static final int SLOTS = 2;
    private static final Planner PLANNER = new Planner(SLOTS);
    private static final long GIB = 1L << 30;

    @Test
    void shouldSaveAsMuchAsTheBestOfAllOrders() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int exact = 0;
        for (int round = 0; round < 60; round++) {
            int n = 1 + random.nextInt(7);
            List<Candidate> candidates = candidates(random, n);
            Rooms rooms = rooms(random);
            Timeline timeline = Timeline.running(SLOTS, new long[] {random.nextInt(500_000)});
            long deadline = 200_000L + random.nextInt(3_000_000);
            String what = "seed " + seed + ", round " + round;

            Plan plan = PLANNER.plan(candidates, timeline, rooms, OptionalLong.of(deadline));

            if (plan.exact()) {
                exact++;
                double best = bestOfAllOrders(candidates, Sequence.empty(timeline, rooms), deadline);
                assertEquals(best, plan.value(), what);
            }
            requireSound(plan, candidates, deadline, what);
        }
        assertTrue(exact >= 55, "seed " + seed + ": only " + exact + " of 60 were searched to the end");
    }

    @Test
    void shouldComeCloseToTheBestOrderWhereThereAreTooManyToTryAll() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        double greedy = 0;
        double best = 0;
        for (int round = 0; round < 60; round++) {
            List<Candidate> candidates = candidates(random, 7);
            Rooms rooms = rooms(random);
            Timeline timeline = Timeline.idle(SLOTS);
            long deadline = 500_000L + random.nextInt(3_000_000);
            Sequence empty = Sequence.empty(timeline, rooms);

            Sequence found = GreedySearch.best(candidates, timeline, rooms, deadline, SLOTS);

            double optimum = bestOfAllOrders(candidates, empty, deadline);
            assertTrue(found.value() <= optimum, "seed " + seed + ", round " + round);
            greedy += found.value() / Math.max(1e-9, optimum);
            best += 1;
        }
        assertTrue(greedy >= 0.88 * best, "seed " + seed + ": only " + greedy / best + " of the optimum");
    }

    @Test
    void shouldNotTryAllOrdersOfWhatIsAlike() {
        List<Candidate> alike = new ArrayList<>();
        for (int i = 0; i < ExactSearch.MAX_CANDIDATES; i++) {
            alike.add(new Candidate("w" + i, 0, 50_000, 250_000, 0, 1, "b0", "", Set.of()));
        }
        PLANNER.plan(alike, Timeline.idle(SLOTS), roomy(), OptionalLong.of(900_000));
        long start = System.nanoTime();

        Plan plan = PLANNER.plan(alike, Timeline.idle(SLOTS), roomy(), OptionalLong.of(900_000));

        assertTrue(System.nanoTime() - start < 500_000_000L, "took " + (System.nanoTime() - start) / 1e6 + " ms");
        assertEquals(5, plan.inTime().size());
    }

    @Test
    void shouldOrderAHundredWithinASecondAndMissNoneThatFits() {
        Random random = new Random(7);
        List<Candidate> candidates = candidates(random, 100);
        Rooms rooms = Rooms.of(List.of(
                new Rooms.Room("b0", 1000 * GIB, 1000 * GIB), new Rooms.Room("b1", 1000 * GIB, 1000 * GIB)));
        PLANNER.plan(candidates, Timeline.idle(SLOTS), rooms, OptionalLong.of(10_000_000));
        long start = System.nanoTime();

        Plan plan = PLANNER.plan(candidates, Timeline.idle(SLOTS), rooms, OptionalLong.of(10_000_000));

        assertTrue(System.nanoTime() - start < 1_000_000_000L, "took " + (System.nanoTime() - start) / 1e6 + " ms");
        requireSound(plan, candidates, 10_000_000, "seed 7");
        assertTrue(plan.homeless().isEmpty());
    }

    @Test
    void shouldSendWhatIsWorthMostForItsTimeFirstWhenThereIsNoDeadline() {
        Candidate slow = new Candidate("slow", 0, 900_000, 100_000, 0, 1, "b0", "", Set.of());
        Candidate quick = new Candidate("quick", 0, 90_000, 10_000, 0, 1, "b0", "", Set.of());
        Candidate slowAndDear = new Candidate("dear", 5, 900_000, 100_000, 0, 1, "b0", "", Set.of());

        Plan plan =
                PLANNER.plan(List.of(slow, quick, slowAndDear), Timeline.idle(SLOTS), roomy(), OptionalLong.empty());

        assertEquals(List.of("dear", "quick", "slow"), names(plan.inTime()));
        assertTrue(plan.late().isEmpty());
    }

    @Test
    void shouldTryWhatIsTooLateAfterWhatIsNot() {
        Candidate fits = new Candidate("fits", 0, 90_000, 10_000, 0, 1, "b0", "", Set.of());
        Candidate never = new Candidate("never", 9, 9_000_000, 100_000, 0, 1, "b0", "", Set.of());

        Plan plan = PLANNER.plan(List.of(never, fits), Timeline.idle(SLOTS), roomy(), OptionalLong.of(1_000_000));

        assertEquals(List.of("fits"), names(plan.inTime()));
        assertEquals(List.of("never"), names(plan.late()));
    }

    @Test
    void shouldPreferTheNodeThatHoldsTheReplicaAndCountTheCopyElsewhere() {
        Candidate first = new Candidate("first", 1, 10_000, 10_000, 5_000_000, 3 * GIB, "b0", "", Set.of());
        Candidate second = new Candidate("second", 0, 10_000, 10_000, 5_000_000, 3 * GIB, "b0", "", Set.of());
        Rooms rooms = Rooms.of(List.of(new Rooms.Room("b0", 4 * GIB, 0), new Rooms.Room("b1", 4 * GIB, 4 * GIB)));

        Plan plan = PLANNER.plan(List.of(second, first), Timeline.idle(SLOTS), rooms, OptionalLong.of(1_000_000));

        assertEquals(List.of("first"), names(plan.inTime()));
        assertEquals("b0", plan.inTime().getFirst().destination());
        assertEquals(List.of("second"), names(plan.late()));
        assertEquals("b1", plan.late().getFirst().destination());
    }

    @Test
    void shouldSayForWhomThereIsNoRoom() {
        Candidate big = new Candidate("big", 0, 10_000, 10_000, 0, 5 * GIB, "b0", "", Set.of());
        Candidate stubborn = new Candidate("stubborn", 0, 10_000, 10_000, 0, 1, "b0", "elsewhere", Set.of());
        Rooms rooms = Rooms.of(List.of(new Rooms.Room("b0", 4 * GIB, 4 * GIB)));

        Plan plan = PLANNER.plan(List.of(big, stubborn), Timeline.idle(SLOTS), rooms, OptionalLong.of(1_000_000));

        assertEquals(Set.of(big, stubborn), Set.copyOf(plan.homeless()));
        assertEquals(0, plan.value());
    }

    private static List<String> names(List<Leg> legs) {
        return legs.stream().map(leg -> leg.candidate().workload()).toList();
    }

    private static Rooms roomy() {
        return Rooms.of(List.of(new Rooms.Room("b0", 100 * GIB, 100 * GIB)));
    }

    private static Rooms rooms(Random random) {
        return Rooms.of(List.of(
                new Rooms.Room("b0", random.nextInt(12) * GIB, random.nextInt(12) * GIB),
                new Rooms.Room("b1", random.nextInt(12) * GIB, random.nextInt(12) * GIB)));
    }

    private static List<Candidate> candidates(Random random, int n) {
        List<Candidate> all = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            all.add(new Candidate(
                    "w" + i,
                    random.nextInt(4) - 1,
                    random.nextInt(600_000),
                    random.nextInt(500_000),
                    random.nextInt(2_000_000),
                    (1 + random.nextInt(4)) * GIB,
                    random.nextInt(3) == 0 ? "" : "b" + random.nextInt(2),
                    random.nextInt(8) == 0 ? "b1" : "",
                    random.nextInt(8) == 0 ? Set.of("b0") : Set.of()));
        }
        return all;
    }

    private static void requireSound(Plan plan, List<Candidate> candidates, long deadline, String what) {
        Set<Candidate> named = new HashSet<>(plan.homeless());
        plan.inTime().forEach(leg -> assertTrue(named.add(leg.candidate()), what));
        plan.late().forEach(leg -> assertTrue(named.add(leg.candidate()), what));
        assertEquals(Set.copyOf(candidates), named, what);
        assertTrue(plan.inTime().stream().allMatch(leg -> leg.finishMicros() <= deadline), what);
    }

    /** Tries every order, leaving out whatever would be late where its turn comes. */
    private static double bestOfAllOrders(List<Candidate> rest, Sequence sequence, long deadline) {
        double best = sequence.value();
        for (Candidate next : rest) {
            Sequence longer = sequence.then(next, deadline);
            if (longer != null) {
                List<Candidate> others = new ArrayList<>(rest);
                others.remove(next);
                best = Math.max(best, bestOfAllOrders(others, longer, deadline));
            }
        }
        return best;
    }
}
