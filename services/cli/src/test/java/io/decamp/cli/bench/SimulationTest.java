package io.decamp.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.coordinator.engine.plan.Candidate;
import io.decamp.coordinator.engine.plan.Rooms;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The simulation in small: it must not rot, and no order may beat the bound that the bench compares with. */
class SimulationTest {
    private static final long LINK = 1_250_000_000L;

    @Test
    void shouldServeEveryWorkloadAndComeToTheSameTwice() {
        long seed = System.nanoTime();

        SimulatedFleet.Figures first = new SimulatedFleet(3, 20, LINK, seed).run(10);
        SimulatedFleet.Figures again = new SimulatedFleet(3, 20, LINK, seed).run(10);

        assertTrue(first.decisions() >= 60, "seed " + seed + ": " + first);
        assertEquals(first.decisions(), again.decisions(), "seed " + seed);
        assertEquals(first.turns(), again.turns(), "seed " + seed);
        assertTrue(first.longestWaitSeconds() < 10, "seed " + seed + ": " + first);
    }

    @Test
    void shouldSaveMoreThanTheOrderOfComingAndNeverMoreThanIsPossible() {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        Rooms rooms = Rooms.of(List.of(new Rooms.Room("b", 1L << 42, 1L << 42)));
        double planned = 0;
        double firstCome = 0;
        for (int round = 0; round < 10; round++) {
            List<Candidate> candidates = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                candidates.add(new Candidate(
                        "w" + i,
                        random.nextInt(4),
                        random.nextInt(900_000),
                        100_000 + random.nextInt(500_000),
                        0,
                        1,
                        "b",
                        "",
                        Set.of()));
            }

            SimulatedEvacuation.Figures f = new SimulatedEvacuation(candidates, rooms, 0.5, random).run();

            assertTrue(f.planned() <= f.bound() + 1e-9, "seed " + seed + ": " + f);
            assertTrue(f.firstCome() <= f.bound() + 1e-9, "seed " + seed + ": " + f);
            assertTrue(f.shortestFirst() <= f.bound() + 1e-9, "seed " + seed + ": " + f);
            planned += f.planned();
            firstCome += f.firstCome();
        }
        assertTrue(planned > 1.1 * firstCome, "seed " + seed + ": " + planned + " against " + firstCome);
    }
}
