package io.decamp.linux.sysctl;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * {@code fs.pipe-max-size}. criu's lazy dump holds every page in pipes while the workload is stopped; with larger
 * pipes it
 * needs fewer, which took 74 ms instead of 125 ms per GiB. It is the whole machine's setting, so its former value is
 * written down first and comes back with {@link #restore}, after a crash as well. Not thread safe.
 */
public final class PipeMaxSize {
    /** Where larger pipes stop to pay: 64 MiB hold 16384 pages, 64 times the default. */
    public static final int WANTED_BYTES = 64 << 20;

    private final Path setting;
    private final Path former;

    /** @param stateDirectory where the former value is kept */
    public PipeMaxSize(Path stateDirectory) {
        this(Path.of("/proc/sys/fs/pipe-max-size"), stateDirectory.resolve("pipe-max-size.former"));
    }

    PipeMaxSize(Path setting, Path former) {
        this.setting = setting;
        this.former = former;
    }

    /** Idempotent. Leaves a value that is large enough as it is. */
    public void raise() {
        try {
            int now = value(setting);
            if (now >= WANTED_BYTES) {
                return;
            }
            if (!Files.exists(former)) {
                Files.writeString(former, Integer.toString(now));
            }
            Files.writeString(setting, Integer.toString(WANTED_BYTES));
        } catch (IOException e) {
            throw DecampException.retry(
                    "sysctl-failed",
                    "Can't set " + setting + " to " + WANTED_BYTES,
                    "Freezing works without it and takes longer",
                    e);
        }
    }

    /** Idempotent. Does nothing when somebody else has set another value meanwhile. */
    public void restore() {
        try {
            String value = Files.readString(former);
            if (value(setting) == WANTED_BYTES) {
                Files.writeString(setting, value);
            }
            Files.delete(former);
        } catch (NoSuchFileException neverRaised) {
            return;
        } catch (IOException e) {
            throw new UncheckedIOException("Can't restore " + setting, e);
        }
    }

    /** In one read: a sysctl has nothing to say at any offset but 0, and Files.readString begins with a single byte. */
    static int value(Path setting) throws IOException {
        byte[] text = new byte[32];
        try (InputStream in = Files.newInputStream(setting)) {
            int length = in.read(text);
            return Integer.parseInt(new String(text, 0, Math.max(length, 0), StandardCharsets.US_ASCII).strip());
        }
    }
}
