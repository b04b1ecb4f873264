package io.decamp.introspector.engine.memory;

import io.decamp.contracts.page.PageRuns;
import io.decamp.introspector.engine.memory.SpaceKernel.Outcome;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs that a scan leaves unprotected because whoever asked for it knows that they are written again at once. What is
 * asked for wrongly costs a page shipped in vain, never a page lost. Immutable.
 */
final class OpenRuns {
    /** Of a scan: each costs it up to two system calls more. The shortest, which save the fewest faults, give way. */
    static final int RUNS_LIMIT = 16_384;

    static final OpenRuns NONE = new OpenRuns(Map.of());

    /** Scans one span, in bytes. */
    @FunctionalInterface
    interface Spans {
        Outcome scan(boolean protect, long from, long to);
    }

    private record Span(long space, long from, long to) {}

    private final Map<Long, List<Span>> bySpace;

    private OpenRuns(Map<Long, List<Span>> bySpace) {
        this.bySpace = bySpace;
    }

    /** Of runs in any order, which may overlap. */
    static OpenRuns of(PageRuns runs) {
        if (runs.isEmpty()) {
            return NONE;
        }
        List<Span> sorted = new ArrayList<>(runs.size());
        for (int i = 0; i < runs.size(); i++) {
            sorted.add(new Span(runs.space(i), runs.address(i), runs.address(i) + runs.bytes(i)));
        }
        sorted.sort(Comparator.comparingLong(Span::space).thenComparingLong(Span::from));
        Map<Long, List<Span>> bySpace = new HashMap<>();
        limited(merged(sorted)).forEach(span -> bySpace.computeIfAbsent(span.space, id -> new ArrayList<>())
                .add(span));
        return new OpenRuns(bySpace);
    }

    private static List<Span> merged(List<Span> sorted) {
        List<Span> merged = new ArrayList<>();
        for (Span next : sorted) {
            Span last = merged.isEmpty() ? null : merged.getLast();
            if (last != null && last.space == next.space && next.from <= last.to) {
                merged.set(merged.size() - 1, new Span(last.space, last.from, Math.max(last.to, next.to)));
            } else {
                merged.add(next);
            }
        }
        return merged;
    }

    private static List<Span> limited(List<Span> spans) {
        for (long least = 2 * PageRuns.PAGE_BYTES; spans.size() > RUNS_LIMIT; least *= 2) {
            long enough = least;
            spans.removeIf(span -> span.to - span.from < enough);
        }
        return spans;
    }

    /** Has a range scanned in spans, in ascending order: open ones are not to be protected, all others are. */
    Outcome walk(long space, long from, long to, Spans spans) {
        long closed = from;
        List<Span> open = bySpace.getOrDefault(space, List.of());
        for (int i = firstEndingAfter(open, from); i < open.size() && open.get(i).from < to; i++) {
            long openFrom = Math.max(open.get(i).from, from);
            long openTo = Math.min(open.get(i).to, to);
            if (closed < openFrom && spans.scan(true, closed, openFrom) != Outcome.COMPLETE
                    || spans.scan(false, openFrom, openTo) != Outcome.COMPLETE) {
                return Outcome.NOT_REGISTERED;
            }
            closed = openTo;
        }
        return closed < to ? spans.scan(true, closed, to) : Outcome.COMPLETE;
    }

    private static int firstEndingAfter(List<Span> spans, long address) {
        int low = 0;
        int high = spans.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (spans.get(middle).to > address) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }
}
