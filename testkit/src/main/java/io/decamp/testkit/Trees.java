package io.decamp.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileStore;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;

/** Removes directory trees. Never follows a link, never leaves the file system: criu leaves cgroups mounted in its work. */
public final class Trees {
    private Trees() {}

    /** Removes {@code root} and all below it; a missing one is fine. */
    public static void delete(Path root) {
        if (!Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try {
            FileStore store = Files.getFileStore(root);
            Files.walkFileTree(root, new Deleter(store));
        } catch (IOException e) {
            throw new UncheckedIOException("Can't remove " + root, e);
        }
    }

    private static final class Deleter extends SimpleFileVisitor<Path> {
        private final FileStore store;

        Deleter(FileStore store) {
            this.store = store;
        }

        @Override
        public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) throws IOException {
            if (!Files.getFileStore(directory).equals(store)) {
                throw new IOException(directory + " is a mount point: unmount it first");
            }
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path directory, IOException failure) throws IOException {
            if (failure != null) {
                throw failure;
            }
            Files.delete(directory);
            return FileVisitResult.CONTINUE;
        }
    }
}
