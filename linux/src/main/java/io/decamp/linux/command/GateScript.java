package io.decamp.linux.command;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

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
     * Writes the script to a directory and returns what criu's {@code action-script} is to be: criu gives it to
     * {@code sh -c}, and the {@code exec} makes criu the script's parent under every shell. Works on file systems mounted
     * noexec.
     */
    public String install(Path directory) {
        Path file = directory.resolve(resource);
        if (file.toString().contains("'")) {
            throw new IllegalArgumentException("a path with a quote can't be given to a shell: " + file);
        }
        try (InputStream in = GateScript.class.getResourceAsStream(resource)) {
            Files.createDirectories(directory);
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException("Can't write " + file, e);
        }
        return "exec /bin/sh '" + file + "'";
    }
}
