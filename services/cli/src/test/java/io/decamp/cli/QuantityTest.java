package io.decamp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QuantityTest {
    @Test
    void shouldReadSizesRatesTimesAndShares() {
        assertEquals(64L << 20, Quantity.bytes("64MiB"));
        assertEquals(3L << 29, Quantity.bytes("1.5GiB"));
        assertEquals(10_000_000, Quantity.bytesPerSecond("10MB/s"));
        assertEquals(125_000_000, Quantity.bytesPerSecond("1Gbit/s"));
        assertEquals(12_500_000, Quantity.bytesPerSecond("100Mbit/s"));
        assertEquals(Duration.ofMillis(300), Quantity.time("300ms"));
        assertEquals(Duration.ofMillis(1500), Quantity.time("1.5s"));
        assertEquals(0.02, Quantity.share("2%"), 1e-12);
        assertEquals(0.005, Quantity.share("0.5%"), 1e-12);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "64", "MiB", "-1MiB", "0MiB", "64mib", "1e3MB", "64MiB/s", "99999999999TiB", "NaNMB"})
    void shouldRefuseWhatIsNoSize(String text) {
        DecampException refusal = assertThrows(DecampException.class, () -> Quantity.bytes(text));

        assertEquals("bad-quantity", refusal.code());
        assertTrue(refusal.getMessage().contains("'" + text + "'"), refusal.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "1Gbit", "10MB", "0Gbit/s", "-1MB/s", "1Gb/s", "10Mbps", "7bit/s"})
    void shouldRefuseWhatIsNoRate(String text) {
        assertThrows(DecampException.class, () -> Quantity.bytesPerSecond(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "300", "0ms", "-5s", "1h30", "300 m s"})
    void shouldRefuseWhatIsNoTime(String text) {
        assertThrows(DecampException.class, () -> Quantity.time(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "2", "0%", "-1%", "101%", "0.02"})
    void shouldRefuseWhatIsNoShare(String text) {
        assertThrows(DecampException.class, () -> Quantity.share(text));
    }
}
