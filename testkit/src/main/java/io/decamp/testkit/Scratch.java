package io.decamp.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Directories on tmpfs. Who makes one removes it by {@link Trees#delete}; what is left at the end of this program, since
 * it failed or was told to end, goes then, at the same time as other hooks run: nothing of what those need belongs in one.
 * Thread safe.
 */
public final class Scratch {
    private static final Path TMPFS = Path.of("/dev/shm");
    /** Whoever else is ended at the same time may write into one until then. */
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private static final Set<Path> MADE = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(Scratch::removeAll, "end-of-scratch"));
    }

    private Scratch() {}

    /** Makes one whose name begins so. */
    public static Path onTmpfs(String prefix) {
        try {
            Path made = Files.createTempDirectory(TMPFS, prefix);
            MADE.add(made);
            return made;
        } catch (IOException e) {
            throw new UncheckedIOException("Can't make a directory in " + TMPFS, e);
        }
    }

    private static void removeAll() {
        MADE.forEach(directory -> {
            try {
                Await.until("the end of " + directory, LIMIT, () -> isGone(directory));
            } catch (AssertionError e) {
                System.err.println(e.getMessage());
            }
        });
    }

    private static boolean isGone(Path directory) {
        try {
            Trees.delete(directory);
            return true;
        } catch (UncheckedIOException stillUsed) {
            return false;
        }
    }
}
