package io.decamp.testkit;

import io.decamp.contracts.error.DecampException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Programs that tests and benchmarks call: what {@code ./decamp} provisioned first, then what the system has. */
public final class Tools {
    private Tools() {}

    /**
     * CRIU 4.2 or newer, as one executable: {@code DECAMP_CRIU}, which {@code ./decamp} sets, else the private one.
     *
     * @throws DecampException {@code criu-missing}
     */
    public static Path criu() {
        String named = System.getenv("DECAMP_CRIU");
        Path found = named != null ? Path.of(named) : home().resolve("bin/criu");
        if (!Files.isExecutable(found)) {
            throw DecampException.refused(
                    "criu-missing", found + " is not there", "Run ./decamp test once, or set DECAMP_CRIU");
        }
        return found;
    }

    /** Where {@code ./decamp} keeps what it provisions. */
    public static Path home() {
        String named = System.getenv("DECAMP_HOME");
        return Path.of(named != null ? named : "/var/cache/decamp");
    }

    /** Looks where {@code ./decamp} unpacks programs, then in PATH and the system's own directories. */
    public static Optional<Path> program(String name) {
        List<String> places = new ArrayList<>(List.of(home().resolve("bin").toString()));
        places.addAll(List.of(System.getenv().getOrDefault("PATH", "").split(":")));
        places.addAll(List.of("/usr/sbin", "/sbin", "/usr/bin"));
        return places.stream().map(place -> Path.of(place, name)).filter(Files::isExecutable).findFirst();
    }
}
