package io.decamp.snapshotter.engine.arbiter;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Decides who of those that wait for one link comes next: by {@link Need}, then whoever had his last turn longest ago.
 * Who has waited for {@link #PATIENCE_NANOS} is served in the order of waiting, whatever others need; only the frozen
 * may still go ahead, and of those never two in a row while such a one waits. So with n waiting, of which none waits
 * twice, each is granted a turn at the latest 2n turns after its patience is over: nobody starves. Knows no clock and
 * no thread.
 *
 * @param <W> what waits; one at a time of each
 */
public final class TurnQueue<W> {
    /** As long as an epoch may be late without hurting its objective much; some hundred turns of a gigabit link. */
    public static final long PATIENCE_NANOS = 1_000_000_000L;
    /** Those that were served last, by name; more workloads than a node has. */
    private static final int MAX_REMEMBERED = 16_384;

    private record Waiting<W>(W who, String workload, Need need, long sinceNanos, long number) {}

    private final List<Waiting<W>> waiting = new ArrayList<>();
    private final Map<String, Long> lastTurn = new HashMap<>();
    private long numbers;
    private long turns;
    private boolean patienceWasTried;

    public void add(W who, String workload, Need need, long nowNanos) {
        waiting.add(new Waiting<>(who, workload, need, nowNanos, numbers++));
    }

    public void remove(W who) {
        waiting.removeIf(w -> w.who() == who);
    }

    public boolean isEmpty() {
        return waiting.isEmpty();
    }

    /** Takes the next one out; null when nobody waits. */
    public W next(long nowNanos) {
        Waiting<W> best = null;
        Waiting<W> oldest = null;
        for (Waiting<W> w : waiting) {
            boolean impatient = nowNanos - w.sinceNanos() >= PATIENCE_NANOS;
            if (impatient && (oldest == null || w.number() < oldest.number())) {
                oldest = w;
            }
            if (best == null || isBefore(w, best)) {
                best = w;
            }
        }
        Waiting<W> chosen = best;
        if (oldest != null && oldest != best) {
            boolean goesAhead = best.need().level() == Need.Level.FROZEN && !patienceWasTried;
            patienceWasTried = goesAhead;
            chosen = goesAhead ? best : oldest;
        } else {
            patienceWasTried = false;
        }
        return chosen == null ? null : granted(chosen);
    }

    private W granted(Waiting<W> chosen) {
        waiting.remove(chosen);
        if (lastTurn.size() >= MAX_REMEMBERED) {
            lastTurn.clear();
        }
        lastTurn.put(chosen.workload(), ++turns);
        return chosen.who();
    }

    private boolean isBefore(Waiting<W> a, Waiting<W> b) {
        int byLevel = a.need().level().compareTo(b.need().level());
        if (byLevel != 0) {
            return byLevel > 0;
        }
        int byDanger = Double.compare(a.need().danger(), b.need().danger());
        if (byDanger != 0) {
            return byDanger > 0;
        }
        long lastOfA = lastTurn.getOrDefault(a.workload(), 0L);
        long lastOfB = lastTurn.getOrDefault(b.workload(), 0L);
        return lastOfA != lastOfB ? lastOfA < lastOfB : a.number() < b.number();
    }
}
