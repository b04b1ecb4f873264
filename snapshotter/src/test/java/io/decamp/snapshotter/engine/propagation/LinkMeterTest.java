package io.decamp.snapshotter.engine.propagation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LinkMeterTest {
    private static final long MIB = 1 << 20;

    private final LinkMeter meter = new LinkMeter();

    @BeforeEach
    void connect() {
        meter.connected(false, 0);
    }

    @Test
    void shouldBelieveTheSessionBeforeItself() {
        send(64, 100e6, 0);
        meter.sent(MIB, 1, 80_000_000);

        assertEquals(80_000_000, meter.bytesPerSecond());
    }

    @Test
    void shouldSayNothingOfWhatBuffersSwallowed() {
        send(16, 10e9, 0);

        assertEquals(0, meter.bytesPerSecond());
    }

    @Test
    void shouldMeasureByTheTimeThatSendingTakes() {
        send(16, 10e9, 0);
        send(64, 117e6, 0);

        assertEquals(117e6, meter.bytesPerSecond(), 1e6);
    }

    @Test
    void shouldFollowADropToATenth() {
        send(200, 117e6, 0);
        send(100, 11.7e6, 0);

        assertEquals(11.7e6, meter.bytesPerSecond(), 1.5e6);
    }

    @Test
    void shouldNeverSayMoreThanTheCap() {
        meter.connected(true, 5_000_000);
        assertEquals(5_000_000, meter.bytesPerSecond());
        send(64, 117e6, 0);
        assertEquals(5_000_000, meter.bytesPerSecond());
    }

    @Test
    void shouldForgetTheLinkToAnotherNode() {
        send(64, 117e6, 90_000_000);
        meter.connected(false, 0);

        assertEquals(0, meter.bytesPerSecond());
    }

    private void send(int mebibytes, double bytesPerSecond, long session) {
        for (int i = 0; i < mebibytes; i++) {
            meter.sent(MIB, Math.round(MIB * 1e9 / bytesPerSecond), session);
        }
    }
}
