package io.decamp.requesters.rebalance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.WorkloadSpec;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FleetSnapshotTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final long GIB = 1L << 30;
    private static final NodeId ALPHA = new NodeId("alpha");
    private static final NodeId BETA = new NodeId("beta");

    private final Map<String, NodeAnnounced> nodes = new HashMap<>();
    private final Map<String, HandoffState> owners = new HashMap<>();
    private final Map<String, WorkloadSpec> specs = new HashMap<>();
    private final Map<String, PagesDirty> epochs = new HashMap<>();
    private final Set<String> moving = new HashSet<>();
    private final Set<String> evacuating = new HashSet<>();

    FleetSnapshotTest() {
        announce("alpha", 0);
        announce("beta", 0);
        announce("gamma", 0);
        own("runc:a", new HandoffState.Owned(ALPHA, 1));
    }

    private void announce(String node, long secondsAgo) {
        nodes.put(
                node,
                NodeAnnounced.newBuilder()
                        .setNode(node)
                        .setMemoryBytes(100 * GIB)
                        .setAvailableBytes(60 * GIB)
                        .setFreeBytes(30 * GIB)
                        .setAnnouncedUnixMillis(NOW.minusSeconds(secondsAgo).toEpochMilli())
                        .build());
    }

    private void own(String workload, HandoffState state) {
        owners.put(workload, state);
        specs.put(workload, WorkloadSpec.newBuilder().setWorkload(workload).addNodes("alpha").addNodes("beta").build());
        epochs.put(
                workload,
                PagesDirty.newBuilder()
                        .setWorkload(workload)
                        .setNode("alpha")
                        .setStandby("beta")
                        .setTrackedBytes(8 * GIB)
                        .build());
    }

    private FleetSnapshot.Fleet fleet(FleetSnapshot.Measure measure, boolean anywhere) {
        return new FleetSnapshot(NOW, nodes, owners, specs, epochs, moving, evacuating).fleet(measure, anywhere);
    }

    private void requireLeftOut(String words) {
        FleetSnapshot.Fleet fleet = fleet(FleetSnapshot.Measure.USED, false);
        assertEquals(List.of(), fleet.movables());
        assertTrue(fleet.left().stream().anyMatch(line -> line.contains(words)), () -> fleet.left().toString());
    }

    @Test
    void shouldNotCountReplicasAsLoadAndKeepAReserve() {
        Map<String, Node> byName = new HashMap<>();
        fleet(FleetSnapshot.Measure.USED, false).nodes().forEach(n -> byName.put(n.name(), n));

        assertEquals(new Node("alpha", 100 * GIB, 40 * GIB, 55 * GIB, 30 * GIB), byName.get("alpha"));
        assertEquals(new Node("beta", 100 * GIB, 32 * GIB, 55 * GIB, 30 * GIB), byName.get("beta"));
    }

    @Test
    void shouldCountOnlyWhatIsProtectedWhenAskedTo() {
        List<Node> measured = fleet(FleetSnapshot.Measure.WORKLOADS, false).nodes();

        assertEquals(List.of(8 * GIB, 0L, 0L), measured.stream().map(Node::loadBytes).toList());
    }

    @Test
    void shouldSendAWorkloadOnlyWhereItMayGo() {
        assertEquals(Set.of("beta"), fleet(FleetSnapshot.Measure.USED, false).movables().getFirst().destinations());
        assertEquals(
                Set.of("beta", "gamma"), fleet(FleetSnapshot.Measure.USED, true).movables().getFirst().destinations());
    }

    @Test
    void shouldLeaveWhatIsHandedOver() {
        own("runc:a", new HandoffState.Offered(ALPHA, BETA, 2, new Digest(new byte[32]), "m1"));

        requireLeftOut("is being moved already");
    }

    @Test
    void shouldLeaveWhatSomebodyHasAskedToMove() {
        moving.add("runc:a");

        requireLeftOut("is being moved already");
    }

    @Test
    void shouldLeaveWhatIsNotShipped() {
        epochs.clear();

        requireLeftOut("is not shipped at the moment");
    }

    @Test
    void shouldLeaveANodeThatIsSilentAndWhatRunsThere() {
        announce("alpha", 16);

        requireLeftOut("has not announced itself for 16 s");
    }

    @Test
    void shouldLeaveANodeThatIsEvacuated() {
        evacuating.add("alpha");

        requireLeftOut("is being evacuated");
    }

    @Test
    void shouldLeaveANodeThatDoesNotTellItsMemory() {
        nodes.put("alpha", NodeAnnounced.newBuilder().setNode("alpha").setFreeBytes(GIB).build());

        requireLeftOut("does not tell its memory");
    }
}
