package io.decamp.restorer.engine.runtime;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.linux.workload.StateFile;
import java.nio.file.Path;
import java.util.Optional;

/** The copies of this boot that were neither destroyed nor have moved on, one file each. */
final class CopyRecords {
    private final Path directory;

    CopyRecords(Path stateDirectory) {
        this.directory = stateDirectory.resolve("copies");
    }

    Optional<CopyRecord> find(WorkloadId id) {
        return file(id).read().map(CopyRecord::of);
    }

    void put(CopyRecord copy) {
        file(copy.id()).write(copy.toMap());
    }

    /** Idempotent. */
    void remove(WorkloadId id) {
        file(id).delete();
    }

    private StateFile file(WorkloadId id) {
        return new StateFile(directory.resolve(id.fileName()));
    }
}
