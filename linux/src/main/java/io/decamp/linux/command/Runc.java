package io.decamp.linux.command;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.NodeSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * runc(8) of one node. criu is given to it by PATH, because {@code --criu} went away with runc 1.2, and its gate by
 * CRIU_CONFIG_FILE, which criu reads before the options that runc sends.
 */
public final class Runc {
    /** runc's own default for root. */
    private static final Path DEFAULT_ROOT = Path.of("/run/runc");

    private static final Pattern FIELD = Pattern.compile("\"(id|pid|status|bundle|rootfs)\": (?:\"([^\"]*)\"|(\\d+))");

    /** What runc knows of a container; {@code status} is created, running, paused or stopped. */
    public record State(int pid, String status, Path bundle, Path rootfs) {
        public boolean isStopped() {
            return status.equals("stopped");
        }
    }

    private final List<String> command;
    private final Path tools;

    public Runc(NodeSettings settings) {
        this.command = settings.runc();
        this.tools = settings.stateDirectory().resolve("bin");
        writeCriu(settings.criu());
    }

    /** The command with further arguments. */
    public List<String> with(List<String> arguments) {
        List<String> all = new ArrayList<>(command);
        all.addAll(arguments);
        return all;
    }

    /** @return empty when runc does not know the container */
    public Optional<State> state(String container) {
        ShortCommand.Result result = ShortCommand.run(with(List.of("state", container)));
        if (result.status() == 0) {
            return Optional.of(parse(result.output()));
        }
        if (result.output().contains("does not exist")) {
            return Optional.empty();
        }
        throw DecampException.retry(
                "runc-failed",
                "runc can't tell the state of " + container + ": " + result.output().strip(),
                "Run it by hand: " + String.join(" ", with(List.of("state", container))),
                null);
    }

    /** @param json what {@code runc state} prints */
    static State parse(String json) {
        Map<String, String> fields = new HashMap<>();
        Matcher m = FIELD.matcher(json);
        while (m.find()) {
            fields.putIfAbsent(m.group(1), m.group(2) != null ? m.group(2) : m.group(3));
        }
        if (!fields.keySet().containsAll(List.of("pid", "status", "bundle", "rootfs"))) {
            throw DecampException.refused(
                    "runc-unknown", "runc state prints no pid, status, bundle or rootfs: " + json, "Use runc 1.1 or newer");
        }
        return new State(
                Integer.parseInt(fields.get("pid")),
                fields.get("status"),
                Path.of(fields.get("bundle")),
                Path.of(fields.get("rootfs")));
    }

    /**
     * Removes a container whose processes are dead. Unmounts first what a killed restore has left in runc's
     * directory: the
     * root file system is bound there, and runc would delete its content. Idempotent.
     */
    public void delete(String container) {
        Path directory = root().resolve(container);
        try {
            if (Files.isDirectory(directory)) {
                JobDirectory.unmountBelow(directory);
            }
        } catch (IOException e) {
            throw DecampException.fatal(
                    "unmount-failed",
                    "Can't find out what is mounted in " + directory,
                    "Do not run runc delete before that is known",
                    e);
        }
        Optional<State> state = state(container);
        if (state.isPresent()) {
            ShortCommand.check(with(List.of("delete", container)));
        }
    }

    /** What a runc that starts criu gets, in addition to our environment. */
    public Map<String, String> environment(Path criuConfig) {
        return Map.of(
                "PATH", tools + ":" + System.getenv().getOrDefault("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
                "CRIU_CONFIG_FILE", criuConfig.toString());
    }

    private Path root() {
        for (int i = 0; i < command.size(); i++) {
            if (command.get(i).equals("--root") && i + 1 < command.size()) {
                return Path.of(command.get(i + 1));
            }
            if (command.get(i).startsWith("--root=")) {
                return Path.of(command.get(i).substring("--root=".length()));
            }
        }
        return DEFAULT_ROOT;
    }

    private void writeCriu(List<String> criu) {
        StringBuilder script = new StringBuilder("#!/bin/sh\nexec");
        for (String word : criu) {
            script.append(" '").append(word.replace("'", "'\\''")).append('\'');
        }
        script.append(" \"$@\"\n");
        try {
            Files.createDirectories(tools);
            Path next = tools.resolve("criu.next");
            Files.writeString(next, script);
            Files.setPosixFilePermissions(next, PosixFilePermissions.fromString("rwxr-xr-x"));
            Files.move(next, tools.resolve("criu"), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw DecampException.abort(
                    "directory-failed", "Can't write " + tools.resolve("criu"), "Is the state directory writable?", e);
        }
    }
}
