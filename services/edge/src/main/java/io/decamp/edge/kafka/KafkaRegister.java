package io.decamp.edge.kafka;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EncodedEvent;
import io.decamp.contracts.event.EventCodec;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.event.Topics;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.HandoffRegister;
import io.decamp.contracts.v1.HandoffRecord;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.jboss.logging.Logger;

/**
 * The register on topic {@code handoff}: reads partition 0 from its first record on, without a group, and folds it.
 * Only partition 0 is written and read, whatever others the topic has, so that the order is total.
 *
 * <p>Listeners hear of records that count and were read after the first catch-up; what was decided before is in
 * {@link #states()}. Register them before {@link #start}, and nothing falls in between. They run on one thread, and may
 * append.
 *
 * <p>What makes the fold untrustworthy stops it for good with a FATAL error from every method: records missing at the
 * beginning or in between ({@code register-incomplete}), a broker that lost acknowledged ones ({@code
 * register-rewound}), records of a version that this code can't read ({@code register-version-unknown}).
 */
public final class KafkaRegister implements HandoffRegister, AutoCloseable {
    private static final Logger LOG = Logger.getLogger(KafkaRegister.class);

    /** How long the producer itself tries: an append that was given up may arrive so much later, never after. */
    static final Duration GIVE_UP_AFTER = Duration.ofSeconds(10);
    /** One look for the topic's leader; the append's own limit decides how often it is repeated. */
    private static final Duration FIND_LEADER = Duration.ofMillis(500);

    private final Bus bus;
    private final RegisterState state;
    private final PollLoop loop;
    private final RegisterListeners listeners = new RegisterListeners();
    private final Producer<String, byte[]> producer;

    /** Connects in the background after {@link #start}. */
    public KafkaRegister(Bus bus) {
        this.bus = bus;
        this.state = new RegisterState(listeners::changed);
        this.loop = new PollLoop(
                "decamp-register",
                () -> bus.settings().consumer(bus.clientId("register"), null, "none"),
                new RegisterReader(state));
        this.producer = bus.settings()
                .producer(bus.clientId("register"), (int) GIVE_UP_AFTER.toMillis(), (int) FIND_LEADER.toMillis());
    }

    public void start() {
        listeners.start();
        loop.start();
    }

    @Override
    public void onChange(Listener listener) {
        listeners.add(listener);
    }

    /** @throws DecampException {@code register-not-read} before the first catch-up, or FATAL */
    @Override
    public HandoffState current(WorkloadId workload) {
        return state.current(workload);
    }

    /** All workloads that a record was ever read of. @throws DecampException as {@link #current} */
    public Map<WorkloadId, HandoffState> states() {
        return state.all();
    }

    /** Everything that was there when the reader first connected has been read. */
    public boolean isCaughtUp() {
        return state.isCaughtUp();
    }

    /** @throws DecampException {@code register-timeout}, or FATAL */
    public void awaitCaughtUp(Duration limit) {
        state.awaitCaughtUp(limit);
    }

    @Override
    public HandoffState append(WorkloadId workload, HandoffRecord record, Duration limit) {
        if (!record.getWorkload().equals(workload.value())) {
            throw DecampException.refused(
                    "register-workload-mismatch",
                    "A record of " + record.getWorkload() + " was appended for " + workload,
                    "Name the same workload twice");
        }
        state.check();
        long deadlineNanos = System.nanoTime() + limit.toNanos();
        long offset = send(record, deadlineNanos);
        try {
            return state.awaitRead(workload, offset, deadlineNanos);
        } catch (DecampException e) {
            throw e.category() == DecampException.Category.FATAL
                    ? e
                    : unreachable(workload, "is at offset " + offset + " and was not read back in time", e);
        }
    }

    @Override
    public HandoffState await(WorkloadId workload, Predicate<HandoffState> wanted, Duration limit) {
        return state.await(workload, wanted, limit);
    }

    /** Listeners that run are waited for; a waiting {@link #append} or {@link #await} fails by its own limit. */
    @Override
    public void close() {
        loop.close();
        listeners.close();
        producer.close(Duration.ZERO);
    }

    private long send(HandoffRecord record, long deadlineNanos) {
        WorkloadId workload = new WorkloadId(record.getWorkload());
        EncodedEvent event = EventCodec.encode(EventType.HANDOFF, bus.newHeader(EventType.HANDOFF), record);
        awaitLeader(workload, deadlineNanos);
        try {
            RecordMetadata written = producer.send(RecordMapper.toRecord(event, RegisterReader.PARTITION))
                    .get(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
            LOG.debugf("%s of %s is at offset %d", record.getStepCase(), workload, written.offset());
            return written.offset();
        } catch (ExecutionException e) {
            throw unreachable(workload, "was not acknowledged", e.getCause());
        } catch (TimeoutException e) {
            throw unreachable(workload, "was not acknowledged in time", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unreachable(workload, "was not waited for: interrupted", e);
        } catch (KafkaException | IllegalStateException e) {
            throw unreachable(workload, "was not sent", e);
        }
    }

    /** So that a record is only sent, and then possibly there, when there is a broker to send it to. */
    private void awaitLeader(WorkloadId workload, long deadlineNanos) {
        boolean known = false;
        while (!known) {
            try {
                known = !producer.partitionsFor(Topics.HANDOFF).isEmpty();
            } catch (org.apache.kafka.common.errors.TimeoutException e) {
                if (System.nanoTime() - deadlineNanos > 0) {
                    throw unreachable(workload, "was not sent: no broker leads the topic", e);
                }
            } catch (KafkaException | IllegalStateException e) {
                throw unreachable(workload, "was not sent", e);
            }
        }
    }

    private DecampException unreachable(WorkloadId workload, String what, Throwable cause) {
        return DecampException.retry(
                "register-unreachable",
                "A record for " + workload + " in topic " + Topics.HANDOFF + " " + what,
                "It may or may not be there: go by what is read once a broker answers on "
                        + bus.settings().bootstrap(),
                cause);
    }
}
