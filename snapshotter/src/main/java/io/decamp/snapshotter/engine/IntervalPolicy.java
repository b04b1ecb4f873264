package io.decamp.snapshotter.engine;

import java.time.Duration;

/** Decides how long to wait until the next epoch. One instance a workload; called from its loop only. */
public interface IntervalPolicy {
    Duration next(EpochStats last);
}
