package io.decamp.cli.bench;

import io.decamp.contracts.error.DecampException;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes and rates as people write them: 64MiB, 1GiB, 10MB/s. */
final class Quantity {
    private static final Pattern TEXT = Pattern.compile("([0-9]+)(B|kB|MB|GB|KiB|MiB|GiB)(/s)?");
    private static final Map<String, Long> UNITS = Map.of(
            "B", 1L, "kB", 1000L, "MB", 1_000_000L, "GB", 1_000_000_000L, "KiB", 1L << 10, "MiB", 1L << 20, "GiB",
            1L << 30);

    private Quantity() {}

    static long bytes(String text) {
        return parse(text, false);
    }

    static long bytesPerSecond(String text) {
        return parse(text, true);
    }

    private static long parse(String text, boolean rate) {
        Matcher m = TEXT.matcher(text);
        if (!m.matches() || (m.group(3) != null) != rate) {
            throw DecampException.refused(
                    "bad-quantity",
                    "'" + text + "' is not " + (rate ? "a rate" : "a size"),
                    rate ? "Write it like 10MB/s" : "Write it like 64MiB or 1GiB");
        }
        return Math.multiplyExact(Long.parseLong(m.group(1)), UNITS.get(m.group(2)));
    }
}
