package io.decamp.testkit;

import java.util.Locale;

/** Which pages a {@code chain} workload writes; {@code victims/chain.c} says how exactly. */
public enum WritePattern {
    /** Random order, no page twice before every page came once. */
    LAPS,
    /** Any page, each time anew: each is rewritten at the same rate, by a Poisson process. */
    UNIFORM,
    /** As uniform, in the lower half of the addresses only. */
    HOT_HALF,
    /** In the upper half only. */
    HOT_HALF_LAST,
    /** In every other 64 KiB only. */
    HOT_HALF_MIXED,
    /** As laps, in the lower half only: pages are dirtied as fast as they are written. */
    HOT_HALF_LAPS,
    /** 99 of 100 writes hit 1 % of the pages, half of them in clusters of 2 MiB, half alone. */
    SKEW,
    /** One page after the other. */
    SWEEP,
    /** None, uniform, skew, sweep, bursts in turn; each for {@link ChainSpec#phaseMillis}. */
    PHASES;

    /** As on the command line of {@code chain}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** @throws IllegalArgumentException for a name that is none */
    public static WritePattern of(String label) {
        return valueOf(label.toUpperCase(Locale.ROOT).replace('-', '_'));
    }
}
