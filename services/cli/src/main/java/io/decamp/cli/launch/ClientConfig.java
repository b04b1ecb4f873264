package io.decamp.cli.launch;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;

/** How the commands of this machine find the broker. A file that a person wrote is never replaced or removed. */
final class ClientConfig {
    private static final String OURS = "Written by decamp up, removed by decamp down";
    private static final String BOOTSTRAP = "bootstrap.servers=";

    private ClientConfig() {}

    static void write(Path file, String bootstrap, Optional<Map<String, String>> client) {
        try {
            if (Files.exists(file) && !isOurs(file)) {
                return;
            }
            Properties properties = new Properties();
            client.ifPresent(properties::putAll);
            properties.setProperty("bootstrap.servers", bootstrap);
            StringWriter text = new StringWriter();
            properties.store(text, OURS);
            Files.createDirectories(file.getParent());
            Path next = file.resolveSibling(file.getFileName() + ".new");
            Files.deleteIfExists(next);
            // passwords of a cluster's clients may be in it
            String mode = client.isPresent() ? "rw-------" : "rw-r--r--";
            Files.createFile(next, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode)));
            Files.writeString(next, text.toString());
            Files.move(next, file, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw DecampException.abort("client-config", "Cannot write " + file, "Check the directory", e);
        }
    }

    /** Only one that names this broker: another node of the machine may have written it since. */
    static void remove(Path file, String bootstrap) {
        try {
            if (Files.exists(file) && isOurs(file)
                    && Files.readString(file).contains(BOOTSTRAP + bootstrap.replace(":", "\\:"))) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw DecampException.abort("client-config", "Cannot remove " + file, "Check the directory", e);
        }
    }

    private static boolean isOurs(Path file) throws IOException {
        return Files.readString(file).startsWith("#" + OURS);
    }
}
