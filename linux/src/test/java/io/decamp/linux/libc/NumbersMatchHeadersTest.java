package io.decamp.linux.libc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** System call numbers, error numbers and the sizes of glibc's opaque types, compared by gcc. */
class NumbersMatchHeadersTest {
    @TempDir
    private Path directory;

    @Test
    void shouldAgreeWithTheHeaders() throws Exception {
        StringBuilder program = new StringBuilder("""
                #define _GNU_SOURCE
                #include <errno.h>
                #include <fcntl.h>
                #include <signal.h>
                #include <spawn.h>
                #include <sys/syscall.h>
                """);
        equal(program, "SYS_close", Arch.current().closeNumber());
        equal(program, "SYS_userfaultfd", Arch.current().userfaultfdNumber());
        equal(program, "SYS_kcmp", Arch.current().kcmpNumber());
        equal(program, "SYS_pidfd_send_signal", Arch.PIDFD_SEND_SIGNAL);
        equal(program, "SYS_pidfd_open", Arch.PIDFD_OPEN);
        equal(program, "SYS_pidfd_getfd", Arch.PIDFD_GETFD);
        equal(program, "O_EXCL", ProcessCalls.PIDFD_THREAD);
        equal(program, "sizeof(posix_spawn_file_actions_t)", SpawnCalls.FILE_ACTIONS_BYTES);
        equal(program, "sizeof(posix_spawnattr_t)", SpawnCalls.ATTRIBUTES_BYTES);
        equal(program, "sizeof(sigset_t)", SpawnCalls.SIGSET_BYTES);
        for (Field errno : Errno.class.getFields()) {
            equal(program, errno.getName(), errno.getInt(null));
            assertEquals(errno.getName(), Errno.name(errno.getInt(null)));
        }

        String said = compile(program.toString());

        assertEquals("", said);
    }

    /** The numbers of the other architecture, which this machine's headers do not have, from the table for it. */
    @Test
    void shouldKnowTheNumbersOfArm64() {
        assertEquals(57, Arch.ARM64.closeNumber());
        assertEquals(282, Arch.ARM64.userfaultfdNumber());
        assertEquals(272, Arch.ARM64.kcmpNumber());
        assertEquals(Arch.ARM64, Arch.ofName("aarch64"));
    }

    private static void equal(StringBuilder program, String expression, long value) {
        program.append("_Static_assert((long)(%s) == %d, \"%s\");%n".formatted(expression, value, expression));
    }

    private String compile(String program) throws Exception {
        Path source = Files.writeString(directory.resolve("numbers.c"), program);
        Process gcc = new ProcessBuilder("gcc", "-std=gnu11", "-fsyntax-only", source.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(gcc.getInputStream().readAllBytes());
        gcc.waitFor();
        return said;
    }
}
