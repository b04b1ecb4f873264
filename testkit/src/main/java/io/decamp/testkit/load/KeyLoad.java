package io.decamp.testkit.load;

import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A client of a key-value server that measures how long answers take. Paced, it is an open loop: requests are due at
 * times that do not depend on answers, and a latency is counted from when its request was due, so that a server which
 * stands still is charged with every request that had to wait meanwhile (no coordinated omission). Arrivals are a Poisson
 * process of a seed. Each value that is read is checked.
 */
final class KeyLoad implements AutoCloseable {
    /** After the last request: a server that needs longer for an answer does not serve. */
    private static final long DRAIN_NANOS = TimeUnit.SECONDS.toNanos(10);

    private static final long SELECT_MILLIS = 100;

    private final Selector selector = Selector.open();
    private final List<LoadConnection> connections = new ArrayList<>();
    private final Latencies latencies = new Latencies();
    private final int keys;
    private final int setPercent;
    private SplittableRandom random;
    private long version;

    /** @param setPercent requests of a hundred that write */
    KeyLoad(KeyProtocol protocol, int port, int connections, int keys, int valueBytes, int setPercent)
            throws IOException {
        this.keys = keys;
        this.setPercent = setPercent;
        for (int i = 0; i < connections; i++) {
            this.connections.add(new LoadConnection(selector, port, protocol, valueBytes));
        }
    }

    /** What a window has shown. Latencies in microseconds. */
    record Window(long answers, double seconds, double p50, double p99, double p999, double max, long wrong) {}

    /** Writes every key once. */
    Window fill() throws IOException {
        int[] next = {0};
        return closed(Long.MAX_VALUE, c -> {
            if (next[0] < keys) {
                c.set(System.nanoTime(), next[0]++, ++version);
            }
        });
    }

    /** As many requests as the server answers, one at a time on each connection. */
    Window saturate(double seconds, long seed) throws IOException {
        random = new SplittableRandom(seed);
        return closed(System.nanoTime() + (long) (seconds * 1e9), c -> request(c, System.nanoTime()));
    }

    private interface Next {
        void on(LoadConnection connection) throws IOException;
    }

    private Window closed(long untilNanos, Next next) throws IOException {
        latencies.clear();
        long begin = System.nanoTime();
        LoadConnection.Sink sink = (connection, intended, now) -> {
            latencies.add(now - intended);
            if (now < untilNanos) {
                next.on(connection);
            }
        };
        for (LoadConnection c : connections) {
            next.on(c);
        }
        while (!allIdle()) {
            select(sink);
        }
        return window(System.nanoTime() - begin);
    }

    /** So many requests a second, on one connection after the other. */
    Window pace(double perSecond, double seconds, long seed) throws IOException {
        random = new SplittableRandom(seed);
        latencies.clear();
        Receiver receiver = new Receiver();
        Thread thread = Thread.ofPlatform().name("answers").start(receiver);
        long begin = System.nanoTime();
        double due = 0;
        try {
            for (long i = 0; due < seconds && receiver.failure == null; i++) {
                long at = begin + (long) (due * 1e9);
                for (long left = at - System.nanoTime(); left > 0; left = at - System.nanoTime()) {
                    LockSupport.parkNanos(left);
                }
                request(connections.get((int) (i % connections.size())), at);
                due += -Math.log(1 - random.nextDouble()) / perSecond;
            }
        } finally {
            receiver.end();
            join(thread);
        }
        if (receiver.failure != null) {
            throw receiver.failure;
        }
        return window(receiver.lastNanos - begin);
    }

    private void request(LoadConnection connection, long dueNanos) throws IOException {
        int key = random.nextInt(keys);
        if (random.nextInt(100) < setPercent) {
            connection.set(dueNanos, key, ++version);
        } else {
            connection.get(dueNanos, key);
        }
    }

    private void select(LoadConnection.Sink sink) throws IOException {
        selector.select(SELECT_MILLIS);
        for (SelectionKey ready : selector.selectedKeys()) {
            ((LoadConnection) ready.attachment()).receive(sink);
        }
        selector.selectedKeys().clear();
    }

    private boolean allIdle() {
        for (LoadConnection c : connections) {
            if (!c.isIdle()) {
                return false;
            }
        }
        return true;
    }

    private Window window(long nanos) {
        double[] p = latencies.percentilesMicros(50, 99, 99.9, 100);
        long wrong = connections.stream().mapToLong(LoadConnection::wrong).sum();
        return new Window(latencies.count(), nanos / 1e9, p[0], p[1], p[2], p[3], wrong);
    }

    private static void join(Thread thread) throws IOException {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while answers were awaited", e);
        }
    }

    @Override
    public void close() throws IOException {
        for (LoadConnection c : connections) {
            c.close();
        }
        selector.close();
    }

    /** Takes answers while another thread sends. */
    private final class Receiver implements Runnable {
        private volatile boolean ending;
        private volatile IOException failure;
        private volatile long endNanos;
        private long lastNanos;

        @Override
        public void run() {
            try {
                while (!(ending && allIdle())) {
                    select((connection, intended, now) -> {
                        latencies.add(now - intended);
                        lastNanos = now;
                    });
                    if (ending && System.nanoTime() - endNanos > DRAIN_NANOS) {
                        throw new IOException("Answers are missing long after the last request");
                    }
                }
            } catch (IOException e) {
                failure = e;
            }
        }

        void end() {
            endNanos = System.nanoTime();
            ending = true;
            selector.wakeup();
        }
    }
}
