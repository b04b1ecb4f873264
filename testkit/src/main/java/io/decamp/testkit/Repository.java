package io.decamp.testkit;

import io.decamp.contracts.error.DecampException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where the scripts of {@code deploy/} are: {@code -Ddecamp.root}, else above the working directory. */
public final class Repository {
    private Repository() {}

    public static Path root() {
        String named = System.getProperty("decamp.root");
        if (named != null) {
            return Path.of(named);
        }
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            if (Files.isRegularFile(at.resolve("deploy/lab/lab.sh"))) {
                return at;
            }
        }
        throw DecampException.refused(
                "no-repository", "deploy/lab/lab.sh is not above " + Path.of("").toAbsolutePath(), "Set -Ddecamp.root");
    }
}
