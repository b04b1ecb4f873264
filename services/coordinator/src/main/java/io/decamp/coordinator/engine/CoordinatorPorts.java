package io.decamp.coordinator.engine;

import io.decamp.contracts.v1.Evacuation;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.WorkloadSpec;

/**
 * What a coordinator does to the world. Methods that say something wait for its acknowledgement and throw without one.
 */
public interface CoordinatorPorts {
    /**
     * Whether this coordinator, of all there are, works on what belongs to a node or workload. May change any time; two
     * may hold it for a moment, which is why requests have ids that do not depend on who makes them.
     */
    boolean isMine(String key);

    void record(Evacuation evacuation);

    /** Takes what has been done for long off the record. */
    void forget(String evacuation);

    void ask(EvacuationRun.Ask ask);

    void refuse(MigrationFailed answer);

    void specify(WorkloadSpec spec);
}
