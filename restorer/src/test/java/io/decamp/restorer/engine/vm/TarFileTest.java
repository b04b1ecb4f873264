package io.decamp.restorer.engine.vm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.restorer.engine.vm.TarFile.Attributes;
import io.decamp.testkit.Command;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TarFileTest {
    @TempDir
    Path directory;

    @Test
    void shouldBeUnpackedByTarAsItWasWritten() throws IOException {
        byte[] content = new byte[100_000];
        new Random(7).nextBytes(content);
        Path source = Files.write(directory.resolve("source"), content);
        Path archive = directory.resolve("a.tar");
        try (TarFile tar = new TarFile(archive)) {
            tar.directory("images");
            tar.file("images/pages-1.img", new Attributes(0100751, 0, 0, 1_600_000_000L), source);
            tar.file("images/block", Attributes.OURS, new byte[512]);
            tar.file("empty", Attributes.OURS_TO_RUN, new byte[0]);
        }
        Path unpacked = Files.createDirectory(directory.resolve("unpacked"));

        Command.Result result = Command.run("tar", "-xpf", archive.toString(), "-C", unpacked.toString());

        assertEquals(0, result.status(), result.output());
        Path file = unpacked.resolve("images/pages-1.img");
        assertArrayEquals(content, Files.readAllBytes(file));
        assertEquals("rwxr-x--x", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        assertEquals(FileTime.from(1_600_000_000L, TimeUnit.SECONDS), Files.getLastModifiedTime(file));
        assertEquals(512, Files.size(unpacked.resolve("images/block")));
        assertEquals(0, Files.size(unpacked.resolve("empty")));
        assertTrue(Files.isExecutable(unpacked.resolve("empty")));
        assertEquals(0, Files.size(archive) % 512, "a disk has whole sectors");
    }

    @Test
    void shouldRefuseWhatItsHeaderCanNotHold() throws IOException {
        try (TarFile tar = new TarFile(directory.resolve("a.tar"))) {
            byte[] nothing = new byte[0];
            assertThrows(IOException.class, () -> tar.file("x".repeat(101), Attributes.OURS, nothing));
            assertThrows(IOException.class, () -> tar.file("x", new Attributes(0600, 1 << 21, 0, 0), nothing));
            assertThrows(IOException.class, () -> tar.file("x", new Attributes(0600, 0, -1, 0), nothing));
        }
    }
}
