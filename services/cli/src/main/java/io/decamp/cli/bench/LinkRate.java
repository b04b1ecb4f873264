package io.decamp.cli.bench;

import io.decamp.cli.Quantity;
import java.util.Locale;

/**
 * What the link between the nodes is limited to.
 *
 * @param tc as tc(8) writes it
 */
record LinkRate(String tc, long bytesPerSecond) {
    /** What is left for pages: 1448 of 1514 bytes are TCP's, and TLS records and frame headers take 1.5 % of these. */
    static final double FOR_PAGES = 0.94;

    /** Such as {@code 1gbit} or {@code 100Mbit/s}. */
    static LinkRate of(String text) {
        String amount = text.toLowerCase(Locale.ROOT).replaceFirst("/s$", "");
        String written = amount.replace("gbit", "Gbit").replace("mbit", "Mbit") + "/s";
        return new LinkRate(amount, Quantity.bytesPerSecond(written));
    }

    /** Pages a second that a writer dirties which writes at this share of the link. */
    int pagesPerSecond(double share) {
        return Math.toIntExact(Math.round(bytesPerSecond * share / 4096));
    }

    @Override
    public String toString() {
        return tc;
    }
}
