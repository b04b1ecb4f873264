package io.decamp.contracts.port;

import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.v1.Part;
import java.nio.file.Path;
import java.util.List;

/**
 * A replica that is complete and was taken frozen. {@code directory} is in tmpfs and holds {@code space-ID}, a sparse
 * file for each address space whose file offset is the virtual address, and {@code parts/NAME} for each part.
 */
public record SealedReplica(
        Path directory, long generation, long epoch, byte[] digest, List<AddressSpace> spaces, List<Part> parts) {

    public Path spaceFile(long spaceId) {
        return directory.resolve("space-" + spaceId);
    }

    public Path partsDirectory() {
        return directory.resolve("parts");
    }
}
