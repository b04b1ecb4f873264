package io.decamp.restorer.engine.handoff;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.CopyRuntime;
import io.decamp.contracts.port.HandoffRegister;
import io.decamp.contracts.port.Replicas;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.port.StandingReplica;
import io.decamp.contracts.v1.HandoffRecord;
import io.decamp.contracts.v1.SnapshotReady;
import io.opentelemetry.context.Context;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** What a standby gets ready before anything is frozen. */
class DestinationHandoffTest {
    private static final WorkloadId WORKLOAD = new WorkloadId("vm:a/pid:7@alpha");
    private static final long LIMIT_SECONDS = 10;

    private final BlockingQueue<String> done = new LinkedBlockingQueue<>();

    private String next() throws InterruptedException {
        return done.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    @Test
    void shouldGetReadyForWhatIsSentHereAndTakeItBackWhenItIsSentElsewhere() throws InterruptedException {
        try (DestinationHandoff handoff = new DestinationHandoff(ports())) {
            handoff.ready(sentTo("gamma", 1), Context.root());
            handoff.ready(sentTo("beta", 2), Context.root());
            assertEquals("warm 2", next());

            handoff.ready(sentTo("gamma", 3), Context.root());
            assertEquals("cool", next());

            handoff.ready(sentTo("gamma", 3), Context.root());
            handoff.ready(sentTo("beta", 4), Context.root());
            assertEquals("warm 4", next(), "it is taken back once");
        }
    }

    private static SnapshotReady sentTo(String node, long generation) {
        return SnapshotReady.newBuilder()
                .setWorkload(WORKLOAD.value())
                .setDestination(node)
                .setGeneration(generation)
                .build();
    }

    private DestinationPorts ports() {
        CopyRuntime runtime = new Recorder();
        return new DestinationPorts(
                new NodeId("beta"),
                id -> runtime,
                null,
                new Standing(),
                new Silent(),
                null,
                null,
                List.of(),
                "boot",
                DestinationLimits.DEFAULT,
                null,
                Clock.systemUTC());
    }

    private final class Recorder implements CopyRuntime {
        @Override
        public void warm(WorkloadId id, StandingReplica replica) {
            done.add("warm " + replica.generation());
        }

        @Override
        public void cool(WorkloadId id) {
            done.add("cool");
        }

        @Override
        public Held prepare(WorkloadId id, SealedReplica replica, Path bundle) {
            throw new AssertionError("nothing is frozen yet");
        }

        @Override
        public Hold hold(WorkloadId id) {
            return Hold.NONE;
        }

        @Override
        public void release(WorkloadId id) {
            throw new AssertionError("nothing is frozen yet");
        }

        @Override
        public void destroy(WorkloadId id) {
            throw new AssertionError("nothing is frozen yet");
        }
    }

    private static final class Standing implements Replicas {
        @Override
        public Optional<SealedReplica> sealed(WorkloadId workload, long generation) {
            return Optional.empty();
        }

        @Override
        public Optional<SealedReplica> sealed(WorkloadId workload, Digest digest) {
            return Optional.empty();
        }

        @Override
        public Optional<StandingReplica> standing(WorkloadId workload, long generation) {
            return Optional.of(new StandingReplica(Path.of("/replica"), generation, List.of()));
        }

        @Override
        public void drop(WorkloadId workload, long generation) {}
    }

    private static final class Silent implements HandoffRegister {
        @Override
        public HandoffState current(WorkloadId workload) {
            throw new AssertionError("nothing is frozen yet");
        }

        @Override
        public HandoffState append(WorkloadId workload, HandoffRecord record, Duration limit) {
            throw new AssertionError("nothing is frozen yet");
        }

        @Override
        public HandoffState await(WorkloadId workload, Predicate<HandoffState> wanted, Duration limit) {
            throw new AssertionError("nothing is frozen yet");
        }

        @Override
        public void onChange(Listener listener) {}
    }
}
