package io.decamp.edge.trace;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * A trace as plain text, a line a span, children below their parent:
 *
 * <pre>
 * SPAN                       NODE   SERVICE       AT ms   TOOK ms
 * evict                      -      cli            0.00    141.20  |============================|
 *   migration-requested p... alpha  snapshotter    3.10    120.00  |=======================     |
 * </pre>
 *
 * Times are by each node's own clock; spans of different nodes are as far off as the clocks are.
 */
public final class WaterfallPrinter {
    private static final int NAME_COLUMNS = 40;
    private static final int BAR_COLUMNS = 40;
    private static final double NANOS_PER_MILLI = 1e6;

    private final List<StoredSpan> spans;
    private final Set<String> ids = new HashSet<>();
    private final Map<String, List<StoredSpan>> children = new HashMap<>();
    private final long beginNanos;
    private final long lengthNanos;
    private final StringBuilder text = new StringBuilder();

    private WaterfallPrinter(List<StoredSpan> spans) {
        this.spans = spans;
        this.beginNanos =
                spans.stream().mapToLong(StoredSpan::startUnixNanos).min().orElse(0);
        long endNanos = spans.stream().mapToLong(StoredSpan::endUnixNanos).max().orElse(0);
        this.lengthNanos = Math.max(1, endNanos - beginNanos);
        spans.forEach(span -> ids.add(span.spanId()));
        spans.forEach(span -> children.computeIfAbsent(span.parentSpanId(), id -> new ArrayList<>())
                .add(span));
    }

    /** @param spans of one trace, by start, as {@link SpanReader#read} gives them */
    public static String print(List<StoredSpan> spans) {
        return new WaterfallPrinter(spans).print();
    }

    private String print() {
        text.append(String.format(
                Locale.ROOT,
                "%-" + NAME_COLUMNS + "s  %-10s %-12s %10s %10s%n",
                "SPAN",
                "NODE",
                "SERVICE",
                "AT ms",
                "TOOK ms"));
        Set<String> printed = new HashSet<>();
        for (StoredSpan span : spans) {
            // a parent on a node that was not asked, or that has forgotten it
            if (!ids.contains(span.parentSpanId())) {
                print(span, 0, printed);
            }
        }
        // only spans that are each other's parents are left: show them rather than nothing
        spans.forEach(span -> print(span, 0, printed));
        return text.toString();
    }

    private void print(StoredSpan span, int depth, Set<String> printed) {
        if (!printed.add(span.spanId())) {
            return;
        }
        long atNanos = span.startUnixNanos() - beginNanos;
        text.append(String.format(
                Locale.ROOT,
                "%-" + NAME_COLUMNS + "s  %-10s %-12s %10.2f %10.2f  |%s|%s%n",
                fit("  ".repeat(depth) + span.name()),
                dash(span.node()),
                dash(span.service()),
                atNanos / NANOS_PER_MILLI,
                span.durationNanos() / NANOS_PER_MILLI,
                bar(atNanos, span.durationNanos()),
                span.error().isEmpty() ? "" : "  ! " + span.error()));
        for (StoredSpan child : children.getOrDefault(span.spanId(), List.of())) {
            print(child, depth + 1, printed);
        }
    }

    /** At least one mark, so that a short span can be seen. */
    private String bar(long atNanos, long durationNanos) {
        int from = (int) Math.min(BAR_COLUMNS - 1L, atNanos * BAR_COLUMNS / lengthNanos);
        long wide = Math.max(1, Math.round((double) durationNanos * BAR_COLUMNS / lengthNanos));
        int to = (int) Math.min(BAR_COLUMNS, from + wide);
        return " ".repeat(from) + "=".repeat(to - from) + " ".repeat(BAR_COLUMNS - to);
    }

    private static String fit(String name) {
        return name.length() <= NAME_COLUMNS ? name : name.substring(0, NAME_COLUMNS - 3) + "...";
    }

    private static String dash(String value) {
        return value.isEmpty() ? "-" : value;
    }
}
