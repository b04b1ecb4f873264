package io.decamp.cli.launch;

import io.decamp.cli.Session;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.Event;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.event.MigrationFailedCodes;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Restored;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.Subscription;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Remembers what was said about one workload since this was opened, and lets a caller wait for something of it. */
public final class Watch implements AutoCloseable {
    private static final Duration READY_LIMIT = Duration.ofSeconds(15);

    private final WorkloadId workload;
    private final EventConsumer consumer;
    private final List<PagesDirty> epochs = new ArrayList<>();
    private final List<Restored> restored = new ArrayList<>();
    private final List<MigrationFailed> failures = new ArrayList<>();
    private final List<EvictionMeasured> measured = new ArrayList<>();
    private final List<Event<MigrationProgress>> progress = new ArrayList<>();

    private Watch(Session session, WorkloadId workload, Consumer<PagesDirty> onEpoch) {
        this.workload = workload;
        Subscription all = Subscription.fromEnd("watch-" + workload.fileName())
                .on(EventType.PAGES_DIRTY, e -> {
                    if (mine(e.data().getWorkload())) {
                        onEpoch.accept(e.data());
                        add(epochs, e.data());
                    }
                })
                .on(EventType.RESTORED, e -> {
                    if (mine(e.data().getWorkload())) {
                        add(restored, e.data());
                    }
                })
                .on(EventType.EVICTIONS, e -> {
                    if (mine(e.data().getWorkload())) {
                        add(measured, e.data());
                    }
                })
                .on(EventType.MIGRATION_PROGRESS, e -> {
                    if (mine(e.data().getWorkload())) {
                        add(progress, e);
                    }
                })
                .on(EventType.MIGRATION_FAILED, e -> {
                    boolean end = !e.data().getCode().equals(MigrationFailedCodes.STILL_FROZEN);
                    if (mine(e.data().getWorkload()) && end) {
                        add(failures, e.data());
                    }
                });
        consumer = EventConsumer.start(session.bus(), all, session.publisher());
    }

    /** @param onEpoch called with each epoch's report; must not block */
    public static Watch open(Session session, WorkloadId workload, Consumer<PagesDirty> onEpoch) {
        Watch watch = new Watch(session, workload, onEpoch);
        watch.consumer.awaitReady(READY_LIMIT);
        return watch;
    }

    private boolean mine(String id) {
        return id.equals(workload.value());
    }

    private synchronized <T> void add(List<T> list, T event) {
        list.add(event);
        notifyAll();
    }

    public synchronized List<PagesDirty> epochs() {
        return List.copyOf(epochs);
    }

    public synchronized List<MigrationFailed> failures() {
        return List.copyOf(failures);
    }

    /** What was told of running moves, in order. */
    public synchronized List<Event<MigrationProgress>> progress() {
        return List.copyOf(progress);
    }

    /** Waits until {@code count} more epochs were reported than {@code seen}. */
    public void awaitEpochs(int seen, int count, Duration limit) {
        await(limit, count + " epochs of " + workload, () -> epochs.size() >= seen + count ? Optional.of(true) : Optional.empty());
    }

    /** @throws DecampException what the migration failed with, or {@code no-answer} */
    public Restored awaitRestored(String migration, Duration limit) {
        return await(limit, "migration " + migration, () -> {
            requireNotFailed(migration);
            return restored.stream()
                    .filter(r -> r.getMigration().equals(migration))
                    .findFirst();
        });
    }

    /** What an eviction or a dry run took. @throws DecampException as {@link #awaitRestored} */
    public EvictionMeasured awaitMeasured(String migration, Duration limit) {
        return await(limit, "the times of migration " + migration, () -> {
            requireNotFailed(migration);
            return measured.stream()
                    .filter(m -> m.getMigration().equals(migration))
                    .findFirst();
        });
    }

    private void requireNotFailed(String migration) {
        failures.stream().filter(f -> f.getMigration().equals(migration)).findFirst().ifPresent(f -> {
            throw DecampException.abort(
                    f.getCode(), f.getReason() + " [" + f.getNode() + ", " + f.getStep() + "]", f.getAdvice(), null);
        });
    }

    /** Waits for the first failure that is told of the workload. */
    public MigrationFailed awaitFailure(Duration limit) {
        return await(limit, "a failure of " + workload, () -> failures.stream().findFirst());
    }

    private synchronized <T> T await(Duration limit, String what, Supplier<Optional<T>> condition) {
        long end = System.nanoTime() + limit.toNanos();
        try {
            while (true) {
                Optional<T> found = condition.get();
                if (found.isPresent()) {
                    return found.get();
                }
                long left = (end - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    String last = failures.isEmpty() ? "" : "; last failure: " + failures.getLast().getReason();
                    throw DecampException.retry(
                            "no-answer", "Waited " + limit.toSeconds() + " s for " + what + last, "Read the nodes' logs", null);
                }
                wait(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DecampException.retry("interrupted", "Interrupted while waiting for " + what, "Ask again", e);
        }
    }

    @Override
    public void close() {
        consumer.close();
    }
}
