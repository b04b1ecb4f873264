package io.decamp.linux.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.contracts.error.DecampException;
import io.decamp.linux.libc.SyscallException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * The agent inside a guest (qga/qapi-schema.json of QEMU; Debian's {@code qemu-guest-agent}), over the socket of its
 * virtio-serial port. The socket belongs to QEMU and connects also when no agent runs: {@link #connect} therefore
 * waits for an answer. Serves one client at a time. Thread safe; calls exclude each other.
 */
public final class GuestAgent implements AutoCloseable {
    /** A process in the guest has ended. Output beyond the agent's limit (16 MiB) is cut by the agent. */
    public record Ended(int exitCode, String output, String errors) {}

    /** For one answer: the agent's process must get a processor of a guest that may be overloaded. */
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(20);

    /** Resets the agent's parser, and precedes its answer (guest-sync-delimited). */
    private static final byte DELIMITER = (byte) 0xff;

    /** Between two questions whether a process has ended: as many of them as a tenth of the time that it has run. */
    private static final long POLL_MIN_NANOS = 500_000;

    private static final long POLL_MAX_NANOS = 50_000_000;

    private final Path path;
    private final JsonLines lines;

    private GuestAgent(Path path, JsonLines lines) {
        this.path = path;
        this.lines = lines;
    }

    /** @throws DecampException {@code vm-no-agent} nobody listens, or no agent answers within {@code limit} */
    public static GuestAgent connect(Path path, Duration limit) {
        JsonLines lines;
        try {
            lines = JsonLines.connect(path);
        } catch (SyscallException e) {
            throw noAgent(path, "nothing listens there (" + e.getMessage() + ")", null);
        }
        try {
            GuestAgent agent = new GuestAgent(path, lines);
            agent.sync(limit);
            return agent;
        } catch (DecampException e) {
            lines.close();
            throw e.code().equals("vm-not-answering")
                    ? noAgent(path, "it did not answer in " + limit.toMillis() + " ms", e)
                    : e;
        } catch (RuntimeException e) {
            lines.close();
            throw e;
        }
    }

    private void sync(Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        long id = System.nanoTime() & Integer.MAX_VALUE;
        lines.send(new byte[] {DELIMITER}, List.of());
        lines.send(message("guest-sync-delimited", Map.of("id", id)), List.of());
        while (true) {
            lines.skipPast(DELIMITER, deadline);
            if (lines.receive(deadline).path("return").asLong(-1) == id) {
                return;
            }
        }
    }

    private static ObjectNode message(String command, Map<String, ?> arguments) {
        ObjectNode message = JsonLines.JSON.createObjectNode().put("execute", command);
        if (!arguments.isEmpty()) {
            message.set("arguments", JsonLines.JSON.valueToTree(arguments));
        }
        return message;
    }

    /** @throws DecampException {@code vm-agent-refused} with the agent's words */
    public synchronized JsonNode execute(String command, Map<String, ?> arguments) {
        lines.send(message(command, arguments), List.of());
        JsonNode answer = lines.receive(System.nanoTime() + ANSWER_LIMIT.toNanos());
        if (!answer.has("return")) {
            throw DecampException.abort(
                    "vm-agent-refused",
                    "The guest agent at " + path + " refused " + command + ": "
                            + answer.path("error").path("desc").asText(),
                    "Commands may be blocked in the agent's configuration (block-rpcs in /etc/qemu/qemu-ga.conf)",
                    null);
        }
        return answer.get("return");
    }

    /**
     * Runs a program to its end.
     *
     * @throws DecampException {@code vm-agent-timeout}: it goes on running in the guest
     */
    public Ended run(String program, List<String> arguments, Duration limit) {
        long pid = execute("guest-exec", Map.of("path", program, "arg", arguments, "capture-output", true))
                .path("pid")
                .asLong();
        long began = System.nanoTime();
        while (true) {
            JsonNode status = execute("guest-exec-status", Map.of("pid", pid));
            if (status.path("exited").asBoolean()) {
                int code = status.has("signal")
                        ? 128 + status.path("signal").asInt()
                        : status.path("exitcode").asInt(-1);
                return new Ended(code, text(status, "out-data"), text(status, "err-data"));
            }
            long elapsed = System.nanoTime() - began;
            if (elapsed > limit.toNanos()) {
                throw DecampException.retry(
                        "vm-agent-timeout",
                        "Process " + pid + " (" + program + ") in the guest at " + path + " did not end within "
                                + limit.toSeconds() + " s",
                        "Look at what it does in the guest: it goes on there",
                        null);
            }
            LockSupport.parkNanos(Math.clamp(elapsed / 10, POLL_MIN_NANOS, POLL_MAX_NANOS));
        }
    }

    private static String text(JsonNode status, String field) {
        return new String(Base64.getDecoder().decode(status.path(field).asText()), StandardCharsets.UTF_8);
    }

    /** @param mode as of fopen(3) @return a handle; open until {@link #closeFile} or until the agent ends */
    public long openFile(String file, String mode) {
        return execute("guest-file-open", Map.of("path", file, "mode", mode)).asLong();
    }

    /** Writes all, and hands it to the guest's kernel before it returns. */
    public void writeFile(long handle, byte[] bytes) {
        execute("guest-file-write", Map.of("handle", handle, "buf-b64", Base64.getEncoder().encodeToString(bytes)));
        execute("guest-file-flush", Map.of("handle", handle));
    }

    /** From where the handle stands to the end of the file. */
    public byte[] readFile(long handle) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (true) {
            JsonNode part = execute("guest-file-read", Map.of("handle", handle, "count", 1 << 20));
            all.writeBytes(Base64.getDecoder().decode(part.path("buf-b64").asText()));
            if (part.path("eof").asBoolean() || part.path("count").asLong() == 0) {
                return all.toByteArray();
            }
        }
    }

    public void closeFile(long handle) {
        execute("guest-file-close", Map.of("handle", handle));
    }

    private static DecampException noAgent(Path path, String why, Throwable cause) {
        return DecampException.retry(
                "vm-no-agent",
                "No guest agent at " + path + ": " + why,
                "Install and start qemu-guest-agent in the guest, and give QEMU a virtserialport named"
                        + " org.qemu.guest_agent.0",
                cause);
    }

    @Override
    public void close() {
        lines.close();
    }
}
