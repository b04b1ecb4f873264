package io.decamp.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RedisTest {
    @BeforeAll
    static void needsRootRuncAndRedis() {
        Host.requireRoot();
        Host.requireCriu();
        Host.requireProgram("runc");
        Host.requireProgram("redis-server");
    }

    @Test
    void shouldFindEveryAcknowledgedWriteAfterAMoveThatClosedTheConnection() {
        try (Lab lab = Lab.up()) {
            RedisContainer redis = RedisContainer.start(lab, lab.alpha(), "redis");
            List<Integer> places = List.of(redis.reach(lab.alpha()), redis.reach(lab.beta()));
            try (RedisLoad load = new RedisLoad(places, 16 << 20, 4096, 500, 7)) {
                load.awaitReady(Duration.ofSeconds(10));
                load.fill();
                load.start();
                Await.until("300 writes", Duration.ofSeconds(20), () -> load.report().writes() > 300);

                PlainCriu.Move move = new PlainCriu(lab.alpha(), lab.beta()).move(redis.container());
                long before = load.report().writes();
                Await.until("300 more", Duration.ofSeconds(20), () -> load.report().writes() > before + 300);

                RedisLoad.Report report = load.stopAndVerify();
                assertEquals(List.of(), report.errors());
                assertTrue(report.reconnects() >= 2, report.toString());
                assertTrue(report.largestGapMillis() > move.copyMillis());
                System.out.println(move + ", client's gap " + report.largestGapMillis() + " ms");
            }
        }
    }

    @Test
    void shouldNoticeALostWriteAndADamagedValue() {
        try (Lab lab = Lab.up()) {
            RedisContainer redis = RedisContainer.start(lab, lab.alpha(), "redis");
            try (RedisLoad load = new RedisLoad(List.of(redis.reach(lab.alpha())), 1 << 20, 4096, 2000, 7)) {
                load.awaitReady(Duration.ofSeconds(10));
                load.fill();
                load.start();
                Await.until("300 writes", Duration.ofSeconds(20), () -> load.report().writes() > 300);
                load.close();
                load.command("DEL", "decamp:3");
                load.command("SETRANGE", "decamp:4", "1000", "damage");

                RedisLoad.Report report = load.stopAndVerify();

                assertEquals(
                        List.of("Key 3 holds what was never written", "Key 4 holds what was never written"),
                        report.errors());
            }
        }
    }

    @Test
    void shouldTellAnOldVersionFromTheRightOne() {
        RedisValues values = new RedisValues(64);
        byte[] old = values.value(5, 1);

        assertEquals(1, values.version(5, old));
        assertNotEquals(1, values.version(6, old));
        old[40] ^= 1;
        assertEquals(-1, values.version(5, old));
    }
}
