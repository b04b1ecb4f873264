package io.decamp.linux.socket;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.linux.fd.FdTrace;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.libc.SyscallException;
import io.decamp.linux.mem.MappedWindow;
import io.decamp.linux.mem.SharedFile;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class UnixSocketTest {
    @TempDir
    private Path directory;

    @BeforeEach
    void trace() {
        FdTrace.start();
    }

    @AfterEach
    void shouldHaveClosedEachDescriptor() {
        assertEquals(List.of(), FdTrace.stop());
    }

    @Test
    void shouldKeepTheBoundariesOfPackets() {
        try (UnixSocket.Pair pair = UnixSocket.pair(UnixSocket.Type.SEQPACKET)) {
            pair.first().send(new byte[] {1, 2, 3});
            pair.first().send(new byte[] {4});

            assertArrayEquals(new byte[] {1, 2, 3}, pair.second().receive(100).bytes());
            assertArrayEquals(new byte[] {4}, pair.second().receive(100).bytes());
        }
    }

    @Test
    void shouldPassDescriptorsThatOutliveTheSenders() {
        try (UnixSocket.Pair pair = UnixSocket.pair(UnixSocket.Type.STREAM)) {
            SharedFile file = SharedFile.anonymous("passed", 4096);
            try (MappedWindow window = file.map(0, 4096)) {
                window.segment().set(ValueLayout.JAVA_LONG, 0, 4711);
            }
            pair.first().send(new byte[] {1}, List.of(file.descriptor(), file.descriptor()));
            file.close();

            try (Received received = pair.second().receive(1, 2)) {
                assertEquals(2, received.descriptors().size());
                try (MappedWindow window = MappedWindow.readOnly(received.descriptors().get(1), 0, 4096)) {
                    assertEquals(4711, window.segment().get(ValueLayout.JAVA_LONG, 0));
                }
            }
        }
    }

    @Test
    void shouldRefuseAMessageThatIsCutOffAndCloseWhatCame() {
        try (UnixSocket.Pair pair = UnixSocket.pair(UnixSocket.Type.SEQPACKET);
                FileDescriptor one = pair.first().descriptor().duplicate()) {
            pair.first().send(new byte[100], List.of(one, one, one));

            assertThrows(IllegalStateException.class, () -> pair.second().receive(100, 2));

            pair.first().send(new byte[100]);
            assertThrows(IllegalStateException.class, () -> pair.second().receive(99));
        }
    }

    @Test
    void shouldTellWhoHasConnected() {
        Path path = directory.resolve("s");
        try (UnixListener listener = UnixListener.bind(path, UnixSocket.Type.STREAM)) {
            assertTrue(listener.accept(Duration.ofMillis(1)).isEmpty());
            try (UnixSocket client = UnixSocket.connect(path, UnixSocket.Type.STREAM);
                    UnixSocket server = listener.accept(Duration.ofSeconds(10)).orElseThrow()) {
                client.send("hello".getBytes());

                assertEquals(ProcessHandle.current().pid(), server.peer().pid());
                assertEquals("hello", new String(server.receiveFully(5)));
            }
        }
        assertFalse(Files.exists(path));
    }

    @Test
    void shouldSeeTheEndOfTheConnection() {
        try (UnixSocket.Pair pair = UnixSocket.pair(UnixSocket.Type.SEQPACKET)) {
            pair.first().close();

            assertTrue(pair.second().awaitReadable(Duration.ofSeconds(10)));
            assertTrue(pair.second().receive(10).isEnd());
            SyscallException thrown = assertThrows(SyscallException.class, () -> pair.second().send(new byte[1]));
            assertEquals(Errno.EPIPE, thrown.errno());
        }
    }

    @Test
    void shouldNotWaitLongerThanItsLimit() {
        try (UnixSocket.Pair pair = UnixSocket.pair(UnixSocket.Type.STREAM)) {
            pair.second().limitWaits(Duration.ofMillis(20));

            SyscallException thrown = assertThrows(SyscallException.class, () -> pair.second().receive(1));

            assertEquals(Errno.EAGAIN, thrown.errno());
        }
    }

    @Test
    void shouldSayWhatStandsInTheWay() throws Exception {
        Path path = Files.createFile(directory.resolve("s"));

        SyscallException thrown = assertThrows(
                SyscallException.class, () -> UnixListener.bind(path, UnixSocket.Type.STREAM));

        assertEquals(Errno.EADDRINUSE, thrown.errno());
        assertTrue(thrown.getMessage().contains(path.toString()));
        assertThrows(
                IllegalArgumentException.class,
                () -> UnixSocket.connect(Path.of("/" + "x".repeat(108)), UnixSocket.Type.STREAM));
    }
}
