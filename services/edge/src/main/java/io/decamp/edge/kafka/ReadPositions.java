package io.decamp.edge.kafka;

import io.decamp.edge.kafka.Subscription.From;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.utils.Utils;
import org.jboss.logging.Logger;

/**
 * Where reading stands in each partition: kept across consumers, and with the group where there is one. Assigned by
 * hand where a group has one member and there is nothing to balance; by the group where its members share. One thread,
 * but for {@link #holds}.
 */
final class ReadPositions {
    private static final Logger LOG = Logger.getLogger(ReadPositions.class);

    /** On the way out; what is not committed comes again. */
    private static final Duration LAST_COMMIT = Duration.ofMillis(500);
    /** Partitions are added by people. */
    private static final long LOOK_FOR_PARTITIONS_NANOS = Duration.ofMinutes(1).toNanos();

    private final Subscription subscription;
    private final Clock clock;
    private final Map<TopicPartition, Long> next = new HashMap<>();
    private Map<TopicPartition, Long> firstEnds;
    private long lookedNanos;
    private volatile Held held = Held.NOTHING;
    private volatile long askedNanos = System.nanoTime();

    ReadPositions(Subscription subscription, Clock clock) {
        this.subscription = subscription;
        this.clock = clock;
    }

    void begin(Consumer<String, byte[]> consumer) {
        if (subscription.isShared()) {
            firstEnds = Map.of();
            consumer.subscribe(subscription.routes().keySet(), new Share(consumer));
            return;
        }
        List<TopicPartition> partitions =
                Partitions.of(consumer, subscription.routes().keySet());
        assign(consumer, partitions);
        if (firstEnds == null) {
            firstEnds = consumer.endOffsets(partitions);
        }
        lookedNanos = System.nanoTime();
    }

    /** All that was there at the first {@link #begin} is handled. */
    boolean caughtUp(Consumer<String, byte[]> consumer) {
        return firstEnds.entrySet().stream().allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
    }

    void handled(ConsumerRecord<?, ?> record) {
        next.put(new TopicPartition(record.topic(), record.partition()), record.offset() + 1);
    }

    /** Without waiting: a commit that is lost only makes events come again. */
    void commit(Consumer<String, byte[]> consumer, boolean any) {
        if (any && subscription.groupId() != null) {
            consumer.commitAsync(offsets(), (offsets, failure) -> {
                if (failure != null) {
                    LOG.debugf("Offsets of %s are not committed: %s", subscription.name(), failure.toString());
                }
            });
        }
    }

    void commitNow(Consumer<String, byte[]> consumer) {
        if (subscription.groupId() != null && !next.isEmpty()) {
            try {
                consumer.commitSync(offsets(), LAST_COMMIT);
            } catch (KafkaException e) {
                LOG.infof("The last offsets of %s are not committed: %s", subscription.name(), e.toString());
            }
        }
    }

    /** From its cached metadata, which the consumer refreshes itself. */
    void followNewPartitions(Consumer<String, byte[]> consumer) {
        if (subscription.isShared() || System.nanoTime() - lookedNanos < LOOK_FOR_PARTITIONS_NANOS) {
            return;
        }
        lookedNanos = System.nanoTime();
        List<TopicPartition> all = Partitions.of(consumer, subscription.routes().keySet());
        Set<TopicPartition> added = new HashSet<>(all);
        added.removeAll(consumer.assignment());
        if (!added.isEmpty()) {
            LOG.infof("%s reads added partitions %s", subscription.name(), added);
            // nothing of them was seen yet: not even what "from the end" would pass over
            added.forEach(partition -> next.put(partition, 0L));
            assign(consumer, all);
        }
    }

    private void assign(Consumer<String, byte[]> consumer, List<TopicPartition> partitions) {
        consumer.assign(partitions);
        Set<TopicPartition> fresh = new HashSet<>(partitions);
        fresh.removeAll(next.keySet());
        if (!fresh.isEmpty()) {
            next.putAll(start(consumer, fresh));
        }
        partitions.forEach(partition -> consumer.seek(partition, next.get(partition)));
    }

    private Map<TopicPartition, Long> start(Consumer<String, byte[]> consumer, Set<TopicPartition> fresh) {
        return switch (subscription.from()) {
            case From.End() -> consumer.endOffsets(fresh);
            case From.Beginning() -> consumer.beginningOffsets(fresh);
            case From.Recent(Duration lookBack) -> {
                long since = clock.instant().minus(lookBack).toEpochMilli();
                yield recent(consumer, fresh.stream().collect(Collectors.toMap(p -> p, p -> since)));
            }
            case From.Group(String id, Duration lookBack) -> ofGroup(consumer, fresh, lookBack);
            case From.Shared(String id, Duration lookBack) -> ofGroup(consumer, fresh, lookBack);
        };
    }

    private Map<TopicPartition, Long> ofGroup(
            Consumer<String, byte[]> consumer, Set<TopicPartition> fresh, Duration lookBack) {
        Map<TopicPartition, Long> start = new HashMap<>();
        Map<TopicPartition, Long> unknown = new HashMap<>();
        Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(fresh);
        long since = clock.instant().minus(lookBack).toEpochMilli();
        for (TopicPartition partition : fresh) {
            OffsetAndMetadata known = committed.get(partition);
            if (known != null) {
                start.put(partition, known.offset());
            } else {
                unknown.put(partition, since);
            }
        }
        if (!unknown.isEmpty()) {
            start.putAll(recent(consumer, unknown));
        }
        return start;
    }

    private static Map<TopicPartition, Long> recent(
            Consumer<String, byte[]> consumer, Map<TopicPartition, Long> since) {
        Collection<TopicPartition> partitions = since.keySet();
        // the ends first: what is written in between is then read, not passed over
        Map<TopicPartition, Long> start = new HashMap<>(consumer.endOffsets(partitions));
        for (Map.Entry<TopicPartition, OffsetAndTimestamp> first :
                consumer.offsetsForTimes(since).entrySet()) {
            if (first.getValue() != null) {
                start.put(first.getKey(), first.getValue().offset());
            }
        }
        return start;
    }

    /** The brokers were asked, and what they gave is handled. */
    void asked() {
        askedNanos = System.nanoTime();
    }

    /** By any thread. A member that has not asked for a session may have been given up without knowing it. */
    boolean holds(String topic, String key) {
        boolean alive = System.nanoTime() - askedNanos < TimeUnit.MILLISECONDS.toNanos(KafkaSettings.MEMBER_SESSION_MS);
        Integer partitions = held.partitions().get(topic);
        if (!alive || partitions == null) {
            return false;
        }
        int hash = Utils.toPositive(Utils.murmur2(key.getBytes(StandardCharsets.UTF_8)));
        return held.mine().contains(new TopicPartition(topic, hash % partitions));
    }

    /** What this member reads, and how many partitions each topic has: a key's is found as a producer finds it. */
    private record Held(Set<TopicPartition> mine, Map<String, Integer> partitions) {
        static final Held NOTHING = new Held(Set.of(), Map.of());
    }

    /** Follows what the group gives this member and takes from it. Called by the consumer's thread, within a poll. */
    private final class Share implements ConsumerRebalanceListener {
        private final Consumer<String, byte[]> consumer;

        Share(Consumer<String, byte[]> consumer) {
            this.consumer = consumer;
            forget(Set.copyOf(next.keySet()));
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> given) {
            if (!given.isEmpty()) {
                LOG.infof("%s is given %s", subscription.name(), given);
                next.putAll(start(consumer, Set.copyOf(given)));
                given.forEach(partition -> consumer.seek(partition, next.get(partition)));
            }
            hold();
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> taken) {
            if (!taken.isEmpty()) {
                LOG.infof("%s gives back %s", subscription.name(), taken);
                commitNow(consumer);
            }
            forget(taken);
        }

        @Override
        public void onPartitionsLost(Collection<TopicPartition> lost) {
            LOG.warnf("%s was given up by its group and has lost %s", subscription.name(), lost);
            forget(lost);
        }

        private void forget(Collection<TopicPartition> gone) {
            gone.forEach(next::remove);
            hold();
        }

        private void hold() {
            Map<String, Integer> partitions = new HashMap<>();
            next.keySet().stream()
                    .map(TopicPartition::topic)
                    .distinct()
                    .forEach(topic ->
                            partitions.put(topic, consumer.partitionsFor(topic).size()));
            held = next.isEmpty() ? Held.NOTHING : new Held(Set.copyOf(next.keySet()), partitions);
        }
    }

    private Map<TopicPartition, OffsetAndMetadata> offsets() {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        next.forEach((partition, offset) -> offsets.put(partition, new OffsetAndMetadata(offset)));
        return offsets;
    }
}
