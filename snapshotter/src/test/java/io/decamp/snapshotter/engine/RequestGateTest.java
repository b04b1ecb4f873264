package io.decamp.snapshotter.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.v1.MigrationRequested;
import io.opentelemetry.context.Context;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RequestGateTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:10:00Z");

    private final FakeWorld world = new FakeWorld();
    private final RequestGate gate = new RequestGate(FakeWorld.ALPHA, world, Clock.fixed(NOW, ZoneOffset.UTC));

    private Optional<MigrationOrder> admit(MigrationRequested.Builder request, Instant saidAt) {
        return gate.admit("m1", saidAt, request.build(), Context.root());
    }

    private static MigrationRequested.Builder request() {
        return MigrationRequested.newBuilder().setWorkload("runc:redis").setNode("alpha");
    }

    @Test
    void shouldAdmitAFreshRequestForThisNode() {
        var order = admit(request(), NOW.minusSeconds(1)).orElseThrow();

        assertEquals("runc:redis", order.workload().value());
        assertEquals(NOW.minusSeconds(1).toEpochMilli() * 1000, order.requestedAtUnixMicros());
    }

    @Test
    void shouldCompleteAPidLocatorWithTheNode() {
        var order = admit(request().setWorkload("pid:17"), NOW).orElseThrow();

        assertEquals("pid:17@alpha", order.workload().value());
    }

    @Test
    void shouldLeaveRequestsForOtherNodesToThem() {
        assertTrue(admit(request().setNode("beta"), NOW).isEmpty());
        assertTrue(world.failures.isEmpty());
    }

    @Test
    void shouldRefuseARequestThatIsTooOld() {
        assertTrue(admit(request(), NOW.minusSeconds(61)).isEmpty());
        assertEquals("request-expired", world.failures.getFirst().getCode());
    }

    @Test
    void shouldHoldARequestToItsOwnEnd() {
        long end = NOW.minusMillis(1).toEpochMilli();

        assertTrue(admit(request().setValidUntilUnixMillis(end), NOW.minusSeconds(2)).isEmpty());
        assertEquals("request-expired", world.failures.getFirst().getCode());
    }

    @Test
    void shouldRefuseWhatIsNoWorkload() {
        assertTrue(admit(request().setWorkload("docker:x"), NOW).isEmpty());
        assertEquals("bad-workload", world.failures.getFirst().getCode());
    }
}
