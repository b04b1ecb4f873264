package io.decamp.introspector.engine.runtime;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.linux.workload.StateFile;
import java.nio.file.Path;
import java.util.Optional;

/** The freezes of this boot that were not ended by a thaw or a kill, one file each. */
final class FreezeRecords {
    private final Path directory;

    FreezeRecords(Path stateDirectory) {
        this.directory = stateDirectory.resolve("freezes");
    }

    Optional<FreezeRecord> find(WorkloadId id) {
        return file(id).read().map(FreezeRecord::of);
    }

    void put(FreezeRecord freeze) {
        file(freeze.id()).write(freeze.toMap());
    }

    /** Idempotent. */
    void remove(WorkloadId id) {
        file(id).delete();
    }

    private StateFile file(WorkloadId id) {
        return new StateFile(directory.resolve(id.fileName()));
    }
}
