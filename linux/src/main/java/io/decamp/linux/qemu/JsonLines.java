package io.decamp.linux.qemu;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.decamp.contracts.error.DecampException;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.SyscallException;
import io.decamp.linux.socket.UnixSocket;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** JSON objects, one a line, over a UNIX socket, with a limit on each wait. One thread at a time. */
final class JsonLines implements AutoCloseable {
    static final ObjectMapper JSON = new ObjectMapper();

    /** A memory tree of a large machine has some 100 KiB; beyond this the other end is no QEMU. */
    private static final int LINE_LIMIT_BYTES = 16 << 20;

    private static final int READ_BYTES = 64 << 10;

    private final Path path;
    private final UnixSocket socket;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private byte[] buffer = new byte[0];
    private int at;

    private JsonLines(Path path, UnixSocket socket) {
        this.path = path;
        this.socket = socket;
    }

    /** @throws SyscallException ENOENT, ECONNREFUSED, EACCES */
    static JsonLines connect(Path path) {
        return new JsonLines(path, UnixSocket.connect(path, UnixSocket.Type.STREAM));
    }

    UnixSocket socket() {
        return socket;
    }

    void send(byte[] bytes, List<FileDescriptor> descriptors) {
        try {
            socket.send(bytes, descriptors);
        } catch (SyscallException e) {
            throw gone(e);
        }
    }

    void send(JsonNode message, List<FileDescriptor> descriptors) {
        send((message + "\n").getBytes(StandardCharsets.UTF_8), descriptors);
    }

    /** Drops what has come so far up to and including {@code delimiter}. */
    void skipPast(byte delimiter, long deadlineNanos) {
        while (true) {
            while (at < buffer.length) {
                if (buffer[at++] == delimiter) {
                    line.reset();
                    return;
                }
            }
            fill(deadlineNanos);
        }
    }

    /** The next object. */
    JsonNode receive(long deadlineNanos) {
        while (true) {
            while (at < buffer.length) {
                byte next = buffer[at++];
                if (next == '\n') {
                    String text = line.toString(StandardCharsets.UTF_8).strip();
                    line.reset();
                    if (!text.isEmpty()) {
                        return parse(text);
                    }
                } else {
                    line.write(next);
                }
            }
            if (line.size() > LINE_LIMIT_BYTES) {
                throw notSpoken("a line longer than " + LINE_LIMIT_BYTES + " bytes", null);
            }
            fill(deadlineNanos);
        }
    }

    private JsonNode parse(String text) {
        try {
            JsonNode node = JSON.readTree(text);
            if (node.isObject()) {
                return node;
            }
            throw notSpoken("'" + abbreviated(text) + "'", null);
        } catch (JsonProcessingException e) {
            throw notSpoken("'" + abbreviated(text) + "'", e);
        }
    }

    private void fill(long deadlineNanos) {
        long left = deadlineNanos - System.nanoTime();
        try {
            if (left <= 0 || !socket.awaitReadable(Duration.ofNanos(left).plusMillis(1))) {
                throw DecampException.retry(
                        "vm-not-answering",
                        "No answer came over " + path + " in time",
                        "Is the VM's host overloaded, or does another client hold this socket? QEMU serves one at a"
                                + " time",
                        null);
            }
            buffer = socket.receive(READ_BYTES).bytes();
        } catch (SyscallException e) {
            throw gone(e);
        }
        at = 0;
        if (buffer.length == 0) {
            throw gone(null);
        }
    }

    private DecampException gone(Throwable cause) {
        return DecampException.abort(
                "vm-gone", "QEMU closed " + path, "Has the VM been powered off, or has QEMU ended?", cause);
    }

    private DecampException notSpoken(String what, Throwable cause) {
        return DecampException.abort(
                "vm-not-qemu",
                "What listens at " + path + " does not speak QEMU's protocol: it sent " + what,
                "Register the socket that QEMU was given with -qmp, or with -chardev for its guest agent",
                cause);
    }

    private static String abbreviated(String text) {
        return text.length() <= 80 ? text : text.substring(0, 80) + "...";
    }

    @Override
    public void close() {
        socket.close();
    }
}
