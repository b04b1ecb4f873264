package io.decamp.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A client that fills a Redis server with values it can recompute, then keeps writing and checking them, wherever the server
 * is: when an answer does not come it asks at the other places, and goes on at the one that answers. A write that was
 * acknowledged must never be lost; one whose answer was lost may or may not have happened.
 *
 * <p>One client thread; the reports may be read by others.
 */
public final class RedisLoad implements AutoCloseable {
    private static final int PIPELINE = 256;
    /** How long an answer may take before the other places are asked. */
    private static final int PATIENCE_MILLIS = 10;
    private static final Duration VERIFY_LIMIT = Duration.ofSeconds(60);
    private static final int ERRORS_KEPT = 20;

    private final int[] ports;
    private final RedisValues values;
    private final long[] acknowledged;
    private final long[] attempted;
    private final long periodNanos;
    private final SplittableRandom random;
    private final AtomicReference<Report> report = new AtomicReference<>(new Report(0, 0, 0, 0, Instant.EPOCH, List.of()));
    private final List<String> errors = new ArrayList<>();
    private Resp connection;
    private int place;
    private long writes;
    private long reads;
    private int reconnects;
    private long lastAnswerNanos;
    private double largestGapMillis;
    private Instant largestGapEnd = Instant.EPOCH;
    private Thread client;
    private volatile boolean stopping;
    private volatile boolean forgettingGaps;

    /**
     * What the client has seen.
     *
     * @param largestGapMillis longest time between two answers since {@link #start} or {@link #forgetGaps}
     * @param errors wrong values and lost writes, the first twenty
     */
    public record Report(
            long writes,
            long reads,
            int reconnects,
            double largestGapMillis,
            Instant largestGapEnd,
            List<String> errors) {}

    /**
     * @param ports on 127.0.0.1, one for each place where the server may be
     * @param valueBytes a multiple of 8
     * @param operationsPerSecond each writes one key and reads another; paced evenly
     */
    public RedisLoad(List<Integer> ports, long totalBytes, int valueBytes, int operationsPerSecond, long seed) {
        this.ports = ports.stream().mapToInt(Integer::intValue).toArray();
        this.values = new RedisValues(valueBytes);
        int keys = Math.toIntExact(Math.max(1, totalBytes / valueBytes));
        this.acknowledged = new long[keys];
        this.attempted = new long[keys];
        this.periodNanos = Duration.ofSeconds(1).toNanos() / operationsPerSecond;
        this.random = new SplittableRandom(seed);
    }

    public int keys() {
        return acknowledged.length;
    }

    /** Waits until the server answers at one of the places. */
    public void awaitReady(Duration limit) {
        Await.until("Redis to answer", limit, this::answersSomewhere);
    }

    /** Writes every key once. */
    public void fill() {
        try {
            Resp redis = connection();
            redis.timeout((int) VERIFY_LIMIT.toMillis());
            for (int first = 0; first < keys(); first += PIPELINE) {
                int last = Math.min(keys(), first + PIPELINE);
                for (int key = first; key < last; key++) {
                    redis.add(set(), RedisValues.key(key), values.value(key, 0));
                }
                redis.flush();
                for (int key = first; key < last; key++) {
                    redis.receive();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Can't fill Redis", e);
        }
    }

    /** Begins to write and check, in a thread of its own. After {@link #stopAndVerify} it goes on. */
    public void start() {
        stopping = false;
        lastAnswerNanos = System.nanoTime();
        client = Thread.ofPlatform().name("redis-load").start(this::run);
    }

    public Report report() {
        return report.get();
    }

    /** Begins anew to look for the largest gap. */
    public void forgetGaps() {
        forgettingGaps = true;
    }

    /** One command beside the load, such as BGSAVE, on a connection of its own. */
    public String command(String... words) {
        try (Resp redis = new Resp(ports[place])) {
            redis.timeout((int) VERIFY_LIMIT.toMillis());
            byte[] answer = redis.call(words);
            return answer == null ? null : new String(answer, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("Can't send " + words[0], e);
        }
    }

    /** Ends the load, reads every key and compares it. */
    public Report stopAndVerify() {
        close();
        try {
            Resp redis = connection();
            redis.timeout((int) VERIFY_LIMIT.toMillis());
            for (int first = 0; first < keys(); first += PIPELINE) {
                int last = Math.min(keys(), first + PIPELINE);
                for (int key = first; key < last; key++) {
                    redis.add("GET".getBytes(StandardCharsets.US_ASCII), RedisValues.key(key));
                }
                redis.flush();
                for (int key = first; key < last; key++) {
                    judge(key, redis.receive());
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Can't read Redis to the end", e);
        } finally {
            disconnect();
        }
        publish();
        return report();
    }

    /** Ends the load without a last look at the values. */
    @Override
    public void close() {
        stopping = true;
        if (client != null) {
            try {
                client.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void run() {
        long due = System.nanoTime();
        while (!stopping) {
            int written = random.nextInt(keys());
            int read = random.nextInt(keys());
            try {
                write(written);
                judge(read, patiently(connection -> connection.add(get(), RedisValues.key(read))));
                reads++;
            } catch (IOException broken) {
                disconnect();
            }
            publish();
            due = Math.max(due + periodNanos, System.nanoTime() - periodNanos);
            LockSupport.parkNanos(due - System.nanoTime());
        }
    }

    private void write(int key) throws IOException {
        long version = attempted[key] + 1;
        attempted[key] = version;
        patiently(redis -> redis.add(set(), RedisValues.key(key), values.value(key, version)));
        acknowledged[key] = version;
        writes++;
    }

    private interface Request {
        void add(Resp redis);
    }

    /** Sends, and waits for the answer as long as no other place answers. */
    private byte[] patiently(Request request) throws IOException {
        Resp redis = connection();
        redis.timeout(PATIENCE_MILLIS);
        request.add(redis);
        redis.flush();
        while (true) {
            try {
                byte[] answer = redis.receive();
                answered();
                return answer;
            } catch (SocketTimeoutException late) {
                if (stopping || otherPlaceAnswers()) {
                    throw late;
                }
            }
        }
    }

    private void answered() {
        long now = System.nanoTime();
        double gap = (now - lastAnswerNanos) / 1e6;
        lastAnswerNanos = now;
        if (forgettingGaps) {
            forgettingGaps = false;
            largestGapMillis = 0;
        }
        if (gap > largestGapMillis) {
            largestGapMillis = gap;
            largestGapEnd = Instant.now();
        }
    }

    private void judge(int key, byte[] value) {
        long version = values.version(key, value);
        if (version < 0) {
            error("Key " + key + " holds what was never written");
        } else if (version < acknowledged[key]) {
            error("Key " + key + " lost acknowledged write " + acknowledged[key] + ", it holds " + version);
        } else if (version > attempted[key]) {
            error("Key " + key + " holds version " + version + ", which was never sent");
        }
    }

    private void error(String text) {
        if (errors.size() < ERRORS_KEPT) {
            errors.add(text);
        }
    }

    private void publish() {
        report.set(new Report(
                writes, reads, reconnects, largestGapMillis, largestGapEnd, List.copyOf(errors)));
    }

    private Resp connection() throws IOException {
        if (connection == null && !answersSomewhere()) {
            throw new IOException("Redis answers nowhere");
        }
        return connection;
    }

    private boolean answersSomewhere() {
        for (int i = 0; i < ports.length; i++) {
            if (adopt((place + i) % ports.length)) {
                return true;
            }
        }
        return false;
    }

    private boolean otherPlaceAnswers() {
        for (int i = 1; i < ports.length; i++) {
            if (adopt((place + i) % ports.length)) {
                return true;
            }
        }
        return false;
    }

    /** Makes a place the current one if the server answers there. */
    private boolean adopt(int candidate) {
        Resp redis = null;
        try {
            redis = new Resp(ports[candidate]);
            redis.timeout(2 * PATIENCE_MILLIS);
            redis.call("PING");
        } catch (IOException nobodyThere) {
            if (redis != null) {
                redis.close();
            }
            return false;
        }
        disconnect();
        connection = redis;
        place = candidate;
        reconnects++;
        return true;
    }

    private void disconnect() {
        if (connection != null) {
            connection.close();
            connection = null;
        }
    }

    private static byte[] set() {
        return "SET".getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] get() {
        return "GET".getBytes(StandardCharsets.US_ASCII);
    }
}
