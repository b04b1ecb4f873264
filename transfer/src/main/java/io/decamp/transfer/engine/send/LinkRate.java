package io.decamp.transfer.engine.send;

import io.decamp.linux.socket.TcpConnection;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * What the way to the peer gives while it is the bottleneck, from the kernel's counters of the connection: payload that
 * was acknowledged, and the time in which anything was under way. Only stretches of sending count; in the pauses between
 * them nobody wanted more. A window of {@link #WINDOW_NANOS} of sending counts as the link's own rate when something was
 * under way for {@link #BUSY_SHARE} of it: a sender that is slower than its link lets it run idle in between, so what
 * loopback swallows in a burst is never taken for a rate. A peer that stores more slowly than the link brings is part of
 * the way, too. Read by any thread, everything else from the sending one.
 */
final class LinkRate {
    /** Of sending: 25 ticks of the kernel's clock, with which it counts busy time, where that has 250 a second. */
    private static final long WINDOW_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** A reading costs a microsecond or two; a window is not much longer than asked for. */
    private static final long SAMPLE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private static final double BUSY_SHARE = 0.9;

    /** Of what is left in the socket when an epoch ends: shorter ones are lost in the kernel's ticks. */
    private static final long DRAIN_MICROS = TimeUnit.MILLISECONDS.toMicros(20);

    /** Share of the newest window: after seven, 0.7 s of sending, less than 1 % of an old rate is left. */
    private static final double NEWEST = 0.5;

    private static final double SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);

    interface Gauge {
        /** @return false when it can't be told */
        boolean read(TcpConnection.Reading into);
    }

    private final Gauge gauge;
    private final LongSupplier nanoClock;
    private final TcpConnection.Reading reading = new TcpConnection.Reading();
    private long sampledNanos;
    private long lastAcked;
    private long lastBusyMicros;
    private long windowNanos;
    private long windowBytes;
    private long windowBusyMicros;
    private volatile double bytesPerSecond;

    /** @param bytesPerSecond what is known from before, 0 when nothing is */
    LinkRate(Gauge gauge, LongSupplier nanoClock, long bytesPerSecond) {
        this.bytesPerSecond = bytesPerSecond;
        this.gauge = gauge;
        this.nanoClock = nanoClock;
    }

    /** Sending starts. */
    void begin() {
        if (gauge.read(reading)) {
            sampledNanos = nanoClock.getAsLong();
            remember();
        } else {
            sampledNanos = 0;
        }
    }

    /** Sending goes on; cheap when called often. */
    void sample() {
        long now = nanoClock.getAsLong();
        if (sampledNanos != 0 && now - sampledNanos >= SAMPLE_NANOS) {
            take(now);
        }
    }

    /** Sending pauses. */
    void end() {
        if (sampledNanos != 0) {
            take(nanoClock.getAsLong());
            sampledNanos = 0;
        }
    }

    /**
     * The peer has everything: what was left in the socket since {@link #begin} went out at the link's rate, and after that
     * the link had nothing to do.
     */
    void drained() {
        if (sampledNanos != 0 && gauge.read(reading)) {
            long busyMicros = reading.busyMicros() - lastBusyMicros;
            if (busyMicros >= DRAIN_MICROS) {
                add(TimeUnit.MICROSECONDS.toNanos(busyMicros), reading.bytesAcked() - lastAcked, busyMicros);
            }
        }
        sampledNanos = 0;
    }

    private void take(long now) {
        if (gauge.read(reading)) {
            add(now - sampledNanos, reading.bytesAcked() - lastAcked, reading.busyMicros() - lastBusyMicros);
            sampledNanos = now;
            remember();
        }
    }

    private void remember() {
        lastAcked = reading.bytesAcked();
        lastBusyMicros = reading.busyMicros();
    }

    private void add(long nanos, long bytes, long busyMicros) {
        windowNanos += nanos;
        windowBytes += bytes;
        windowBusyMicros += busyMicros;
        if (windowNanos < WINDOW_NANOS) {
            return;
        }
        double busyNanos = Math.min(windowNanos, TimeUnit.MICROSECONDS.toNanos(windowBusyMicros));
        if (busyNanos >= BUSY_SHARE * windowNanos) {
            learn(windowBytes * SECOND_NANOS / windowNanos);
        } else if (bytesPerSecond > 0 && busyNanos > 0) {
            // the sender was the bottleneck: the link gives no less than this
            learn(Math.max(bytesPerSecond, windowBytes * SECOND_NANOS / busyNanos));
        }
        windowNanos = 0;
        windowBytes = 0;
        windowBusyMicros = 0;
    }

    private void learn(double rate) {
        bytesPerSecond = bytesPerSecond == 0 ? rate : bytesPerSecond + NEWEST * (rate - bytesPerSecond);
    }

    /** 0 until it could be told. */
    long bytesPerSecond() {
        return (long) bytesPerSecond;
    }
}
