package io.decamp.edge.kafka;

import io.decamp.contracts.error.DecampException;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.jboss.logging.Logger;

/**
 * Between those who must not wait and a producer that may: its {@code send} blocks while no broker answers. One thread
 * sends, in the order of arrival.
 */
final class PublishQueue implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(PublishQueue.class);

    /** All that waits for an acknowledgement: some seconds of a busy node's reports, a few hundred KiB. */
    static final int CAPACITY = 2_048;
    /** The upper half is kept for what is not said again. */
    static final int EXPENDABLE_CAPACITY = CAPACITY / 2;
    /** A broker that restarts is back before; later, nobody is interested. */
    static final Duration GIVE_UP_AFTER = Duration.ofMinutes(5);
    /** A command line that ends, or a service that stops, waits so long for its last words. */
    static final Duration CLOSE_WITHIN = Duration.ofSeconds(2);

    private record Waiting(ProducerRecord<String, byte[]> event, CompletableFuture<Void> acknowledged) {}

    private final Bus bus;
    private final BlockingQueue<Waiting> queue = new ArrayBlockingQueue<>(CAPACITY);
    private final AtomicInteger pending = new AtomicInteger();
    private final AtomicLong dropped = new AtomicLong();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final CountDownLatch drained = new CountDownLatch(1);
    private final Thread thread;

    PublishQueue(Bus bus) {
        this.bus = bus;
        this.thread =
                Thread.ofPlatform().name(bus.clientId("publisher")).daemon().start(this::run);
    }

    /** @param expendable is dropped while half of the queue is taken */
    CompletableFuture<Void> offer(ProducerRecord<String, byte[]> event, boolean expendable) {
        if (closed.getCount() == 0) {
            return drop(event.topic(), "the publisher is closed");
        }
        int limit = expendable ? EXPENDABLE_CAPACITY : CAPACITY;
        if (pending.incrementAndGet() > limit) {
            pending.decrementAndGet();
            return drop(event.topic(), limit + " events wait for a broker already");
        }
        Waiting waiting = new Waiting(event, new CompletableFuture<>());
        queue.add(waiting);
        return waiting.acknowledged();
    }

    <R> CompletableFuture<R> drop(String topic, Exception why) {
        long count = dropped.incrementAndGet();
        // the 1st, 2nd, 4th, 8th...
        if (Long.bitCount(count) == 1) {
            LOG.warnf("Dropped an event for topic %s, %d in all: %s", topic, count, why.getMessage());
        }
        return CompletableFuture.failedFuture(why);
    }

    long dropped() {
        return dropped.get();
    }

    int pending() {
        return pending.get();
    }

    @Override
    public void close() {
        closed.countDown();
        thread.interrupt();
        try {
            if (!drained.await(2 * CLOSE_WITHIN.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warnf("%d events are given up: no broker answers", pending.get());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private CompletableFuture<Void> drop(String topic, String why) {
        return drop(
                topic,
                DecampException.retry(
                        "event-dropped",
                        "An event for topic " + topic + " was dropped: " + why,
                        "Check that a broker answers on " + bus.settings().bootstrap(),
                        null));
    }

    private void run() {
        BackOff backOff = new BackOff(LOG, "Publishing", closed);
        int giveUpMillis = (int) GIVE_UP_AFTER.toMillis();
        try {
            boolean more = true;
            while (more && closed.getCount() > 0) {
                try (Sending sending =
                        new Sending(bus.settings().producer(bus.clientId("publisher"), giveUpMillis, giveUpMillis))) {
                    sending.untilClosed();
                } catch (InterruptException e) {
                    more = false;
                } catch (KafkaException e) {
                    more = backOff.await(e);
                }
            }
        } catch (InterruptedException e) {
            // closed: what is left is dropped below
        } finally {
            for (Waiting left = queue.poll(); left != null; left = queue.poll()) {
                done(left, new InterruptException("closed"));
            }
            drained.countDown();
        }
    }

    private void done(Waiting waiting, Exception failure) {
        pending.decrementAndGet();
        if (failure == null) {
            waiting.acknowledged().complete(null);
        } else {
            drop(waiting.event().topic(), failure);
            waiting.acknowledged().completeExceptionally(failure);
        }
    }

    /** One producer's life. */
    private final class Sending implements AutoCloseable {
        private final Producer<String, byte[]> producer;

        Sending(Producer<String, byte[]> producer) {
            this.producer = producer;
        }

        void untilClosed() throws InterruptedException {
            try {
                while (closed.getCount() > 0) {
                    send(queue.take());
                }
            } catch (InterruptedException e) {
                if (closed.getCount() > 0) {
                    throw e;
                }
            }
            // an interrupt left over would make the producer's own close give up what is on its way
            Thread.interrupted();
            for (Waiting left = queue.poll(); left != null; left = queue.poll()) {
                send(left);
            }
        }

        private void send(Waiting waiting) {
            try {
                producer.send(waiting.event(), (metadata, failure) -> done(waiting, failure));
            } catch (RuntimeException e) {
                done(waiting, e);
                throw e;
            }
        }

        /** Lets the producer deliver for a moment, and fails the rest; all of it when it knows of no broker. */
        @Override
        public void close() {
            // still set only when the producer was interrupted while it looked for a broker
            boolean inVain = Thread.interrupted();
            producer.close(inVain ? Duration.ZERO : CLOSE_WITHIN);
        }
    }
}
