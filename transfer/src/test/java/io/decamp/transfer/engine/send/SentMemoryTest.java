package io.decamp.transfer.engine.send;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.transfer.engine.encode.SentVersions;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class SentMemoryTest {
    private static final WorkloadId WEB = new WorkloadId("runc:web");
    private static final NodeId BETA = new NodeId("beta");

    private long nowNanos;
    private final SentMemory memory = new SentMemory(1 << 20, () -> nowNanos);

    @Test
    void shouldGoOnFromWhatTheSameGenerationSent() {
        SentVersions versions = memory.take(WEB, BETA, 3);
        memory.giveBack(WEB, BETA, versions);

        assertSame(versions, memory.take(WEB, BETA, 3));
    }

    @Test
    void shouldBeginAnewForAnotherGenerationDestinationOrSession() {
        SentVersions versions = memory.take(WEB, BETA, 3);
        assertNotSame(versions, memory.take(WEB, BETA, 3));

        memory.giveBack(WEB, BETA, versions);
        assertNotSame(versions, memory.take(WEB, new NodeId("gamma"), 3));
        assertNotSame(versions, memory.take(WEB, BETA, 4));
    }

    @Test
    void shouldKeepAFewForAWhile() {
        SentVersions first = memory.take(WEB, BETA, 1);
        memory.giveBack(WEB, BETA, first);
        for (int i = 0; i < 4; i++) {
            WorkloadId other = new WorkloadId("runc:other" + i);
            memory.giveBack(other, BETA, memory.take(other, BETA, 1));
        }
        assertNotSame(first, memory.take(WEB, BETA, 1));

        SentVersions second = memory.take(WEB, BETA, 1);
        memory.giveBack(WEB, BETA, second);
        nowNanos += Duration.ofMinutes(11).toNanos();
        assertNotSame(second, memory.take(WEB, BETA, 1));
    }

    @Test
    void shouldSpeakVersion1ToANodeThatCouldNotDecode() {
        assertEquals(2, memory.version(BETA));
        memory.sendPlain(BETA);
        assertEquals(1, memory.version(BETA));
        assertEquals(2, memory.version(new NodeId("gamma")));
    }

    @Test
    void shouldRememberTheLastRateThatWasTold() {
        assertEquals(0, memory.rate(BETA));
        memory.learnt(BETA, 125_000_000);
        memory.learnt(BETA, 0);
        assertEquals(125_000_000, memory.rate(BETA));
    }
}
