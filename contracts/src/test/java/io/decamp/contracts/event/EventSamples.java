package io.decamp.contracts.event;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.decamp.contracts.v1.HandoffRecord;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.Offer;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Part;
import io.decamp.contracts.v1.Phase;
import io.decamp.contracts.v1.Policy;
import io.decamp.contracts.v1.Reason;
import io.decamp.contracts.v1.Restored;
import io.decamp.contracts.v1.SnapshotReady;
import io.decamp.contracts.v1.Truth;
import io.decamp.contracts.v1.WorkloadSpec;
import java.time.Instant;
import java.util.List;

/**
 * One event of each type with every field of its first day set, and one more where fields came later. They are what the
 * golden files hold: never change them.
 */
final class EventSamples {
    static final Instant TIME = Instant.parse("2026-01-31T12:00:00.123456Z");
    static final String TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    /** @param file golden file below {@code /golden} */
    record Sample<T extends Message>(EventType<T> type, T data, String file) {
        Sample(EventType<T> type, T data) {
            this(type, data, type.topic() + ".v1.txt");
        }

        /** The same version with fields that were added to it. */
        static <T extends Message> Sample<T> extended(EventType<T> type, T data) {
            return new Sample<>(type, data, type.topic() + ".v1-extended.txt");
        }

        EncodedEvent encode() {
            return EventCodec.encode(type, header(), data);
        }

        EventHeader header() {
            return new EventHeader("id-1", "/nodes/alpha", type.ceType(), TIME, TRACEPARENT, "vendor=1");
        }

        @Override
        public String toString() {
            return file;
        }
    }

    static final MigrationRequested REQUEST = MigrationRequested.newBuilder()
            .setWorkload("runc:redis")
            .setNode("alpha")
            .setReason(Reason.FAILURE_PREDICTED)
            .setDestination("beta")
            .setValidUntilUnixMillis(1_769_860_860_000L)
            .setProbability(0.93)
            .setDeadlineUnixMillis(1_769_864_400_000L)
            .setNote("ECC errors on DIMM 3")
            .build();

    private EventSamples() {}

    static List<Sample<?>> all() {
        return List.of(
                new Sample<>(EventType.MIGRATION_REQUESTED, REQUEST),
                new Sample<>(EventType.PAGES_DIRTY, pagesDirty()),
                new Sample<>(EventType.SNAPSHOT_READY, snapshotReady()),
                new Sample<>(EventType.RESTORED, restored()),
                new Sample<>(EventType.MIGRATION_FAILED, migrationFailed()),
                new Sample<>(EventType.HANDOFF, offer()),
                new Sample<>(EventType.WORKLOADS, workload()),
                new Sample<>(EventType.NODES, node()),
                new Sample<>(EventType.MIGRATION_PROGRESS, LaterSamples.progress()),
                new Sample<>(EventType.EVICTIONS, LaterSamples.eviction()),
                new Sample<>(EventType.EVACUATIONS, LaterSamples.evacuation()),
                Sample.extended(EventType.MIGRATION_REQUESTED, LaterSamples.evacuationRequest()),
                Sample.extended(EventType.PAGES_DIRTY, LaterSamples.pagesDirty(pagesDirty())),
                Sample.extended(EventType.WORKLOADS, LaterSamples.workload(workload())),
                Sample.extended(EventType.NODES, LaterSamples.node(node())));
    }

    private static PagesDirty pagesDirty() {
        return PagesDirty.newBuilder()
                .setWorkload("runc:redis")
                .setNode("alpha")
                .setStandby("beta")
                .setGeneration(3)
                .setEpoch(17)
                .setPagesWritten(4096)
                .setPagesShipped(4000)
                .setPagesZero(96)
                .setBytesShipped(16_400_000)
                .setTrackedBytes(1L << 30)
                .setIntervalMicros(250_000)
                .setScanMicros(2_600)
                .setShipMicros(5_100)
                .setPredictedEvictionMicros(48_000)
                .setPagesPerSecond(16_384.5)
                .build();
    }

    private static SnapshotReady snapshotReady() {
        return SnapshotReady.newBuilder()
                .setWorkload("runc:redis")
                .setNode("alpha")
                .setDestination("beta")
                .setGeneration(3)
                .setEpoch(18)
                .setFinal(true)
                .setMigration("m-1")
                .setTerm(5)
                .setDigest(ByteString.fromHex("00ff10"))
                .addParts(Part.newBuilder().setName("core-1.img").setSize(2048).setCrc32C(0xdeadbeef))
                .setRequestedAtUnixMicros(1_769_860_799_900_000L)
                .setStoppedAtUnixMicros(1_769_860_800_000_000L)
                .setBytesBefore(1L << 30)
                .setBytesAfter(1 << 20)
                .setBundle("/var/lib/bundles/redis")
                .build();
    }

    private static Restored restored() {
        return Restored.newBuilder()
                .setWorkload("runc:redis")
                .setMigration("m-1")
                .setFrom("alpha")
                .setTo("beta")
                .setTerm(5)
                .addPhases(Phase.newBuilder()
                        .setName("freeze")
                        .setStartUnixMicros(1_769_860_800_000_000L)
                        .setDurationMicros(31_000))
                .setBytesBefore(1L << 30)
                .setBytesAfter(1 << 20)
                .setFreezeMicros(61_000)
                .setEvictionMicros(140_000)
                .build();
    }

    private static MigrationFailed migrationFailed() {
        return MigrationFailed.newBuilder()
                .setWorkload("runc:redis")
                .setMigration("m-1")
                .setNode("alpha")
                .setStep("offer")
                .setCode("register-unreachable")
                .setReason("No broker answered for 5 s")
                .setAdvice("Start the broker")
                .setTruth(Truth.FROZEN_AT_SOURCE)
                .setWaitingFor("the register")
                .build();
    }

    private static HandoffRecord offer() {
        return HandoffRecord.newBuilder()
                .setWorkload("runc:redis")
                .setTerm(5)
                .setOffer(Offer.newBuilder()
                        .setFrom("alpha")
                        .setTo("beta")
                        .setDigest(ByteString.fromHex("00ff10"))
                        .setMigration("m-1"))
                .build();
    }

    private static WorkloadSpec workload() {
        return WorkloadSpec.newBuilder()
                .setWorkload("pid:4711@alpha")
                .setLocator("pid:4711")
                .addNodes("alpha")
                .addNodes("beta")
                .setPolicy(Policy.newBuilder()
                        .setMinIntervalMicros(10_000)
                        .setMaxIntervalMicros(2_000_000)
                        .setWriteFaultsPerSecond(50_000)
                        .setBandwidthBytesPerSecond(100_000_000))
                .build();
    }

    private static NodeAnnounced node() {
        return NodeAnnounced.newBuilder()
                .setNode("alpha")
                .setDataAddress("10.0.0.1:9402")
                .setControlAddress("10.0.0.1:9401")
                .setBootId("5e0a3c1c-8ad1-4b0e-93a5-5b1d3ac0a001")
                .setFreeBytes(8L << 30)
                .setVersion("0.1.0")
                .build();
    }
}
