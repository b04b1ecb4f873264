package io.decamp.linux.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.contracts.error.DecampException;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.SyscallException;
import io.decamp.linux.socket.PeerCredentials;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * One connection to a QEMU monitor (docs/interop/qmp-spec.txt of QEMU). QEMU serves one at a time: close it soon, or
 * keep it as the only one. Every wait is bounded. Thread safe; commands exclude each other.
 */
public final class Qmp implements AutoCloseable {
    /** The monitor answers in milliseconds; under full load of all processors it has been seen to take seconds. */
    public static final Duration LIMIT = Duration.ofSeconds(20);

    /** Events are kept for {@link #awaitEvent}; nobody needs old ones. */
    private static final int EVENTS_LIMIT = 256;

    private final Path path;
    private final JsonLines lines;
    private final Deque<JsonNode> events = new ArrayDeque<>();
    private final Map<String, Long> counts = new HashMap<>();

    private Qmp(Path path, JsonLines lines) {
        this.path = path;
        this.lines = lines;
    }

    /**
     * @throws DecampException {@code vm-no-qmp} nothing listens there; {@code vm-not-qemu} something else does; {@code
     *     vm-not-answering} another client has it
     */
    public static Qmp connect(Path path) {
        JsonLines lines;
        try {
            lines = JsonLines.connect(path);
        } catch (SyscallException e) {
            throw DecampException.refused(
                    "vm-no-qmp",
                    "Nothing answers at the monitor socket " + path + " (" + e.getMessage() + ")",
                    "Start QEMU with -qmp unix:PATH,server=on,wait=off, and register that PATH");
        }
        Qmp qmp = new Qmp(path, lines);
        try {
            if (!qmp.firstWords().has("QMP")) {
                throw DecampException.refused(
                        "vm-not-qemu",
                        "What listens at " + path + " does not greet as QEMU's monitor does",
                        "Register the socket that QEMU was given with -qmp");
            }
            qmp.execute("qmp_capabilities");
            return qmp;
        } catch (RuntimeException e) {
            lines.close();
            throw e;
        }
    }

    /**
     * Without the events before: QEMU tells a client of what happens between its accepting and its greeting it, if only
     * the one before had said that it understands them.
     */
    private JsonNode firstWords() {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            JsonNode words = lines.receive(deadline);
            if (!words.has("event")) {
                return words;
            }
        }
    }

    public JsonNode execute(String command) {
        return execute(command, Map.of());
    }

    /**
     * @throws DecampException {@code vm-command-refused} with QEMU's words; {@code vm-gone}, {@code vm-not-answering}
     */
    public JsonNode execute(String command, Map<String, ?> arguments) {
        return execute(command, arguments, List.of());
    }

    private synchronized JsonNode execute(String command, Map<String, ?> arguments, List<FileDescriptor> descriptors) {
        ObjectNode message = JsonLines.JSON.createObjectNode().put("execute", command);
        if (!arguments.isEmpty()) {
            message.set("arguments", JsonLines.JSON.valueToTree(arguments));
        }
        lines.send(message, descriptors);
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            JsonNode answer = lines.receive(deadline);
            if (answer.has("return")) {
                return answer.get("return");
            }
            if (answer.has("error")) {
                throw DecampException.abort(
                        "vm-command-refused",
                        "QEMU at " + path + " refused " + command + ": "
                                + answer.path("error").path("desc").asText(),
                        "See QEMU's documentation of that command",
                        null);
            }
            keep(answer);
        }
    }

    /** A line for the human monitor, for what QMP has no command for. @return what it printed */
    public String hmp(String line) {
        return execute("human-monitor-command", Map.of("command-line", line)).asText();
    }

    /** Waits for an event, one that has already come included; it is taken out. */
    public synchronized JsonNode awaitEvent(String name, Predicate<JsonNode> data, Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        while (true) {
            for (JsonNode event : events) {
                if (event.path("event").asText().equals(name) && data.test(event.path("data"))) {
                    events.remove(event);
                    return event;
                }
            }
            keep(lines.receive(deadline));
        }
    }

    /** How often an event has come over this connection: all that QEMU sent before its last answer are counted. */
    public synchronized long count(String event) {
        return counts.getOrDefault(event, 0L);
    }

    private void keep(JsonNode message) {
        if (message.has("event")) {
            counts.merge(message.path("event").asText(), 1L, Long::sum);
            if (events.size() == EVENTS_LIMIT) {
                events.removeFirst();
            }
            events.addLast(message);
        }
    }

    /** Gives QEMU a descriptor of ours. @return N of {@code /dev/fdset/N}, by which its block layer opens it */
    public long addDescriptor(FileDescriptor descriptor) {
        return execute("add-fd", Map.of(), List.of(descriptor)).path("fdset-id").asLong();
    }

    public void removeDescriptor(long set) {
        execute("remove-fd", Map.of("fdset-id", set));
    }

    /** {@code running}, {@code paused}, {@code shutdown}, ... (RunState in qapi/run-state.json). */
    public String state() {
        return execute("query-status").path("status").asText();
    }

    /** Who listens: QEMU, unless somebody made the socket for it. */
    public PeerCredentials peer() {
        return lines.socket().peer();
    }

    public Path path() {
        return path;
    }

    @Override
    public void close() {
        lines.close();
    }
}
