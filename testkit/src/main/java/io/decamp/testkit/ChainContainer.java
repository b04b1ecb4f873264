package io.decamp.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/** A {@code chain} workload in a runc container: what {@code runc:ID} names. Its log is in a directory both nodes mount. */
public final class ChainContainer implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);

    private final Container container;
    private final ChainLog log;
    private final Path directory;

    private ChainContainer(Container container, ChainLog log, Path directory) {
        this.container = container;
        this.log = log;
        this.directory = directory;
    }

    /** Returns when every writer has filled its memory and written its first line. */
    public static ChainContainer start(Lab lab, Lab.Node node, String id, ChainSpec spec) {
        try {
            Path directory = Files.createTempDirectory("decamp-chain").toRealPath();
            Path file = Files.createFile(directory.resolve("chain.log"));
            var container = Container.create(
                    lab,
                    id,
                    spec.command(Path.of("/usr/bin/chain"), Path.of("/log/chain.log")),
                    Map.of(directory, "/log"),
                    bundle -> OciBundle.install(bundle, Victims.compiled("chain"), "/usr/bin/chain"));
            var workload = new ChainContainer(container, new ChainLog(file, spec.writers()), directory);
            container.start(node);
            Await.until(() -> "the first lines of " + id + ": " + workload.log.tail(), START_LIMIT, workload.log::begun);
            return workload;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Container container() {
        return container;
    }

    public ChainLog log() {
        return log;
    }

    /** Kills every copy and removes the log; the rest goes with the lab. */
    @Override
    public void close() {
        log.killAll();
        Trees.delete(directory);
    }
}
