package io.decamp.linux.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MemInfoTest {
    @Test
    void shouldReadBothNumbersInBytes() throws IOException {
        MemInfo info = MemInfo.parse("MemTotal:       24689764 kB\nMemFree: 1 kB\nMemAvailable:   12345 kB\n");

        assertEquals(new MemInfo(24_689_764L << 10, 12_345L << 10), info);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "MemTotal: 1 kB\n",
                "MemTotal: 1 kB\nMemAvailable: many kB\n",
                "MemTotal: 1\nMemAvailable: 1 kB\n",
                "MemTotal: 9223372036854775807 kB\nMemAvailable: 1 kB\n"
            })
    void shouldRefuseWhatIsNoNumber(String text) {
        assertThrows(IOException.class, () -> MemInfo.parse(text));
    }

    @Test
    void shouldAgreeWithThisMachine() {
        MemInfo info = MemInfo.read();

        assertTrue(info.availableBytes() > 0 && info.availableBytes() <= info.totalBytes(), info.toString());
    }
}
