package io.decamp.linux.command;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Comparator;
import java.util.List;

/**
 * Makes and removes the directories that criu and runc work in. What they mount there (a view of every cgroup
 * hierarchy, the
 * container's root) survives them when they are killed, and must never be deleted through.
 */
public final class JobDirectory {
    private JobDirectory() {}

    /** Makes it anew and empty. */
    public static Path create(Path directory) {
        remove(directory);
        try {
            return Files.createDirectories(directory);
        } catch (IOException e) {
            throw failed("make", directory, e);
        }
    }

    /** Unmounts what is mounted in it, then deletes it without following links. Idempotent. */
    public static void remove(Path directory) {
        try {
            if (!Files.exists(directory)) {
                return;
            }
            unmountBelow(directory);
            Files.walkFileTree(directory, new Deleter());
        } catch (NoSuchFileException gone) {
            return;
        } catch (IOException e) {
            throw failed("remove", directory, e);
        }
    }

    /**
     * Unmounts everything below a directory, innermost first.
     *
     * @throws DecampException {@code unmount-failed}: then nothing below it may be deleted
     */
    public static void unmountBelow(Path directory) throws IOException {
        String prefix = directory.toRealPath() + "/";
        for (String point : mountsBelow(Files.readAllLines(Path.of("/proc/self/mountinfo")), prefix)) {
            ShortCommand.Result result = ShortCommand.run(List.of("umount", point));
            if (result.status() != 0) {
                throw DecampException.fatal(
                        "unmount-failed",
                        "Can't unmount " + point + ": " + result.output().strip(),
                        "Unmount it by hand before anything below " + directory + " is deleted",
                        null);
            }
        }
    }

    /** @param mountinfo the lines of proc_pid_mountinfo(5) */
    static List<String> mountsBelow(List<String> mountinfo, String prefix) {
        return mountinfo.stream()
                .map(line -> line.split(" ")[4].replace("\\040", " "))
                .filter(point -> point.startsWith(prefix))
                .sorted(Comparator.comparingInt(String::length).reversed())
                .toList();
    }

    private static DecampException failed(String verb, Path directory, IOException cause) {
        return DecampException.abort(
                "directory-failed", "Can't " + verb + " " + directory, "Is there room, and the right to write?", cause);
    }

    private static final class Deleter extends SimpleFileVisitor<Path> {
        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path directory, IOException failure) throws IOException {
            if (failure != null) {
                throw failure;
            }
            Files.deleteIfExists(directory);
            return FileVisitResult.CONTINUE;
        }
    }
}
