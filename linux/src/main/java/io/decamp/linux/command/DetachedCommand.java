package io.decamp.linux.command;

import io.decamp.contracts.error.DecampException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Starts programs that outlive the service: in a session of their own, without any descriptor of ours. */
public final class DetachedCommand {
    private DetachedCommand() {}

    /**
     * @param output gets standard output and error; input is empty
     * @param environment in addition to ours
     * @throws DecampException {@code command-not-started}
     */
    public static Process start(List<String> command, Path directory, Path output, Map<String, String> environment) {
        List<String> all = new ArrayList<>();
        all.add("setsid");
        all.addAll(command);
        var builder = new ProcessBuilder(all)
                .directory(directory.toFile())
                .redirectInput(new File("/dev/null"))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()));
        builder.environment().putAll(environment);
        try {
            return builder.start();
        } catch (IOException e) {
            throw DecampException.abort(
                    "command-not-started",
                    "Can't start '" + String.join(" ", command) + "'",
                    "Is it installed, and setsid (util-linux) too?",
                    e);
        }
    }
}
