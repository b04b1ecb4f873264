package io.decamp.linux.proc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/** Reads files of /proc. Everything that gives them a meaning is in the parsers, which never see a PID. Thread safe. */
public final class ProcFs {
    private static final Path ROOT = Path.of("/proc");

    private ProcFs() {}

    public static Path path(int pid, String file) {
        return ROOT.resolve(Integer.toString(pid)).resolve(file);
    }

    /** @throws UncheckedIOException also when the process is gone */
    public static String read(int pid, String file) {
        return readIfPresent(pid, file)
                .orElseThrow(() -> new UncheckedIOException(new NoSuchFileException(path(pid, file).toString())));
    }

    /** @return empty when the process is gone, which some files tell by ESRCH while they are being read */
    public static Optional<String> readIfPresent(int pid, String file) {
        try {
            return Optional.of(Files.readString(path(pid, file), StandardCharsets.ISO_8859_1));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            if (!Files.exists(ROOT.resolve(Integer.toString(pid)))
                    || String.valueOf(e.getMessage()).contains("No such process")) {
                return Optional.empty();
            }
            throw new UncheckedIOException(e);
        }
    }
}
