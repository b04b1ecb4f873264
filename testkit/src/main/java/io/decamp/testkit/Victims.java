package io.decamp.testkit;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Small C programs that tests act on, from {@code victims/NAME.c} on the class path. Compiled once per content into the
 * user's cache directory; several test processes may ask for the same one at the same time.
 */
public final class Victims {
    private static final List<String> FLAGS =
            List.of("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-static-pie");

    private Victims() {}

    /**
     * @return the executable of {@code victims/NAME.c}
     * @throws DecampException {@code no-compiler} where there is no gcc, {@code victim-broken} when it does not compile
     */
    public static Path compiled(String name) {
        byte[] source = source(name);
        try {
            Path directory = cacheDirectory();
            Path program = directory.resolve(name + "-" + hash(source));
            if (Files.isExecutable(program)) {
                return program;
            }
            return compile(name, source, directory, program);
        } catch (IOException e) {
            throw new UncheckedIOException("Can't keep victim " + name, e);
        }
    }

    private static Path compile(String name, byte[] source, Path directory, Path program) throws IOException {
        Path work = Files.createTempDirectory(directory, name);
        try {
            Path file = Files.write(work.resolve(name + ".c"), source);
            Path output = work.resolve(name);
            var command = new ArrayList<>(List.of("gcc"));
            command.addAll(FLAGS);
            command.addAll(List.of("-o", output.toString(), file.toString()));
            Command.Result result;
            try {
                result = Command.run(command);
            } catch (DecampException e) {
                throw DecampException.refused(
                        "no-compiler",
                        "Victim " + name + " must be compiled, and gcc can't be run",
                        "Install gcc and the C library's headers (apt-get install gcc libc6-dev)");
            }
            if (result.status() != 0) {
                throw DecampException.refused(
                        "victim-broken", "gcc refuses victim " + name + ": " + result.output(), "Mend its source");
            }
            return Files.move(output, program, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Trees.delete(work);
        }
    }

    private static byte[] source(String name) {
        try (InputStream in = Victims.class.getResourceAsStream("/victims/" + name + ".c")) {
            if (in == null) {
                throw DecampException.refused(
                        "no-such-victim", "There is no victims/" + name + ".c", "Put it into testkit's resources");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path cacheDirectory() throws IOException {
        String base = System.getenv("XDG_CACHE_HOME");
        Path cache = base == null || base.isEmpty()
                ? Path.of(System.getProperty("user.home"), ".cache")
                : Path.of(base);
        Path directory = cache.resolve("decamp").resolve("victims");
        Files.createDirectories(directory);
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
        return directory;
    }

    private static String hash(byte[] source) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            digest.update(source);
            digest.update(String.join(" ", FLAGS).getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest.digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
