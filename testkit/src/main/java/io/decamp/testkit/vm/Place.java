package io.decamp.testkit.vm;

import io.decamp.contracts.error.DecampException;
import io.decamp.testkit.Lab;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Where a guest's QEMU runs.
 *
 * @param enter command that runs a command there; empty for here
 * @param directory for its sockets: same path here and there, short, as a socket's path has 108 bytes at most
 * @param shared tmpfs for its memory, as QEMU sees it
 * @param sharedFromHere the same, as this process can open it
 */
record Place(List<String> enter, Path directory, Path shared, Path sharedFromHere) {
    private static final Path SHARED_MEMORY = Path.of("/dev/shm");

    static Place here() {
        try {
            return new Place(List.of(), Files.createTempDirectory("decamp-vm"), SHARED_MEMORY, SHARED_MEMORY);
        } catch (IOException e) {
            throw DecampException.refused("guest-directory", "Can't make a directory for a guest", "Free some space");
        }
    }

    static Place in(Lab.Node node, String name) {
        try {
            Path directory = node.stateDirectory().resolve("vm-" + name);
            Files.createDirectory(directory);
            return new Place(node.enter(), directory, SHARED_MEMORY, node.seenFromHere(SHARED_MEMORY));
        } catch (IOException e) {
            throw DecampException.abort(
                    "guest-directory",
                    "Can't make a directory for guest " + name + " of " + node,
                    "Is the name free?",
                    e);
        }
    }
}
