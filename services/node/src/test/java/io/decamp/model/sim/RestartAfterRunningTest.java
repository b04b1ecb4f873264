package io.decamp.model.sim;

import static io.decamp.model.sim.SimServices.WORKLOAD;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.google.protobuf.ByteString;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.v1.SnapshotReady;
import io.decamp.restorer.engine.handoff.DestinationStep;
import io.opentelemetry.context.Context;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A destination whose service dies when the register has just said that its copy is the workload. */
class RestartAfterRunningTest {
    private static final Digest DIGEST = new Digest(new byte[32]);
    private static final int STEPS = 20;

    @TempDir
    Path home;

    private final Random random = new Random(1);
    private final SimRegister register = new SimRegister(random);
    private final Set<Digest> ran = new HashSet<>();
    private final SimNode alpha = new SimNode(new NodeId("alpha"), random, ran);
    private final SimNode beta = new SimNode(new NodeId("beta"), random, ran);
    private SimServices destination;

    @BeforeEach
    void moveUpToRunning() {
        register.append(HandoffRecords.claim(WORKLOAD, 1, alpha.id));
        alpha.freeze(DIGEST);
        beta.replica = DIGEST;
        destination = services();
        destination.register.readAll();
        destination.destination.ready(
                SnapshotReady.newBuilder()
                        .setWorkload(WORKLOAD.value())
                        .setNode("alpha")
                        .setDestination("beta")
                        .setGeneration(1)
                        .setFinal(true)
                        .setMigration("m1")
                        .setTerm(2)
                        .setDigest(ByteString.copyFrom(DIGEST.bytes()))
                        .build(),
                Context.root());
        register.append(HandoffRecords.offer(WORKLOAD, 2, alpha.id, beta.id, DIGEST, "m1"));
        destination.register.readAll();
        for (int i = 0; i < STEPS && !(register.truth() instanceof Owned); i++) {
            destination.stepDestination();
        }
        assertEquals(new Owned(beta.id, 2), register.truth());
        assertEquals(List.of(), beta.told);
    }

    @Test
    void shouldTellOfTheRestoreAndDropTheReplicaAtTheNextStart() {
        destination = services();

        stepUntilDone();

        assertEquals(List.of("m1"), beta.told.stream().map(r -> r.getMigration()).toList());
        assertNull(beta.replica);
    }

    @Test
    void shouldTellOfTheRestoreOnceHoweverOftenTheReplicaCanNotBeDropped() {
        beta.failPercent = 100;
        destination.register.readAll();
        for (int i = 0; i < STEPS; i++) {
            destination.stepDestination();
        }
        beta.failPercent = 0;

        stepUntilDone();

        assertEquals(1, beta.told.size());
        assertNull(beta.replica);
    }

    @Test
    void shouldTellOfTheRestoreOnce() {
        stepUntilDone();

        destination = services();
        stepUntilDone();

        assertEquals(1, beta.told.size());
    }

    private SimServices services() {
        return new SimServices(beta, register, home.resolve("memory"), home.resolve("state"), Clock.systemUTC());
    }

    private void stepUntilDone() {
        destination.register.readAll();
        for (int i = 0; i < STEPS; i++) {
            destination.stepDestination();
            if (destination.destinationStep instanceof DestinationStep.Done) {
                return;
            }
        }
        throw new AssertionError(destination.openEnds());
    }
}
