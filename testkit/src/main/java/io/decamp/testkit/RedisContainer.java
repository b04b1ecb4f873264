package io.decamp.testkit;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A real Redis server, the distribution's, in a runc container of a lab node: the program, its libraries, nothing else. */
public final class RedisContainer {
    private static final int PORT = 6379;
    private static final Pattern LIBRARY = Pattern.compile("\\s*(?:\\S+ => )?(/\\S+) \\(0x[0-9a-f]+\\)");

    private final Container container;

    private RedisContainer(Container container) {
        this.container = container;
    }

    /** Starts it; {@link RedisLoad#awaitReady} says when it answers. It never writes to disk by itself. */
    public static RedisContainer start(Lab lab, Lab.Node node, String id) {
        Path program = server();
        List<String> args = List.of(
                "/usr/bin/redis-server", "--port", Integer.toString(PORT), "--bind", "127.0.0.1", "--dir", "/dev/shm",
                "--save", "", "--appendonly", "no");
        var container = Container.create(lab, id, args, Map.of(), bundle -> install(bundle, program));
        container.start(node);
        return new RedisContainer(container);
    }

    public Container container() {
        return container;
    }

    /** A port on 127.0.0.1 here that leads to the server, while it is on that node. */
    public int reach(Lab.Node node) {
        return container.reach(node, PORT);
    }

    private static Path server() {
        Path found = Tools.program("redis-server")
                .orElseThrow(() -> DecampException.refused(
                        "redis-missing", "redis-server is not installed", "Run ./decamp demo, which fetches it"));
        Path unpacked = Tools.home().resolve("tools/redis-server/root/usr/bin/redis-server");
        try {
            // what ./decamp unpacked is called through a script
            return (found.startsWith(Tools.home()) ? unpacked : found).toRealPath();
        } catch (IOException e) {
            throw new UncheckedIOException("Can't find the program behind " + found, e);
        }
    }

    private static void install(Path bundle, Path program) {
        OciBundle.install(bundle, program, "/usr/bin/redis-server");
        Path prefix = Tools.home().resolve("tools/redis-server/root");
        String search = prefix.resolve("usr/lib") + ":" + prefix.resolve("usr/lib/x86_64-linux-gnu") + ":"
                + prefix.resolve("usr/lib/aarch64-linux-gnu");
        var libraries = Command.run(List.of("ldd", program.toString()), Map.of("LD_LIBRARY_PATH", search)).check();
        if (libraries.output().contains("not found")) {
            throw DecampException.refused(
                    "redis-missing", "redis-server lacks libraries: " + libraries.output(), "Install redis-server by apt");
        }
        for (String line : libraries.lines()) {
            Matcher matcher = LIBRARY.matcher(line);
            if (matcher.matches()) {
                Path library = Path.of(matcher.group(1));
                boolean isPrivate = library.startsWith(prefix);
                OciBundle.install(
                        bundle, library, isPrivate ? "/usr/lib/" + library.getFileName() : library.toString());
            }
        }
    }
}
