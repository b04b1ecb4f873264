package io.decamp.snapshotter.engine;

import io.decamp.contracts.v1.Policy;
import java.time.Duration;

/**
 * The simple rule: write faults that tracking causes stay within a budget a second, the interval between two bounds.
 * A fault costs the workload about 0.9 us, so that the default budget is about 1 % of one processor. The interval
 * moves by at most a factor of {@value #STEP} at once, so that one burst does not swing it from bound to bound.
 */
public final class FaultBudgetPolicy implements IntervalPolicy {
    static final Duration DEFAULT_MIN = Duration.ofMillis(500);
    static final Duration DEFAULT_MAX = Duration.ofSeconds(5);
    static final long DEFAULT_FAULTS_PER_SECOND = 10_000;
    private static final double STEP = 2;

    private final long minMicros;
    private final long maxMicros;
    private final long faultsPerSecond;
    private long intervalMicros;

    public FaultBudgetPolicy(Policy policy) {
        minMicros = orDefault(policy.getMinIntervalMicros(), DEFAULT_MIN.toNanos() / 1000);
        maxMicros = Math.max(minMicros, orDefault(policy.getMaxIntervalMicros(), DEFAULT_MAX.toNanos() / 1000));
        faultsPerSecond = orDefault(policy.getWriteFaultsPerSecond(), DEFAULT_FAULTS_PER_SECOND);
        intervalMicros = minMicros;
    }

    @Override
    public Duration next(EpochStats last) {
        double load = last.pagesPerSecond() / faultsPerSecond;
        double factor = Math.clamp(load, 1 / STEP, STEP);
        intervalMicros = Math.clamp(Math.round(intervalMicros * factor), minMicros, maxMicros);
        return Duration.ofNanos(intervalMicros * 1000);
    }

    private static long orDefault(long value, long fallback) {
        return value > 0 ? value : fallback;
    }
}
