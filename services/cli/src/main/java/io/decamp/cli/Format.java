package io.decamp.cli;

import java.util.Locale;

/** Quantities as people read them. */
public final class Format {
    private static final long KIB = 1024;

    private Format() {}

    /** Such as {@code 1.5 GiB}. */
    public static String bytes(long bytes) {
        if (bytes < KIB) {
            return bytes + " B";
        }
        String[] units = {"KiB", "MiB", "GiB", "TiB"};
        double value = bytes;
        int unit = -1;
        while (value >= KIB && unit < units.length - 1) {
            value /= KIB;
            unit++;
        }
        return String.format(Locale.ROOT, value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    }

    /** Such as {@code 12.3 ms}. */
    public static String micros(long micros) {
        if (micros < 10_000_000) {
            return String.format(Locale.ROOT, micros < 100_000 ? "%.1f ms" : "%.0f ms", micros / 1e3);
        }
        return String.format(Locale.ROOT, "%.1f s", micros / 1e6);
    }
}
