package io.decamp.edge.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.EvictionTimes;
import io.decamp.contracts.v1.Objective;
import io.decamp.contracts.v1.PagesDirty;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class EventMetersTest {
    private final MeterRegistry registry = new SimpleMeterRegistry();
    private final EventMeters meters = new EventMeters(registry);

    @Test
    void shouldMeterWhatWasDecidedAfterAnEpoch() {
        meters.accept(PagesDirty.newBuilder()
                .setIntervalMicros(500_000)
                .setPredictedEvictionMicros(300_000)
                .setOverhead(0.004)
                .setObjective(Objective.newBuilder().setState(Objective.State.NOT_ATTAINABLE))
                .build());

        assertEquals(500, registry.get("decamp.interval").timer().totalTime(TimeUnit.MILLISECONDS));
        assertEquals(300, registry.get("decamp.eviction.predicted").timer().totalTime(TimeUnit.MILLISECONDS));
        assertEquals(0.004, registry.get("decamp.overhead").summary().max());
        assertEquals(
                1,
                registry.get("decamp.objective.epochs")
                        .tag("state", "not-attainable")
                        .counter()
                        .count());
    }

    @Test
    void shouldNotTakeAnEpochOfAMoveForADecision() {
        meters.accept(PagesDirty.newBuilder().setPagesWritten(7).build());

        assertEquals(1, registry.get("decamp.epochs").counter().count());
        assertEquals(0, registry.get("decamp.interval").timer().count());
        assertNull(registry.find("decamp.objective.epochs").counter());
    }

    @Test
    void shouldMeterHowFarOffAPredictionWas() {
        meters.accept(EvictionMeasured.newBuilder()
                .setPredicted(EvictionTimes.newBuilder().setTotalMicros(300_000))
                .setReal(EvictionTimes.newBuilder().setTotalMicros(400_000))
                .build());
        meters.accept(EvictionMeasured.newBuilder()
                .setReal(EvictionTimes.newBuilder().setTotalMicros(400_000))
                .build());

        assertEquals(1, registry.get("decamp.prediction.error").summary().count());
        assertEquals(0.25, registry.get("decamp.prediction.error").summary().max());
    }
}
