package io.decamp.contracts.port;

import io.decamp.contracts.page.AddressSpace;
import java.nio.file.Path;
import java.util.List;

/**
 * A replica after its last sealed epoch, while more are expected. The files are those of {@link SealedReplica}, and
 * stay the same ones until their process has ended or the replica is dropped; what they hold changes with each epoch.
 */
public record StandingReplica(Path directory, long generation, List<AddressSpace> spaces) {
    public StandingReplica {
        spaces = List.copyOf(spaces);
    }

    public Path spaceFile(long spaceId) {
        return directory.resolve("space-" + spaceId);
    }
}
