package io.decamp.edge.kafka;

import com.google.protobuf.Message;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.error.DecampException.Category;
import io.decamp.contracts.event.Event;
import io.decamp.contracts.event.EventCodec;
import io.decamp.contracts.event.EventHeader;
import io.decamp.contracts.event.EventType;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.jboss.logging.Logger;

/**
 * Reads events on a thread of its own and hands them to the handlers of a {@link Subscription}: decoded, once each
 * within {@link SeenIds#WINDOW}, in the trace they were said in. A broken record goes to the dead letters and never
 * blocks what follows. What was handled is committed afterwards, so that an event may come again after a crash, never
 * be skipped. Goes on by itself when the brokers were away.
 */
public final class EventConsumer implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(EventConsumer.class);

    /** 0.6 s with the waits in between: others behind this event wait as well. */
    static final int MAX_ATTEMPTS = 6;

    private final Bus bus;
    private final Subscription subscription;
    private final Optional<DeadLetters> deadLetters;
    private final SeenIds seen = new SeenIds();
    private final ReadPositions positions;
    private final PollLoop loop;
    private final CompletableFuture<Void> ready = new CompletableFuture<>();
    private final CompletableFuture<Void> caughtUp = new CompletableFuture<>();
    private final AtomicLong handled = new AtomicLong();

    private EventConsumer(Bus bus, Subscription subscription, EventPublisher publisher) {
        this.bus = bus;
        this.subscription = subscription;
        this.deadLetters = Optional.ofNullable(publisher)
                .map(p -> new DeadLetters(p, bus.source() + "/" + subscription.name()));
        this.positions = new ReadPositions(subscription, bus.clock());
        this.loop = new PollLoop(subscription.name(), this::open, new Reading());
    }

    private Consumer<String, byte[]> open() {
        String client = bus.clientId(subscription.name());
        return subscription.isShared()
                ? bus.settings().member(client, subscription.groupId())
                : bus.settings().consumer(client, subscription.groupId(), "earliest");
    }

    /** @param publisher takes the dead letters; stays open when this is closed */
    public static EventConsumer start(Bus bus, Subscription subscription, EventPublisher publisher) {
        EventConsumer consumer = new EventConsumer(bus, subscription, publisher);
        consumer.loop.start();
        return consumer;
    }

    /**
     * For those whom the events are not addressed to, who only look on, perhaps without a right to write: what is
     * broken is passed over, as whom it is addressed to puts it aside.
     */
    public static EventConsumer observe(Bus bus, Subscription subscription) {
        return start(bus, subscription, null);
    }

    /**
     * Returns when reading has a place to start from: what is published from now on will be seen.
     *
     * @throws DecampException {@code broker-unreachable}; the consumer goes on trying
     */
    public void awaitReady(Duration limit) {
        await(ready, limit);
    }

    /**
     * Returns when all that was there when this was started is handled. With a start in the past, that is the past.
     *
     * @throws DecampException {@code broker-unreachable}; the consumer goes on trying
     */
    public void awaitCaughtUp(Duration limit) {
        await(caughtUp, limit);
    }

    private void await(CompletableFuture<Void> reached, Duration limit) {
        try {
            reached.get(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw unreachable(limit, e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof DecampException d ? d : unreachable(limit, e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unreachable(limit, e);
        }
    }

    public boolean isReady() {
        return ready.isDone() && !ready.isCompletedExceptionally();
    }

    /**
     * Of a shared subscription: whether this member is the one that reads what is said under a key. What it held falls
     * to another one when it has not asked the brokers for as long as a session lasts, even while it does not know that
     * yet.
     */
    public boolean holds(EventType<?> type, String key) {
        return positions.holds(type.topic(), key);
    }

    /** Events that a handler has seen, since the start. */
    public long handled() {
        return handled.get();
    }

    /** Waits for the handler that is running. */
    @Override
    public void close() {
        loop.close();
    }

    private DecampException unreachable(Duration limit, Throwable cause) {
        return DecampException.retry(
                "broker-unreachable",
                "Topics " + subscription.routes().keySet() + " can't be read after " + limit.toMillis() + " ms",
                "Check that a broker answers on " + bus.settings().bootstrap() + " and has the topics",
                cause);
    }

    private <T extends Message> void route(Subscription.Route<T> route, ConsumerRecord<String, byte[]> record)
            throws InterruptedException {
        try {
            Event<T> event = EventCodec.decode(route.type(), RecordMapper.toRaw(record));
            if (seen.contains(event.header())) {
                LOG.debugf(
                        "Event %s of %s came again",
                        event.header().id(), event.header().source());
                return;
            }
            handleInTrace(route, event, record);
            seen.add(event.header());
            handled.incrementAndGet();
        } catch (DecampException e) {
            if (deadLetters.isPresent()) {
                deadLetters.get().add(record, e);
            } else {
                LOG.debugf("Passed over a record of %s: %s", record.topic(), e.getMessage());
            }
        }
    }

    private <T extends Message> void handleInTrace(
            Subscription.Route<T> route, Event<T> event, ConsumerRecord<String, byte[]> record)
            throws InterruptedException {
        Span span = span(route.type(), event.header(), record);
        try (Scope _ = span.makeCurrent()) {
            handle(route, event);
        } catch (DecampException e) {
            span.setStatus(StatusCode.ERROR, e.getMessage());
            throw e;
        } finally {
            span.end();
        }
    }

    /** What belongs to no trace starts none, except for a request: it is what traces are about. */
    private Span span(EventType<?> type, EventHeader header, ConsumerRecord<String, byte[]> record) {
        Context parent = TraceHeaders.extract(bus.telemetry(), header);
        boolean traced = Span.fromContext(parent).getSpanContext().isValid();
        if (!traced && type != EventType.MIGRATION_REQUESTED) {
            return Span.getInvalid();
        }
        return bus.telemetry()
                .getTracer("io.decamp.edge")
                .spanBuilder(type.topic() + " process")
                .setParent(parent)
                .setSpanKind(SpanKind.CONSUMER)
                .setAttribute("messaging.system", "kafka")
                .setAttribute("messaging.destination.name", type.topic())
                .setAttribute("messaging.kafka.offset", record.offset())
                .setAttribute("cloudevents.event_id", header.id())
                .startSpan();
    }

    private <T extends Message> void handle(Subscription.Route<T> route, Event<T> event) throws InterruptedException {
        BackOff backOff = loop.backOff("Handling event " + event.header().id());
        for (int attempt = 1; ; attempt++) {
            try {
                route.handler().accept(event);
                return;
            } catch (DecampException e) {
                if (e.category() != Category.RETRY || attempt == MAX_ATTEMPTS || !backOff.await(e)) {
                    throw e;
                }
            } catch (RuntimeException e) {
                LOG.errorf(e, "The handler of %s has a defect", route.type());
                throw DecampException.fatal(
                        "handler-failed",
                        "The handler of " + route.type() + " failed with " + e,
                        "Report the service's log",
                        e);
            }
        }
    }

    private final class Reading implements PollLoop.Work {
        @Override
        public void begin(Consumer<String, byte[]> consumer) {
            positions.begin(consumer);
            ready.complete(null);
            look(consumer);
        }

        @Override
        public void records(Consumer<String, byte[]> consumer, ConsumerRecords<String, byte[]> records)
                throws InterruptedException {
            for (ConsumerRecord<String, byte[]> record : records) {
                route(subscription.routes().get(record.topic()), record);
                positions.handled(record);
                if (loop.isClosed()) {
                    break;
                }
            }
            positions.asked();
            look(consumer);
            positions.commit(consumer, !records.isEmpty());
            positions.followNewPartitions(consumer);
        }

        private void look(Consumer<String, byte[]> consumer) {
            if (!caughtUp.isDone() && positions.caughtUp(consumer)) {
                caughtUp.complete(null);
            }
        }

        @Override
        public void end(Consumer<String, byte[]> consumer) {
            positions.commitNow(consumer);
        }

        @Override
        public void stopped(DecampException why) {
            ready.completeExceptionally(why);
            caughtUp.completeExceptionally(why);
        }
    }
}
