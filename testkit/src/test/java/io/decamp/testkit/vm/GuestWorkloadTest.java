package io.decamp.testkit.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.testkit.Await;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Host;
import java.time.Duration;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class GuestWorkloadTest {
    private static final ChainSpec SPEC = ChainSpec.of(8, 256).withTree(1, 2);

    private static final Duration LIMIT = Duration.ofSeconds(10);

    private static GuestVm guest;

    @BeforeAll
    static void bootOne() {
        Host.requireGuests();
        guest = GuestVm.boot(GuestSpec.named("workload"));
    }

    @AfterAll
    static void endIt() {
        if (guest != null) {
            guest.close();
        }
    }

    @Test
    void shouldHoldWhenNothingHappensToIt() {
        GuestWorkload workload = GuestWorkload.start(guest, SPEC);
        assertEquals("vm:workload/pid:" + workload.pid(), workload.locator());
        workload.awaitGoingOn(guest, 20);

        GuestWorkload.Verdict verdict = workload.stopAndJudge(guest);

        verdict.check();
        assertEquals(SPEC.writers(), verdict.chain().audits());
        assertTrue(verdict.records() >= 20);
        assertTrue(verdict.registerTurns() >= 20);
        assertEquals(OptionalInt.empty(), workload.pidIn(guest));
    }

    @Test
    void shouldSurviveTheGuestsOwnCriu() {
        try (GuestVm other = GuestVm.boot(GuestSpec.named("other"))) {
            GuestWorkload.prepare(other);
            GuestWorkload workload = GuestWorkload.start(guest, SPEC);
            assertEquals(GuestWorkload.LIMITS, workload.limitsIn(guest));

            InGuestCriu.Move move = InGuestCriu.move(workload, guest, other);

            assertTrue(move.imageBytes() > SPEC.sizeMib() << 20);
            Await.until(
                    "the end of what was dumped",
                    LIMIT,
                    () -> workload.pidIn(guest).isEmpty());
            workload.awaitGoingOn(other, 10);
            workload.stopAndJudge(other).check();
        }
    }

    @Test
    void shouldFindAPageThatWasChanged() {
        GuestWorkload workload = GuestWorkload.start(guest, SPEC);
        // 4 MiB are the memory of the chain's second process; 8 bytes in the middle
        guest.shell(
                        "chain=$(pidof chain | tr ' ' '\\n' | sort -n | tail -n 1);"
                                + " from=$(awk '$2 ~ /^rw/ && NF == 5 { print $1 }' /proc/$chain/maps | while IFS=- read -r from to; do"
                                + " [ $((0x$to - 0x$from)) != 4194304 ] || echo $((0x$from)); done);"
                                + " printf damaged! | dd of=/proc/$chain/mem bs=1 seek=$((from + 2097152)) conv=notrunc 2>/dev/null")
                .check();
        workload.awaitGoingOn(guest, 2);

        GuestWorkload.Verdict verdict = workload.stopAndJudge(guest);

        assertFalse(verdict.verified());
    }
}
