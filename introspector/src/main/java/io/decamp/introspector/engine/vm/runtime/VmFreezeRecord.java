package io.decamp.introspector.engine.vm.runtime;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.linux.workload.StateFile;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * What a service that was started anew must know of a freeze inside a VM. Whether the threads are frozen is not in it:
 * that is read from guest memory, which can't be wrong about it.
 *
 * @param parts directory of the images
 * @param captured the images are complete
 * @param killing the commit has begun: there is no way back
 */
record VmFreezeRecord(WorkloadId id, String migration, Path parts, boolean captured, boolean killing) {
    VmFreezeRecord withCaptured() {
        return new VmFreezeRecord(id, migration, parts, true, killing);
    }

    VmFreezeRecord withKilling() {
        return new VmFreezeRecord(id, migration, parts, captured, true);
    }

    static Optional<VmFreezeRecord> find(Path stateDirectory, WorkloadId id) {
        return file(stateDirectory, id).read().map(values -> new VmFreezeRecord(
                new WorkloadId(values.get("workload")),
                values.get("migration"),
                Path.of(values.get("parts")),
                Boolean.parseBoolean(values.get("captured")),
                Boolean.parseBoolean(values.get("killing"))));
    }

    void write(Path stateDirectory) {
        file(stateDirectory, id)
                .write(Map.of(
                        "workload", id.value(),
                        "migration", migration,
                        "parts", parts.toString(),
                        "captured", Boolean.toString(captured),
                        "killing", Boolean.toString(killing)));
    }

    /** Idempotent. */
    void delete(Path stateDirectory) {
        file(stateDirectory, id).delete();
    }

    private static StateFile file(Path stateDirectory, WorkloadId id) {
        return new StateFile(stateDirectory.resolve("vm-freezes").resolve(id.fileName()));
    }
}
