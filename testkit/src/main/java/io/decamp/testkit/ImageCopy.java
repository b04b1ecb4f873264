package io.decamp.testkit;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Copies a CRIU image over the lab's link ({@code victims/treecopy.c}). The receiver is there before the clock starts. */
final class ImageCopy implements AutoCloseable {
    private static final int PORT = 7411;
    private static final Duration START_LIMIT = Duration.ofSeconds(5);

    private final Lab.Node to;
    private final Lab.Started receiver;

    private ImageCopy(Lab.Node to, Lab.Started receiver) {
        this.to = to;
        this.receiver = receiver;
    }

    static ImageCopy listen(Lab.Node to, Path directory) {
        try {
            Path output = Files.createTempFile("decamp-copy", ".out");
            var started = to.start(
                    List.of(copier(), "receive", directory.toString(), Integer.toString(PORT)), Map.of(), output);
            Await.until("the receiver of the image", START_LIMIT, () -> output.toFile().length() > 0);
            String said = Files.readString(output).strip();
            Files.delete(output);
            if (!said.equals("ready")) {
                throw DecampException.abort(
                        "copy-failed", "The receiver of the image says: " + said, "Is it run twice?", null);
            }
            return new ImageCopy(to, started);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns when the other end has all of it. */
    void send(Lab.Node from, Path directory) {
        from.run(copier(), "send", directory.toString(), to.address(), Integer.toString(PORT)).check();
    }

    private static String copier() {
        return Victims.compiled("treecopy").toString();
    }

    @Override
    public void close() {
        receiver.kill();
    }
}
