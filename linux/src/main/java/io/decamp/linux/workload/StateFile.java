package io.decamp.linux.workload;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What must be known after a restart of the service, as {@code key=value} lines. Replaced as a whole, so that a
 * reader sees
 * the old or the new content. Not synced to the disk: it speaks of processes of this boot only, and {@link #read} does
 * not return what an earlier boot left behind.
 */
public final class StateFile {
    private static final String BOOT = "boot";

    private final Path file;

    public StateFile(Path file) {
        this.file = file;
    }

    public Optional<Map<String, String>> read() {
        try {
            Map<String, String> values = new TreeMap<>();
            for (String line : Files.readAllLines(file)) {
                int equals = line.indexOf('=');
                if (equals <= 0) {
                    throw damaged(line);
                }
                values.put(line.substring(0, equals), line.substring(equals + 1));
            }
            return bootId().equals(values.remove(BOOT)) ? Optional.of(values) : Optional.empty();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw failed("read", e);
        }
    }

    /** Whether this boot or an earlier one has written it. */
    public boolean exists() {
        return Files.exists(file);
    }

    public void write(Map<String, String> values) {
        StringBuilder text = new StringBuilder(BOOT + "=" + bootId() + "\n");
        values.forEach((key, value) -> {
            if (key.isEmpty() || key.contains("=") || (key + value).contains("\n")) {
                throw new IllegalArgumentException("not fit for " + file + ": " + key + "=" + value);
            }
            text.append(key).append('=').append(value).append('\n');
        });
        try {
            Files.createDirectories(file.getParent());
            Path next = file.resolveSibling(file.getFileName() + ".next");
            Files.writeString(next, text);
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw failed("write", e);
        }
    }

    /** Idempotent. */
    public void delete() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw failed("delete", e);
        }
    }

    private String bootId() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
        } catch (IOException e) {
            throw failed("tell this boot from others for", e);
        }
    }

    private DecampException damaged(String line) {
        return DecampException.fatal(
                "state-damaged",
                "State file " + file + " has a line '" + line + "' that nobody wrote",
                "Find out what holds the workload by hand (decamp status), then remove the file",
                null);
    }

    private DecampException failed(String verb, IOException cause) {
        return DecampException.abort(
                "state-failed", "Can't " + verb + " " + file, "Is the state directory writable, and the disk not full?", cause);
    }
}
