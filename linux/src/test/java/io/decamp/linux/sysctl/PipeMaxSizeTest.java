package io.decamp.linux.sysctl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PipeMaxSizeTest {
    @TempDir
    Path directory;

    @Test
    void shouldReadTheWholeValueOfARealSetting() throws IOException {
        int value = PipeMaxSize.value(Path.of("/proc/sys/fs/pipe-max-size"));

        assertTrue(value >= 4096, "a pipe holds a page at least, not " + value);
    }

    @Test
    void shouldBringTheFormerValueBack() throws IOException {
        Path setting = Files.writeString(directory.resolve("setting"), "1048576\n");
        Path former = directory.resolve("former");

        new PipeMaxSize(setting, former).raise();
        assertEquals(PipeMaxSize.WANTED_BYTES, PipeMaxSize.value(setting));
        new PipeMaxSize(setting, former).restore();

        assertEquals(1048576, PipeMaxSize.value(setting));
        assertFalse(Files.exists(former));
    }
}
