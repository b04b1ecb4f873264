package io.decamp.cli;

import io.decamp.contracts.error.DecampException;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sizes, rates, times and shares as people write them. All are greater than zero, and none is without its unit: a number
 * that one person means in bits and another in bytes is an outage.
 */
public final class Quantity {
    private static final Pattern TEXT = Pattern.compile("([0-9]+(?:\\.[0-9]+)?) ?([A-Za-z%]+(?:/s)?)");
    private static final int BITS_PER_BYTE = 8;

    private static final Map<String, Long> SIZES = Map.of(
            "B", 1L, "kB", 1000L, "MB", 1_000_000L, "GB", 1_000_000_000L, "KiB", 1L << 10, "MiB", 1L << 20, "GiB",
            1L << 30, "TiB", 1L << 40);
    private static final Map<String, Long> BITS =
            Map.of("bit", 1L, "kbit", 1000L, "Mbit", 1_000_000L, "Gbit", 1_000_000_000L);
    private static final Map<String, Long> NANOS =
            Map.of("us", 1000L, "ms", 1_000_000L, "s", 1_000_000_000L, "min", 60_000_000_000L);

    private Quantity() {}

    /** Such as {@code 64MiB} or {@code 1GB}. */
    public static long bytes(String text) {
        return scaled(text, SIZES, "a size", "Write it like 64MiB or 1.5GiB");
    }

    /** Such as {@code 10MB/s} or {@code 1Gbit/s}. */
    public static long bytesPerSecond(String text) {
        String advice = "Write it like 10MB/s or 1Gbit/s";
        if (!text.endsWith("/s")) {
            throw bad(text, "a rate", advice);
        }
        String amount = text.substring(0, text.length() - "/s".length());
        return amount.endsWith("bit")
                ? scaled(amount, BITS, text, "a rate", advice, BITS_PER_BYTE)
                : scaled(amount, SIZES, text, "a rate", advice, 1);
    }

    /** Such as {@code 300ms} or {@code 30s}. */
    public static Duration time(String text) {
        return Duration.ofNanos(scaled(text, NANOS, "a time", "Write it like 300ms, 30s or 2min"));
    }

    /** Such as {@code 2%}. @return more than 0, at most 1 */
    public static double share(String text) {
        String advice = "Write it like 2%, more than 0% and at most 100%";
        Matcher m = TEXT.matcher(text);
        if (!m.matches() || !m.group(2).equals("%")) {
            throw bad(text, "a share", advice);
        }
        double share = Double.parseDouble(m.group(1)) / 100;
        if (share <= 0 || share > 1) {
            throw bad(text, "a share", advice);
        }
        return share;
    }

    private static long scaled(String text, Map<String, Long> units, String what, String advice) {
        return scaled(text, units, text, what, advice, 1);
    }

    private static long scaled(
            String amount, Map<String, Long> units, String text, String what, String advice, int divisor) {
        Matcher m = TEXT.matcher(amount);
        Long unit = m.matches() ? units.get(m.group(2)) : null;
        if (unit == null) {
            throw bad(text, what, advice);
        }
        try {
            long value = new BigDecimal(m.group(1))
                    .multiply(BigDecimal.valueOf(unit))
                    .divideToIntegralValue(BigDecimal.valueOf(divisor))
                    .toBigInteger()
                    .longValueExact();
            if (value > 0) {
                return value;
            }
        } catch (ArithmeticException tooLarge) {
            throw bad(text, what + " this machine can count", advice);
        }
        throw bad(text, what + " greater than zero", advice);
    }

    private static DecampException bad(String text, String what, String advice) {
        return DecampException.refused("bad-quantity", "'" + text + "' is not " + what, advice);
    }
}
