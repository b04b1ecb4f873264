package io.decamp.linux.spawn;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A process that does nothing, and for ever. */
public final class Idle {
    private static final List<Path> SLEEP = List.of(Path.of("/usr/bin/sleep"), Path.of("/bin/sleep"));

    private Idle() {}

    /**
     * @param name what a process list shows, where the program at hand does not care about its name
     * @throws DecampException {@code no-sleep}
     */
    public static SpawnRequest request(String name) {
        Path sleep = SLEEP.stream()
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> DecampException.refused(
                        "no-sleep", "There is no executable sleep in " + SLEEP, "Install coreutils or busybox"));
        SpawnRequest request =
                SpawnRequest.of(sleep, "infinity").withEnvironment(Map.of()).inDirectory(Path.of("/"));
        return ignoresItsName(sleep) ? request.withName(name) : request;
    }

    /** Unlike a program of many names (busybox), which looks at argv[0] to know which one it is. */
    private static boolean ignoresItsName(Path program) {
        try {
            return program.toRealPath().getFileName().toString().equals("sleep");
        } catch (IOException e) {
            return false;
        }
    }
}
