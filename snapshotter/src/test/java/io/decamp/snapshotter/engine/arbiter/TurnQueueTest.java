package io.decamp.snapshotter.engine.arbiter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TurnQueueTest {
    private static final long TURN_NANOS = 67_000_000;

    private final TurnQueue<String> queue = new TurnQueue<>();

    @Test
    void shouldServeTheFrozenThenThoseOnTheirWayThenTheEndangeredByDanger() {
        queue.add("routine", "a", Need.ROUTINE, 0);
        queue.add("danger 0.9", "b", Need.ofEpoch(90, 100), 0);
        queue.add("danger 3", "c", Need.ofEpoch(300, 100), 0);
        queue.add("safe", "d", Need.ofEpoch(10, 100), 0);
        queue.add("evicting", "e", Need.EVICTING, 0);
        queue.add("frozen", "f", Need.FROZEN, 0);

        assertEquals(List.of("frozen", "evicting", "danger 3", "danger 0.9", "routine", "safe"), drain(0));
    }

    @Test
    void shouldTakeTurnsAmongThoseWithTheSameNeed() {
        for (String workload : List.of("a", "b", "c")) {
            queue.add(workload, workload, Need.ROUTINE, 0);
        }
        List<String> served = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            String next = queue.next(0);
            served.add(next);
            queue.add(next, next, Need.ROUTINE, 0);
        }

        assertEquals(List.of("a", "b", "c", "a", "b", "c", "a", "b", "c"), served);
    }

    @Test
    void shouldServeWhoHasLostPatienceBeforeAllButEverySecondFrozenOne() {
        queue.add("old", "old", Need.ROUTINE, 0);
        long late = TurnQueue.PATIENCE_NANOS;
        queue.add("evicting", "e", Need.EVICTING, late);
        queue.add("frozen 1", "f", Need.FROZEN, late);
        queue.add("frozen 2", "g", Need.FROZEN, late);

        assertEquals(List.of("frozen 1", "old", "frozen 2", "evicting"), drain(late));
    }

    @Test
    void shouldStarveNobodyWhoeverElseComes() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int workloads = 40;
        Map<String, Long> since = new HashMap<>();
        long now = 0;
        long worst = 0;
        for (int w = 0; w < workloads; w++) {
            since.put("w" + w, now);
            queue.add("w" + w, "w" + w, need(random, w), now);
        }
        for (int turn = 0; turn < 20_000; turn++) {
            now += TURN_NANOS;
            String next = queue.next(now);
            worst = Math.max(worst, now - since.get(next));
            int w = Integer.parseInt(next.substring(1));
            since.put(next, now);
            queue.add(next, next, need(random, w), now);
        }

        long bound = TurnQueue.PATIENCE_NANOS + 2L * workloads * TURN_NANOS;
        assertTrue(worst <= bound, "seed " + seed + ": waited " + worst / 1_000_000 + " ms of " + bound / 1_000_000);
        long last = now;
        since.forEach((w, at) -> assertTrue(last - at <= bound, "seed " + seed + ": " + w + " starved"));
    }

    @Test
    void shouldForgetWhoLeaves() {
        String leaving = "leaving";
        queue.add(leaving, "a", Need.FROZEN, 0);
        queue.remove(leaving);

        assertTrue(queue.isEmpty());
        assertNull(queue.next(0));
    }

    /** Some are always frozen or on their way, which is worse than any node. */
    private static Need need(Random random, int workload) {
        if (workload < 10) {
            return workload < 5 ? Need.FROZEN : Need.EVICTING;
        }
        return random.nextBoolean() ? Need.ROUTINE : Need.ofEpoch(random.nextInt(500), 100);
    }

    private List<String> drain(long now) {
        List<String> served = new ArrayList<>();
        for (String next = queue.next(now); next != null; next = queue.next(now)) {
            served.add(next);
        }
        return served;
    }
}
