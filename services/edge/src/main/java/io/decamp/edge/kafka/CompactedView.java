package io.decamp.edge.kafka;

import com.google.protobuf.Message;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventCodec;
import io.decamp.contracts.event.EventType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

/**
 * The latest message of each key of a compacted topic. A record that can't be decoded leaves the last good one in
 * place. Goes on by itself when the brokers were away; what it says may then be old.
 */
public final class CompactedView<T extends Message> implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(CompactedView.class);

    /** More keys than that are no desired state but a defect; a fleet has a few thousand workloads. */
    static final int MAX_KEYS = 100_000;

    private final EventType<T> type;
    private final PollLoop loop;
    private final CompletableFuture<Void> caughtUp = new CompletableFuture<>();
    private final Map<String, T> latest = new LinkedHashMap<>();
    private final List<BiConsumer<String, Optional<T>>> listeners = new ArrayList<>();

    private CompactedView(Bus bus, EventType<T> type) {
        this.type = type;
        this.loop = new PollLoop(
                "decamp-view-" + type.topic(),
                () -> bus.settings().consumer(bus.clientId("view-" + type.topic()), null, "earliest"),
                new Reading());
    }

    /** Of {@link EventType#WORKLOADS} or {@link EventType#NODES}. Connects in the background. */
    public static <T extends Message> CompactedView<T> start(Bus bus, EventType<T> type) {
        CompactedView<T> view = new CompactedView<>(bus, type);
        view.loop.start();
        return view;
    }

    public Optional<T> get(String key) {
        synchronized (latest) {
            return Optional.ofNullable(latest.get(key));
        }
    }

    /** A copy, in the order in which the keys appeared. */
    public Map<String, T> all() {
        synchronized (latest) {
            return new LinkedHashMap<>(latest);
        }
    }

    /**
     * Tells all that is known and then every change, in order, an empty value for a removed key. Called while no other
     * change can happen: be short, and do not wait for another thread that asks this view.
     */
    public void onChange(BiConsumer<String, Optional<T>> listener) {
        synchronized (latest) {
            listeners.add(listener);
            latest.forEach((key, value) -> tell(listener, key, Optional.of(value)));
        }
    }

    public boolean isCaughtUp() {
        return caughtUp.isDone() && !caughtUp.isCompletedExceptionally();
    }

    /** @throws DecampException {@code broker-unreachable}: what was there at the start is not read yet */
    public void awaitCaughtUp(Duration limit) {
        try {
            caughtUp.get(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException | ExecutionException e) {
            throw notRead(limit, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw notRead(limit, e);
        }
    }

    @Override
    public void close() {
        loop.close();
    }

    private DecampException notRead(Duration limit, Exception cause) {
        return DecampException.retry(
                "broker-unreachable",
                "Topic " + type.topic() + " is not read to its end after " + limit.toMillis() + " ms",
                "Check that a broker answers and has the topic",
                cause);
    }

    private void apply(ConsumerRecord<String, byte[]> record) {
        Optional<T> value = Optional.empty();
        if (record.value() != null) {
            try {
                value = Optional.of(
                        EventCodec.decode(type, RecordMapper.toRaw(record)).data());
            } catch (DecampException e) {
                LOG.errorf("The last good value of key %s stays: %s", record.key(), e.getMessage());
                return;
            }
        }
        synchronized (latest) {
            put(record.key(), value);
        }
    }

    private void put(String key, Optional<T> value) {
        if (value.isPresent() && latest.size() >= MAX_KEYS && !latest.containsKey(key)) {
            throw DecampException.fatal(
                    "view-too-large",
                    "Topic " + type.topic() + " has more than " + MAX_KEYS + " keys",
                    "Remove keys that nobody needs by writing tombstones",
                    null);
        }
        value.ifPresentOrElse(message -> latest.put(key, message), () -> latest.remove(key));
        listeners.forEach(listener -> tell(listener, key, value));
    }

    private void tell(BiConsumer<String, Optional<T>> listener, String key, Optional<T> value) {
        try {
            listener.accept(key, value);
        } catch (RuntimeException e) {
            LOG.errorf(e, "A listener of topic %s failed on key %s", type.topic(), key);
        }
    }

    private final class Reading implements PollLoop.Work {
        private final Map<TopicPartition, Long> next = new LinkedHashMap<>();
        private Map<TopicPartition, Long> ends;

        @Override
        public void begin(Consumer<String, byte[]> consumer) {
            var partitions = Partitions.of(consumer, Set.of(type.topic()));
            consumer.assign(partitions);
            if (ends == null) {
                ends = consumer.endOffsets(partitions);
            }
            Map<TopicPartition, Long> beginnings = consumer.beginningOffsets(partitions);
            partitions.forEach(p -> consumer.seek(p, Math.max(next.getOrDefault(p, 0L), beginnings.get(p))));
            look(consumer);
        }

        @Override
        public void records(Consumer<String, byte[]> consumer, ConsumerRecords<String, byte[]> records) {
            for (ConsumerRecord<String, byte[]> record : records) {
                apply(record);
                next.put(new TopicPartition(record.topic(), record.partition()), record.offset() + 1);
            }
            look(consumer);
        }

        /** By position: the last offsets before the end may be compacted away. */
        private void look(Consumer<String, byte[]> consumer) {
            if (!caughtUp.isDone()
                    && ends.entrySet().stream().allMatch(e -> consumer.position(e.getKey()) >= e.getValue())) {
                caughtUp.complete(null);
            }
        }

        @Override
        public void stopped(DecampException why) {
            caughtUp.completeExceptionally(why);
        }
    }
}
