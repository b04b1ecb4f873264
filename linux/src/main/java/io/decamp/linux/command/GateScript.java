package io.decamp.linux.command;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;

/** The scripts that criu runs at its stages; what each one does is said in it. */
public enum GateScript {
    /** Holds a dump when its images are complete. */
    HOLD_DUMP("hold-dump.sh"),
    /** Freezes a restored copy before its first instruction. */
    HOLD_COPY("hold-copy.sh");

    /** Tells the scripts, and us, which job a process belongs to. */
    public static final String RUN_VARIABLE = "DECAMP_RUN";

    private final String resource;

    GateScript(String resource) {
        this.resource = resource;
    }

    /**
     * Writes the script to a directory, which must not be mounted noexec: criu executes it itself.
     *
     * @return what criu's {@code action-script} is to be
     */
    public Path install(Path directory) {
        Path file = directory.resolve(resource);
        try (InputStream in = GateScript.class.getResourceAsStream(resource)) {
            Files.createDirectories(directory);
            // never changed in place: a gate that waits reads its script as it goes on
            Path next = directory.resolve(resource + ".next");
            Files.copy(in, next, StandardCopyOption.REPLACE_EXISTING);
            Files.setPosixFilePermissions(next, PosixFilePermissions.fromString("rwx------"));
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return file.toAbsolutePath();
        } catch (IOException e) {
            throw new UncheckedIOException("Can't write " + file, e);
        }
    }
}
