package io.decamp.requesters.alerts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LeadTimeTest {
    @ParameterizedTest
    @CsvSource({"90m,PT90M", "1d12h,PT36H", "1500ms,PT1.5S", "2w,P14D", "1y,P365D", "3600,PT1H", "8.64e+04,P1D",
        "0.5,PT0.5S"})
    void shouldReadDurationsOfPrometheusAndSeconds(String text, Duration expected) {
        assertEquals(expected, LeadTime.parse(text).orElseThrow());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0", "0s", "-1h", "1h1d", "1 h", "1.5h", "soon", "NaN", "+Inf", "20y",
        "1e300", "99999999999999999999d"})
    void shouldTakeNothingElseForADuration(String text) {
        assertTrue(LeadTime.parse(text).isEmpty());
    }
}
