package io.decamp.edge.config;

import io.decamp.contracts.error.DecampException;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * {@code run/SERVICE.ready} in the state directory: holds the PID of the service from when it can be used until it stops.
 * For whoever started it, without a network.
 */
@ApplicationScoped
class ReadyFile {
    /** After every other observer of the same event. */
    private static final int LAST = Integer.MAX_VALUE;

    private final Path file;

    ReadyFile(DecampConfig config, @ConfigProperty(name = "quarkus.application.name") String service) {
        file = config.stateDirectory().resolve("run").resolve(service + ".ready");
    }

    void ready(@Observes @Priority(LAST) StartupEvent event) {
        Path half = file.resolveSibling(file.getFileName() + ".new");
        try {
            Files.createDirectories(file.getParent());
            Files.writeString(half, Long.toString(ProcessHandle.current().pid()));
            Files.move(half, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw DecampException.fatal("state-directory", "Cannot write " + file, "Check the directory", e);
        }
    }

    void stopping(@Observes ShutdownEvent event) throws IOException {
        Files.deleteIfExists(file);
    }
}
