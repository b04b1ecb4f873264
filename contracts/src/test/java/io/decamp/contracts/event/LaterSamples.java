package io.decamp.contracts.event;

import io.decamp.contracts.v1.Evacuation;
import io.decamp.contracts.v1.EvacuationItem;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.EvictionTimes;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.Objective;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.RateBand;
import io.decamp.contracts.v1.Reason;
import io.decamp.contracts.v1.WireSavings;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.contracts.v1.WriteModel;
import io.decamp.contracts.v1.WrittenPoint;

/** Messages, and fields of older messages, that came with the model, the objective and the evacuation of a whole node. */
final class LaterSamples {
    private LaterSamples() {}

    /** All of a node, as a dry run that a coordinator splits up. */
    static MigrationRequested evacuationRequest() {
        return MigrationRequested.newBuilder()
                .setNode("alpha")
                .setReason(Reason.MAINTENANCE)
                .setValidUntilUnixMillis(1_769_860_860_000L)
                .setDeadlineUnixMillis(1_769_860_830_000L)
                .setDryRun(true)
                .setEvacuation("e-1")
                .build();
    }

    static PagesDirty pagesDirty(PagesDirty older) {
        return older.toBuilder()
                .setPagesHeld(512)
                .setSavings(WireSavings.newBuilder()
                        .setPagesUnchanged(11)
                        .setPagesDelta(12)
                        .setPagesCompressed(13)
                        .setBytesUnchanged(45_056)
                        .setBytesDelta(40_000)
                        .setBytesCompressed(30_000)
                        .setEncodeMicros(140))
                .setLinkBytesPerSecond(117_000_000)
                .setOverhead(0.0125)
                .setObjective(Objective.newBuilder()
                        .setState(Objective.State.NOT_ATTAINABLE)
                        .setEvictWithinMicros(300_000)
                        .setMaxOverhead(0.02)
                        .setBestPossibleMicros(410_000)
                        .setLimitedBy("freeze")
                        .setReason("300 ms is not attainable"))
                .setModel(WriteModel.newBuilder()
                        .addWritten(WrittenPoint.newBuilder().setMicros(100_000).setPages(812.5))
                        .addWritten(WrittenPoint.newBuilder().setMicros(1_000_000).setPages(4_100.25))
                        .addBands(RateBand.newBuilder().setWritesPerSecond(0.5).setPages(200_000))
                        .setFaultNanos(905.5)
                        .setScanNanosPerPage(9.75)
                        .setReadBytesPerSecond(3_000_000_000L)
                        .setFreezeMicros(121_000)
                        .setHandOffMicros(98_000)
                        .setPredictionError(0.085)
                        .setPredictions(7))
                .setRounds(2)
                .setRoundEnd("rewriting")
                .build();
    }

    static WorkloadSpec workload(WorkloadSpec older) {
        WorkloadSpec.Builder spec = older.toBuilder();
        spec.getPolicyBuilder().setEvictWithinMicros(300_000).setMaxOverhead(0.02).setPriority(5);
        return spec.build();
    }

    static NodeAnnounced node(NodeAnnounced older) {
        return older.toBuilder()
                .setMemoryBytes(24L << 30)
                .setAvailableBytes(20L << 30)
                .setAnnouncedUnixMillis(1_769_860_800_123L)
                .build();
    }

    static MigrationProgress progress() {
        return MigrationProgress.newBuilder()
                .setWorkload("runc:redis")
                .setMigration("m-1")
                .setNode("alpha")
                .setDestination("beta")
                .setStep("last-rounds")
                .setShare(0.25)
                .setBytesSent(1 << 20)
                .setBytesPerSecond(117_000_000)
                .setEtaMicros(310_000)
                .setRound(2)
                .build();
    }

    static EvictionMeasured eviction() {
        return EvictionMeasured.newBuilder()
                .setWorkload("runc:redis")
                .setMigration("m-1")
                .setNode("alpha")
                .setDestination("beta")
                .setDryRun(true)
                .setEndedUnixMicros(1_769_860_800_123_456L)
                .setPredicted(times(0))
                .setReal(times(500))
                .setEvictWithinMicros(300_000)
                .setRounds(3)
                .setConvergedBy("small-enough")
                .setPagesFirst(1_000)
                .setPagesAgain(100)
                .setBytesAfter(4_505_600)
                .build();
    }

    private static EvictionTimes times(long later) {
        return EvictionTimes.newBuilder()
                .setRoundsMicros(40_000 + later)
                .setFreezeMicros(60_000 + later)
                .setFinalDeltaMicros(20_000 + later)
                .setHandOffMicros(100_000 + later)
                .setTotalMicros(220_000 + 4 * later)
                .setDowntimeMicros(150_000 + later)
                .build();
    }

    static Evacuation evacuation() {
        return Evacuation.newBuilder()
                .setEvacuation("e-1")
                .setNode("alpha")
                .setRequestedUnixMillis(1_769_860_800_000L)
                .setDeadlineUnixMillis(1_769_860_830_000L)
                .setDone(true)
                .addItems(EvacuationItem.newBuilder()
                        .setWorkload("runc:redis")
                        .setState(EvacuationItem.State.MOVED)
                        .setDestination("beta")
                        .setPriority(5)
                        .setPredictedMicros(220_000)
                        .setMigration("e-1.1.runc:redis")
                        .setStartedUnixMillis(1_769_860_800_010L)
                        .setEndedUnixMillis(1_769_860_800_240L))
                .addItems(EvacuationItem.newBuilder()
                        .setWorkload("runc:big")
                        .setState(EvacuationItem.State.LEFT)
                        .setPriority(-1)
                        .setPredictedMicros(90_000_000)
                        .setReason("would take until 60 s after the deadline"))
                .setSummary("1 of 2 left alpha")
                .setPlans(3)
                .setDestination("beta")
                .setReason(Reason.MAINTENANCE)
                .build();
    }
}
