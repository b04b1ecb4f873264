package io.decamp.contracts.port;

import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Restored;
import io.decamp.contracts.v1.SnapshotReady;

/** What engines tell the world. Never blocks for long and never throws: a lost report must not stop a migration. */
public interface EventSink {
    void pagesDirty(PagesDirty event);

    void snapshotReady(SnapshotReady event);

    void restored(Restored event);

    void migrationFailed(MigrationFailed event);

    void progress(MigrationProgress event);

    void evictionMeasured(EvictionMeasured event);
}
