package io.decamp.restorer.engine.vm;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.linux.workload.StateFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The copies of this boot that were not destroyed, one file each. */
final class VmCopyRecords {
    private final Path directory;

    VmCopyRecords(Path stateDirectory) {
        this.directory = stateDirectory.resolve("vm-copies");
    }

    Optional<VmCopyRecord> find(WorkloadId id) {
        return file(id).read().map(VmCopyRecord::of);
    }

    List<VmCopyRecord> all() {
        List<VmCopyRecord> all = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, f -> !f.toString().endsWith(".next"))) {
            files.forEach(f -> new StateFile(f).read().map(VmCopyRecord::of).ifPresent(all::add));
            return all;
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void put(VmCopyRecord copy) {
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
