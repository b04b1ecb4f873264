package io.decamp.coordinator.engine;

import java.time.Duration;

/**
 * What a coordinator waits for, and how long.
 *
 * @param movesAtOnce workloads that leave one node at a time: while one is frozen and restored, another is shipped
 * @param absentAfter a node that has not announced itself for so long is not there; it announces itself three times in
 *     this
 * @param standbyPatience an absent or full standby is given so long to come back before its replicas are built
 *     elsewhere, which costs a full copy each; also the least time between two changes of one workload's standby
 * @param answerLimit a move of which nothing is heard for so long counts as failed
 * @param attempts a workload is asked to leave so often, each time to another node where there is one
 * @param reportFresh an epoch's report older than this says that shipping has stopped
 */
public record CoordinatorLimits(
        int movesAtOnce,
        Duration absentAfter,
        Duration standbyPatience,
        Duration answerLimit,
        int attempts,
        Duration reportFresh) {
    public static final CoordinatorLimits DEFAULT = new CoordinatorLimits(
            2, Duration.ofSeconds(15), Duration.ofSeconds(60), Duration.ofSeconds(60), 3, Duration.ofSeconds(60));

    public CoordinatorLimits withMovesAtOnce(int moves) {
        return new CoordinatorLimits(moves, absentAfter, standbyPatience, answerLimit, attempts, reportFresh);
    }
}
