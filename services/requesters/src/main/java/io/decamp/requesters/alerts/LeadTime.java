package io.decamp.requesters.alerts;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Durations as Prometheus writes them ({@code 1d12h}, {@code 90m}, {@code 1500ms}), and plain seconds, which is what a
 * rule's value prints as.
 */
final class LeadTime {
    /** Units from the longest to the shortest, each at most once: as in Prometheus' own parser. */
    private static final Pattern PROMETHEUS = Pattern.compile(
            "(?:([0-9]{1,4})y)?(?:([0-9]{1,5})w)?(?:([0-9]{1,5})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,7})m)?"
                    + "(?:([0-9]{1,9})s)?(?:([0-9]{1,12})ms)?");
    private static final long[] UNIT_MILLIS = {
        365L * 86_400_000, 7L * 86_400_000, 86_400_000, 3_600_000, 60_000, 1_000, 1
    };
    private static final Pattern SECONDS = Pattern.compile("[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?");
    /** Nobody predicts further. */
    private static final Duration MAX = Duration.ofDays(3650);

    private LeadTime() {}

    /** Empty when it is no duration, not positive, or longer than ten years. */
    static Optional<Duration> parse(String text) {
        long millis = 0;
        if (SECONDS.matcher(text).matches()) {
            millis = (long) Math.min(Double.parseDouble(text) * 1000, Long.MAX_VALUE);
        } else {
            Matcher m = PROMETHEUS.matcher(text);
            if (m.matches()) {
                for (int i = 0; i < UNIT_MILLIS.length; i++) {
                    millis += m.group(i + 1) == null ? 0 : Long.parseLong(m.group(i + 1)) * UNIT_MILLIS[i];
                }
            }
        }
        return millis > 0 && millis <= MAX.toMillis() ? Optional.of(Duration.ofMillis(millis)) : Optional.empty();
    }
}
