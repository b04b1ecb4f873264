package io.decamp.snapshotter.engine.handoff;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * {@link OfferMark}s as files in tmpfs. They must outlive the service, not the node: frozen tasks do not outlive it
 * either. Hence no fsync, which a frozen workload would wait for.
 */
public final class OfferMarks {
    private static final int LINES = 5;

    private final Path directory;

    /** @param memoryDirectory of the node, on tmpfs */
    public OfferMarks(Path memoryDirectory) {
        this.directory = memoryDirectory.resolve("offers");
    }

    /** @throws DecampException {@code offer-mark}: nothing was offered, the workload may be thawed */
    void write(WorkloadId workload, OfferMark mark) {
        List<String> lines = List.of(
                Long.toString(mark.term()),
                mark.to().value(),
                mark.digest().toString(),
                Long.toString(mark.offeredAtUnixMillis()),
                mark.migration());
        try {
            Files.createDirectories(directory);
            Path next = directory.resolve(workload.fileName() + ".next");
            Files.write(next, lines);
            Files.move(next, file(workload), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw DecampException.abort(
                    "offer-mark",
                    "Cannot note the offer of " + workload + " in " + directory,
                    "Is the memory directory full? Free some of it and ask for the move again",
                    e);
        }
    }

    /** @throws DecampException {@code offer-mark}: unreadable, so that nobody knows whether it was offered */
    Optional<OfferMark> read(WorkloadId workload) {
        try {
            List<String> lines = Files.readAllLines(file(workload));
            if (lines.size() != LINES) {
                throw damaged(workload, null);
            }
            return Optional.of(new OfferMark(
                    Long.parseLong(lines.get(0)),
                    new NodeId(lines.get(1)),
                    new Digest(HexFormat.of().parseHex(lines.get(2))),
                    lines.get(4),
                    Long.parseLong(lines.get(3))));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException | IllegalArgumentException e) {
            throw damaged(workload, e);
        }
    }

    void clear(WorkloadId workload) {
        try {
            Files.deleteIfExists(file(workload));
        } catch (IOException e) {
            throw DecampException.retry(
                    "offer-mark", "Cannot delete " + file(workload), "Check the memory directory", e);
        }
    }

    private DecampException damaged(WorkloadId workload, Exception cause) {
        return DecampException.fatal(
                "offer-mark",
                "The offer noted in " + file(workload) + " is damaged",
                "Compare `decamp status` of both nodes, then delete the file: the register alone decides afterwards",
                cause);
    }

    private Path file(WorkloadId workload) {
        return directory.resolve(workload.fileName());
    }
}
