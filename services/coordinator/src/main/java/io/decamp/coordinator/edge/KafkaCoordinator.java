package io.decamp.coordinator.edge;

import com.google.protobuf.Message;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.Event;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.v1.Evacuation;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.coordinator.engine.Coordinator;
import io.decamp.coordinator.engine.CoordinatorLimits;
import io.decamp.coordinator.engine.CoordinatorPorts;
import io.decamp.coordinator.engine.EvacuationRun;
import io.decamp.coordinator.engine.Fleet;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.CompactedView;
import io.decamp.edge.kafka.DirectPublisher;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.EventPublisher;
import io.decamp.edge.kafka.KafkaRegister;
import io.decamp.edge.kafka.Subscription;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;

/**
 * A coordinator on Kafka. All there are form one group that shares the partitions of {@code migration-requested}: what
 * belongs to a node or a workload is worked on by the one that holds its partition. The others know the same and do
 * nothing with it, until the group gives them the partition.
 */
final class KafkaCoordinator implements AutoCloseable {
    /** The same for all: a request has one identity, whoever makes it. */
    private static final String SPEAKER = "coordinator";

    private static final String GROUP = "decamp-coordinator";
    /** A request holds for so long, unless it says otherwise; an older one is refused anyway. */
    private static final Duration REQUESTS_OF = Duration.ofMinutes(1);
    /** What is under way was asked for and told within this: see the limits of an evacuation's moves. */
    private static final Duration ANSWERS_OF = Duration.ofMinutes(10);
    /** Each protected workload has an epoch in this, by the longest interval. */
    private static final Duration EPOCHS_OF = Duration.ofSeconds(15);
    /** A coordinator that starts before its broker waits as long as a broker takes to restart. */
    private static final Duration START_LIMIT = Duration.ofSeconds(30);

    private static final Duration SAY_LIMIT = Duration.ofSeconds(5);

    /** Tells all that is known under each key, and then every change; an empty value for what is removed. */
    interface Changes<T> {
        void onChange(BiConsumer<String, Optional<T>> listener);
    }

    private final Fleet fleet;
    private final DirectPublisher publisher;
    private final CompactedView<Evacuation> evacuations;
    private final EventConsumer answers;
    private final EventConsumer epochs;
    private final EventConsumer requests;
    private final Coordinator coordinator;

    private KafkaCoordinator(
            Bus base,
            EventPublisher deadLetters,
            CoordinatorLimits limits,
            KafkaRegister register,
            Changes<NodeAnnounced> nodes,
            Changes<WorkloadSpec> specs) {
        Bus bus = Bus.of(base.settings(), SPEAKER, base.telemetry());
        fleet = new Fleet(bus.clock(), limits);
        publisher = new DirectPublisher(bus, SAY_LIMIT);
        coordinator = new Coordinator(fleet, limits, new Ports(deadLetters));
        register.onChange((workload, before, after, by) -> {
            fleet.owned(workload.value(), after);
            coordinator.nudge();
        });
        register.states().forEach((workload, state) -> fleet.owned(workload.value(), state));
        hear(nodes);
        specs.onChange(fleet::specified);
        evacuations = CompactedView.start(bus, EventType.EVACUATIONS);
        answers = EventConsumer.start(bus, answers(), deadLetters);
        epochs = EventConsumer.start(
                bus,
                Subscription.recent("coordinator-epochs", EPOCHS_OF)
                        .on(EventType.PAGES_DIRTY, e -> fleet.reported(e.data())),
                deadLetters);
        try {
            evacuations.awaitCaughtUp(START_LIMIT);
            evacuations.onChange(this::evacuating);
            answers.awaitCaughtUp(START_LIMIT);
            epochs.awaitCaughtUp(START_LIMIT);
            requests = EventConsumer.start(
                    bus,
                    Subscription.shared("coordinator-requests", GROUP, REQUESTS_OF)
                            .on(EventType.MIGRATION_REQUESTED, this::requested),
                    deadLetters);
        } catch (RuntimeException e) {
            epochs.close();
            answers.close();
            evacuations.close();
            publisher.close();
            throw e;
        }
    }

    /**
     * Returns when it knows all there is to know and asks for its share.
     *
     * @param base brokers and traces; what is said is said by {@code /coordinator}
     */
    static KafkaCoordinator start(
            Bus base,
            EventPublisher deadLetters,
            CoordinatorLimits limits,
            KafkaRegister register,
            Changes<NodeAnnounced> nodes,
            Changes<WorkloadSpec> specs) {
        KafkaCoordinator started = new KafkaCoordinator(base, deadLetters, limits, register, nodes, specs);
        started.coordinator.start();
        return started;
    }

    /** What the topic held counts by its own time, what comes now by ours. */
    private void hear(Changes<NodeAnnounced> nodes) {
        boolean[] known = {false};
        nodes.onChange((name, node) -> node.ifPresent(n -> {
            if (known[0]) {
                fleet.heardNow(n);
            } else {
                fleet.announced(n);
            }
        }));
        known[0] = true;
    }

    private Subscription answers() {
        return Subscription.recent("coordinator-answers", ANSWERS_OF)
                .on(EventType.RESTORED, e -> {
                    fleet.restored(e.data());
                    coordinator.nudge();
                })
                .on(EventType.MIGRATION_FAILED, e -> {
                    fleet.failed(e.data());
                    coordinator.nudge();
                })
                .on(EventType.MIGRATION_PROGRESS, e -> fleet.progressed(e.data()))
                .on(EventType.MIGRATION_REQUESTED, e -> {
                    if (!e.data().getEvacuation().isEmpty()) {
                        fleet.asked(e.header().id());
                    }
                });
    }

    /** A record of this coordinator's own that comes back is older than what it knows, unless it came from another. */
    private void evacuating(String id, Optional<Evacuation> evacuation) {
        boolean mine = evacuation.map(Evacuation::getNode).filter(this::isMine).isPresent();
        if (!mine || fleet.evacuation(id).isEmpty()) {
            fleet.evacuating(id, evacuation);
        }
        coordinator.nudge();
    }

    private void requested(Event<MigrationRequested> event) {
        if (event.data().getWorkload().isEmpty()) {
            coordinator.requested(event.header().id(), event.header().time(), event.data());
        }
    }

    private boolean isMine(String key) {
        EventConsumer member = requests;
        return member != null && member.holds(EventType.MIGRATION_REQUESTED, key);
    }

    /** Gives its share back, so that another one goes on at once. What moves goes on to move. */
    @Override
    public void close() {
        coordinator.close();
        requests.close();
        epochs.close();
        answers.close();
        evacuations.close();
        publisher.close();
    }

    private final class Ports implements CoordinatorPorts {
        private final EventPublisher remover;

        Ports(EventPublisher remover) {
            this.remover = remover;
        }

        @Override
        public boolean isMine(String key) {
            return KafkaCoordinator.this.isMine(key);
        }

        @Override
        public void record(Evacuation evacuation) {
            say(EventType.EVACUATIONS, UUID.randomUUID().toString(), evacuation);
        }

        @Override
        public void forget(String evacuation) {
            remover.remove(EventType.EVACUATIONS, evacuation, SAY_LIMIT);
        }

        @Override
        public void ask(EvacuationRun.Ask ask) {
            say(EventType.MIGRATION_REQUESTED, ask.id(), ask.request());
        }

        @Override
        public void refuse(MigrationFailed answer) {
            say(EventType.MIGRATION_FAILED, UUID.randomUUID().toString(), answer);
        }

        @Override
        public void specify(WorkloadSpec spec) {
            say(EventType.WORKLOADS, UUID.randomUUID().toString(), spec);
        }

        private <T extends Message> void say(EventType<T> type, String id, T data) {
            try {
                publisher.send(type, id, data).get(2 * SAY_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            } catch (ExecutionException e) {
                throw e.getCause() instanceof DecampException d ? d : notSaid(type, e.getCause());
            } catch (TimeoutException e) {
                throw notSaid(type, e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw notSaid(type, e);
            }
        }

        private DecampException notSaid(EventType<?> type, Throwable cause) {
            return DecampException.retry(
                    "broker-unreachable",
                    "An event for topic " + type.topic() + " was not acknowledged",
                    "It is tried again",
                    cause);
        }
    }
}
