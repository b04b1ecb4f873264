package io.decamp.restorer.engine.handoff;

import io.decamp.contracts.id.WorkloadId;

/** Does what must be done on this node between TAKE and the first instruction, such as moving an address here. */
public interface ReleaseHook {
    /**
     * Called before the release is durable; may be called again after a restart.
     *
     * @throws io.decamp.contracts.error.DecampException the copy counts as failed: it is destroyed and given back
     */
    void beforeRelease(WorkloadId id, long term);
}
