package io.decamp.cli.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.testkit.WritePattern;
import java.util.List;
import java.util.Locale;

/** What one workload under one policy has shown. */
sealed interface PropagationRun {
    String policy();

    Load load();

    /** Every line of the workload's log was recomputed independently and held, all memory included. */
    boolean verified();

    void addTo(ObjectNode o);

    /**
     * What the workload writes.
     *
     * @param shareOfLink bytes of pages a second, as a share of what the link carries
     */
    record Load(String name, WritePattern pattern, double shareOfLink) {
        /** Of skew's writes, those that hit the hot pages; and the share of the pages that these are. */
        private static final double HOT_WRITES = 0.99;

        private static final double HOT_PAGES = 0.01;

        /** Distinct pages that so many writes are expected to hit: what nobody can do without sending. */
        double distinct(double pages, double writes) {
            return switch (pattern) {
                case SWEEP, LAPS -> Math.min(pages, writes);
                case HOT_HALF_LAPS -> Math.min(pages / 2, writes);
                case HOT_HALF, HOT_HALF_LAST, HOT_HALF_MIXED -> hit(pages / 2, writes);
                case SKEW -> hit(pages * HOT_PAGES, writes * HOT_WRITES) + hit(pages, writes * (1 - HOT_WRITES));
                case UNIFORM -> hit(pages, writes);
                case PHASES -> throw new IllegalArgumentException("Phases have no rate");
            };
        }

        private static double hit(double pages, double writes) {
            return -pages * Math.expm1(-writes / pages);
        }
    }

    /**
     * What was sent in one round; the last one is the final delta.
     *
     * @param endSeconds since the request
     * @param endedBy why
     */
    record Round(int number, double endSeconds, long pages, String endedBy) {}

    /**
     * (a) A move of a workload that was never protected.
     *
     * @param pagesFirst sent for the first time
     * @param pagesAgain sent once more
     * @param linkBytes that arrived at the destination's end of the link, headers, acknowledgements and all
     * @param convergedBy why the last rounds ended
     */
    record Move(
            String policy,
            Load load,
            int run,
            long pagesFirst,
            long pagesAgain,
            long linkBytes,
            double evictionMillis,
            double downtimeMillis,
            int rounds,
            String convergedBy,
            List<Round> sent,
            boolean verified)
            implements PropagationRun {
        /** How fast it left, in bytes a second: below what the link carries, something else was in the way. */
        double bytesPerSecond() {
            return linkBytes / evictionMillis * 1e3;
        }

        @Override
        public void addTo(ObjectNode o) {
            o.put("part", "a")
                    .put("policy", policy)
                    .put("writer", load.name())
                    .put("run", run)
                    .put("pagesFirst", pagesFirst)
                    .put("pagesAgain", pagesAgain)
                    .put("linkBytes", linkBytes)
                    .put("evictionMillis", EvictRun.rounded(evictionMillis))
                    .put("downtimeMillis", EvictRun.rounded(downtimeMillis))
                    .put("rounds", rounds)
                    .put("convergedBy", convergedBy)
                    .put("verified", verified);
            ArrayNode list = o.putArray("sent");
            sent.forEach(r -> list.addArray()
                    .add(r.number())
                    .add(Math.round(r.endSeconds() * 1e3) / 1e3)
                    .add(r.pages())
                    .add(r.endedBy()));
        }

        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "a  %-10s  %-14s  %,9d pages first, %,9d again, %3d rounds (%s), %6.2f s, downtime %7.1f ms  %s",
                    policy,
                    load.name(),
                    pagesFirst,
                    pagesAgain,
                    rounds,
                    convergedBy,
                    evictionMillis / 1e3,
                    downtimeMillis,
                    verified ? "verified" : "WRONG");
        }
    }

    /**
     * (b) Protection, then an eviction.
     *
     * @param firstLinkBytes on the link until the first epoch was sealed: every page must go once
     * @param laterLinkBytes on the link after that, until the source was free
     * @param foundBytes of pages that scans after the first found written: what sending each again would have taken
     * @param heldPages left for later, summed over epochs
     * @param protectedSeconds between the first epoch and the request
     */
    record Guarded(
            String policy,
            Load load,
            int run,
            long firstLinkBytes,
            long laterLinkBytes,
            long foundBytes,
            long shippedPages,
            long heldPages,
            int epochs,
            double protectedSeconds,
            double evictionMillis,
            double downtimeMillis,
            boolean verified)
            implements PropagationRun {
        @Override
        public void addTo(ObjectNode o) {
            o.put("part", "b")
                    .put("policy", policy)
                    .put("writer", load.name())
                    .put("run", run)
                    .put("firstLinkBytes", firstLinkBytes)
                    .put("laterLinkBytes", laterLinkBytes)
                    .put("foundBytes", foundBytes)
                    .put("shippedPages", shippedPages)
                    .put("heldPages", heldPages)
                    .put("epochs", epochs)
                    .put("protectedSeconds", Math.round(protectedSeconds * 10) / 10.0)
                    .put("evictionMillis", EvictRun.rounded(evictionMillis))
                    .put("downtimeMillis", EvictRun.rounded(downtimeMillis))
                    .put("verified", verified);
        }

        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "b  %-10s  %-14s  %,7.0f MB first, %,7.0f MB after it in %d epochs (found %,.0f MB),"
                            + " evicted in %.0f ms, downtime %.1f ms  %s",
                    policy,
                    load.name(),
                    firstLinkBytes / 1e6,
                    laterLinkBytes / 1e6,
                    epochs,
                    foundBytes / 1e6,
                    evictionMillis,
                    downtimeMillis,
                    verified ? "verified" : "WRONG");
        }
    }
}
