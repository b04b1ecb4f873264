package io.decamp.testkit;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ScratchTest {
    @Test
    void shouldLeaveNothingWhenItsProgramIsToldToEnd() throws IOException {
        Process program = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        Program.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (var said = program.inputReader()) {
            Path made = Path.of(said.readLine());
            assertTrue(Files.exists(made.resolve("deep/file")));

            program.destroy();
            program.onExit().join();

            assertFalse(Files.exists(made));
        } finally {
            program.destroyForcibly();
        }
    }

    /** Waits to be ended. */
    static final class Program {
        public static void main(String... none) throws IOException {
            Path made = Scratch.onTmpfs("decamp-scratch-test-");
            Files.writeString(Files.createDirectory(made.resolve("deep")).resolve("file"), "content");
            System.out.println(made);
            System.in.read();
        }
    }
}
