package io.decamp.edge.trace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class WaterfallPrinterTest {
    private static final long BEGIN = 1_769_860_800_000_000_000L;

    @Test
    void shouldPutChildrenBelowTheirParentAtTheirTime() {
        String text = WaterfallPrinter.print(List.of(
                span("1", "", "evict", "cli", "", 0, 100, ""),
                span("2", "1", "freeze", "snapshotter", "alpha", 25, 50, ""),
                span("3", "1", "take", "restorer", "beta", 75, 25, "No room")));

        String[] lines = text.split("\\R");
        assertEquals(4, lines.length, text);
        assertEquals(
                "evict                                     -          cli                0.00     100.00"
                        + "  |========================================|",
                lines[1]);
        assertEquals(
                "  freeze                                  alpha      snapshotter       25.00      50.00"
                        + "  |          ====================          |",
                lines[2]);
        assertEquals(
                "  take                                    beta       restorer          75.00      25.00"
                        + "  |                              ==========|  ! No room",
                lines[3]);
    }

    @Test
    void shouldShowASpanWhoseParentIsNotThere() {
        String text = WaterfallPrinter.print(List.of(span("2", "1", "orphan", "restorer", "beta", 0, 1, "")));

        assertTrue(text.contains("orphan"), text);
    }

    @Test
    void shouldShowSpansThatAreEachOthersParents() {
        String text = WaterfallPrinter.print(List.of(
                span("1", "2", "one", "restorer", "beta", 0, 1, ""),
                span("2", "1", "other", "restorer", "beta", 0, 1, "")));

        assertEquals(3, text.split("\\R").length, text);
    }

    @Test
    void shouldMarkEvenTheShortestSpan() {
        String text = WaterfallPrinter.print(List.of(
                span("1", "", "long", "cli", "", 0, 1_000_000, ""),
                span("2", "1", "short", "cli", "", 999_999, 0, "")));

        assertTrue(text.split("\\R")[2].endsWith(" ".repeat(39) + "=|"), text);
    }

    @Test
    void shouldPrintNoSpanForNone() {
        assertEquals(1, WaterfallPrinter.print(List.of()).split("\\R").length);
    }

    private static StoredSpan span(
            String id,
            String parent,
            String name,
            String service,
            String node,
            long atMillis,
            long tookMillis,
            String error) {
        long start = BEGIN + atMillis * 1_000_000;
        return new StoredSpan(
                "t",
                id,
                parent,
                name,
                "INTERNAL",
                service,
                node,
                start,
                start + tookMillis * 1_000_000,
                error,
                Map.of());
    }
}
