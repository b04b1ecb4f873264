package io.decamp.transfer.engine.send;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.linux.socket.TcpConnection;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LinkRateTest {
    private static final long GIGABIT = 125_000_000;

    private long nowNanos = 1;
    private long acked;
    private double busyMicros;
    private boolean readable = true;
    private final LinkRate rate = new LinkRate(this::read, () -> nowNanos, 0);

    private boolean read(TcpConnection.Reading into) {
        // the kernel counts in ticks of 4 ms
        into.set(acked, (long) (busyMicros / 4000) * 4000);
        return readable;
    }

    private void pass(long millis, double busyShare, long bytesPerSecond) {
        for (long i = 0; i < millis; i++) {
            await(1, busyShare, bytesPerSecond);
            rate.sample();
        }
    }

    private void await(long millis, double busyShare, long bytesPerSecond) {
        nowNanos += TimeUnit.MILLISECONDS.toNanos(millis);
        busyMicros += millis * 1000 * busyShare;
        acked += millis * bytesPerSecond / 1000;
    }

    @Test
    void shouldTellTheRateOfALinkThatWasBusyAllTheTime() {
        rate.begin();
        pass(500, 1, GIGABIT);
        rate.end();

        assertEquals(GIGABIT, rate.bytesPerSecond(), GIGABIT * 0.01);
    }

    @Test
    void shouldClaimNothingWhileTheSenderIsSlowerThanTheLink() {
        rate.begin();
        pass(2000, 0.6, 4_000_000_000L);
        rate.end();

        assertEquals(0, rate.bytesPerSecond());
    }

    @Test
    void shouldFollowADropToATenthWithinASecondOfSending() {
        rate.begin();
        pass(2000, 1, GIGABIT);
        pass(1000, 1, GIGABIT / 10);
        rate.end();

        assertEquals(GIGABIT / 10, rate.bytesPerSecond(), GIGABIT / 100);
    }

    @Test
    void shouldRiseWhenTheLinkIsNoLongerTheBottleneck() {
        rate.begin();
        pass(2000, 1, GIGABIT / 10);
        pass(2000, 0.3, GIGABIT);
        rate.end();

        assertEquals(GIGABIT / 0.3, rate.bytesPerSecond(), GIGABIT / 0.3 * 0.1);
    }

    @Test
    void shouldNotCountPausesBetweenStretchesOfSending() {
        for (int i = 0; i < 40; i++) {
            rate.begin();
            pass(15, 1, GIGABIT);
            rate.end();
            pass(400, 0, 0);
        }

        assertEquals(GIGABIT, rate.bytesPerSecond(), GIGABIT * 0.05);
    }

    @Test
    void shouldLearnFromSmallEpochsThatTheSocketSwallowsAtOnce() {
        for (int i = 0; i < 4; i++) {
            rate.begin();
            rate.end();
            rate.begin();
            await(40, 1, GIGABIT / 10);
            await(60, 0, 0);
            rate.drained();
        }

        assertEquals(GIGABIT / 10, rate.bytesPerSecond(), GIGABIT / 100);
    }

    @Test
    void shouldClaimNothingWhereTheKernelTellsNothing() {
        readable = false;
        rate.begin();
        pass(500, 1, GIGABIT);
        rate.drained();

        assertEquals(0, rate.bytesPerSecond());
    }
}
