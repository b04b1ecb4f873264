package io.decamp.edge.kafka;

import io.decamp.contracts.error.DecampException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.WakeupException;
import org.jboss.logging.Logger;

/**
 * One thread that reads: opens a consumer, hands records to its {@link Work}, and opens another one after a failure,
 * for as long as it takes. It ends by {@link #close}, or when the work says that going on would be wrong.
 */
final class PollLoop implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(PollLoop.class);

    /** Records arrive at once; this is only how often the work is called without any. */
    private static final Duration POLL = Duration.ofSeconds(1);
    /** A consumer whose broker is gone has nothing to say goodbye to. */
    private static final Duration CLOSE = Duration.ofMillis(500);

    /** What is done with records. Called by the loop's thread only. */
    interface Work {
        /** Assigns and seeks. Called for each consumer: the first, and every one after a failure. */
        void begin(Consumer<String, byte[]> consumer);

        /** Called after every poll, also with no records. */
        void records(Consumer<String, byte[]> consumer, ConsumerRecords<String, byte[]> records)
                throws InterruptedException;

        /** Before an open consumer is closed. */
        default void end(Consumer<String, byte[]> consumer) {}

        /** What a failure means: null when another consumer may do better. */
        default DecampException fatal(RuntimeException failure) {
            return null;
        }

        /** The loop has ended for ever, other than by being closed. */
        void stopped(DecampException why);
    }

    private final String name;
    private final Supplier<Consumer<String, byte[]>> opener;
    private final Work work;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread thread;
    private volatile Consumer<String, byte[]> open;

    PollLoop(String name, Supplier<Consumer<String, byte[]>> opener, Work work) {
        this.name = name;
        this.opener = opener;
        this.work = work;
        this.thread = Thread.ofPlatform().name(name).daemon().unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    boolean isClosed() {
        return closed.getCount() == 0;
    }

    /** Waits for what is being handled, unless it is the loop's own thread that closes. */
    @Override
    public void close() {
        closed.countDown();
        Consumer<String, byte[]> consumer = open;
        if (consumer != null) {
            consumer.wakeup();
        }
        if (Thread.currentThread() != thread && thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** For work that waits between attempts: ends with the loop. */
    BackOff backOff(String what) {
        return new BackOff(LOG, what, closed);
    }

    private void run() {
        BackOff backOff = backOff(name);
        try {
            boolean more = true;
            while (more && !isClosed()) {
                try {
                    readUntilClosed(backOff);
                } catch (WakeupException e) {
                    more = !isClosed();
                } catch (KafkaException | DecampRetry e) {
                    DecampException fatal = work.fatal(e);
                    if (fatal != null) {
                        throw fatal;
                    }
                    more = backOff.await(e);
                }
            }
        } catch (DecampException e) {
            LOG.errorf("%s has stopped: %s. %s", name, e.getMessage(), e.advice());
            work.stopped(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            LOG.errorf(e, "%s has stopped by a defect", name);
            work.stopped(DecampException.fatal(
                    "reader-stopped", name + " has stopped by a defect", "Restart the service and report the log", e));
        }
    }

    private void readUntilClosed(BackOff backOff) throws InterruptedException {
        Consumer<String, byte[]> consumer = opener.get();
        open = consumer;
        try {
            work.begin(consumer);
            backOff.succeeded();
            while (!isClosed()) {
                work.records(consumer, consumer.poll(POLL));
            }
            work.end(consumer);
        } finally {
            open = null;
            consumer.close(CloseOptions.timeout(CLOSE));
        }
    }

    /** Something is not there yet. */
    static final class DecampRetry extends RuntimeException {
        DecampRetry(String message) {
            super(message);
        }
    }
}
