package io.decamp.linux.spawn;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.linux.abi.ProcessAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.libc.SyscallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SpawnedProcessTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Path SHELL = Path.of("/bin/sh");

    @Test
    void shouldGiveExactlyTheNamedDescriptors() {
        int[] pipe = FileCalls.pipe();
        try (FileDescriptor reading = FileDescriptor.own(pipe[0], "reading end");
                FileDescriptor writing = FileDescriptor.own(pipe[1], "writing end")) {
            // Two are given crosswise on purpose: a careless dup2 would overwrite one with the other.
            SpawnRequest request = SpawnRequest.of(SHELL, "-c", "ls /proc/self/fd | sort -n | tr '\\n' ' ' >&4")
                    .withDescriptor(4, writing)
                    .withDescriptor(reading.number(), writing)
                    .withDescriptor(writing.number(), reading);
            int high = Math.max(reading.number(), writing.number());
            int low = Math.min(reading.number(), writing.number());

            String said = output(request, reading, writing);

            // ls itself opens the directory with the lowest free number, 3.
            assertEquals("0 1 2 3 4 " + low + " " + high + " ", said);
        }
    }

    @Test
    void shouldRunWithItsOwnNameEnvironmentDirectoryAndSession() {
        int[] pipe = FileCalls.pipe();
        try (FileDescriptor reading = FileDescriptor.own(pipe[0], "reading end");
                FileDescriptor writing = FileDescriptor.own(pipe[1], "writing end")) {
            SpawnRequest request = SpawnRequest.of(
                            SHELL, "-c", "echo $0 $A $PWD $(cut -d' ' -f6 /proc/$$/stat) $$", "name")
                    .withEnvironment(Map.of("A", "b", "PATH", "/usr/bin:/bin"))
                    .inDirectory(Path.of("/proc"))
                    .withDescriptor(1, writing);

            String[] said = output(request, reading, writing).trim().split(" ");

            assertEquals("name", said[0]);
            assertEquals("b", said[1]);
            assertEquals("/proc", said[2]);
            assertEquals(said[4], said[3], "leads its session");
        }
    }

    @Test
    void shouldTellHowItEnded() {
        try (SpawnedProcess process = SpawnedProcess.start(SpawnRequest.of(SHELL, "-c", "exit 7"))) {
            assertEquals(OptionalInt.of(7), process.awaitExit(LIMIT));
            assertEquals(OptionalInt.of(7), process.awaitExit(LIMIT));
        }
        try (SpawnedProcess process = SpawnedProcess.start(Idle.request("decamp-test-idle"))) {
            assertEquals(OptionalInt.empty(), process.awaitExit(Duration.ofMillis(1)));
            process.signal(ProcessAbi.SIGTERM);
            assertEquals(OptionalInt.of(128 + 15), process.awaitExit(LIMIT));
            assertFalse(process.signal(ProcessAbi.SIGTERM));
            process.kill();
        }
    }

    @Test
    void shouldSayWhatCouldNotBeStarted() {
        SyscallException thrown = assertThrows(
                SyscallException.class, () -> SpawnedProcess.start(SpawnRequest.of(Path.of("/no/such/program"))));

        assertEquals(Errno.ENOENT, thrown.errno());
        assertEquals("/no/such/program", thrown.datum());
    }

    @Test
    void shouldKeepADescriptorUntilItIsStopped() throws Exception {
        int[] pipe = FileCalls.pipe();
        Keeper keeper;
        try (FileDescriptor reading = FileDescriptor.own(pipe[0], "reading end")) {
            try (FileDescriptor writing = FileDescriptor.own(pipe[1], "writing end")) {
                keeper = Keeper.start(Map.of(5, writing));
            }
            try {
                try (Keeper found = Keeper.find(keeper.record()).orElseThrow();
                        FileDescriptor fetched = found.fetch(5)) {
                    write(fetched, "kept");
                    assertEquals("kept", read(reading, 4));
                }
                // spawning returns in the middle of the exec, when the arguments may not be in place yet
                Path name = Path.of("/proc/" + keeper.record().pid() + "/cmdline");
                await().until(() -> Files.readString(name).startsWith(Keeper.NAME));
                assertThrows(IllegalArgumentException.class, () -> keeper.fetch(6));

                keeper.stop();

                assertEquals("", read(reading, 1), "nobody holds the writing end");
                assertTrue(Keeper.find(keeper.record()).isEmpty());
            } finally {
                keeper.stop();
                keeper.close();
            }
        }
    }

    private static String output(SpawnRequest request, FileDescriptor reading, FileDescriptor writing) {
        try (SpawnedProcess process = SpawnedProcess.start(request)) {
            try {
                assertEquals(OptionalInt.of(0), process.awaitExit(LIMIT));
            } finally {
                process.kill();
            }
            writing.close();
            return read(reading, 4096);
        }
    }

    private static String read(FileDescriptor from, int bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(bytes);
            long got = FileCalls.read(from.number(), buffer.address(), bytes);
            byte[] text = buffer.asSlice(0, got).toArray(ValueLayout.JAVA_BYTE);
            return new String(text, StandardCharsets.UTF_8);
        }
    }

    private static void write(FileDescriptor to, String text) {
        try (Arena arena = Arena.ofConfined()) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            MemorySegment buffer = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            assertEquals(bytes.length, FileCalls.write(to.number(), buffer.address(), bytes.length));
        }
    }
}
