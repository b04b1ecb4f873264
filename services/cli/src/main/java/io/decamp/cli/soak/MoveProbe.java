package io.decamp.cli.soak;

import io.decamp.cli.Session;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.testkit.Lab;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/** Tells from outside how far a move has come: by what the nodes note before they act, and by the register. */
final class MoveProbe {
    private final Session session;
    private final WorkloadId workload;
    private final Lab.Node destination;
    private final Map<Phase, Path> notes = new EnumMap<>(Phase.class);
    private final Map<Phase, Optional<FileTime>> before = new EnumMap<>(Phase.class);

    MoveProbe(Session session, WorkloadId workload, Lab.Node source, Lab.Node destination) {
        this.session = session;
        this.workload = workload;
        this.destination = destination;
        String name = workload.fileName();
        note(Phase.FREEZING, source, source.settings().stateDirectory().resolve("freezes").resolve(name));
        note(Phase.HELD, source, source.settings().memoryDirectory().resolve("freeze").resolve(name).resolve("held"));
        note(Phase.OFFERING, source, source.settings().memoryDirectory().resolve("offers").resolve(name));
        note(
                Phase.PREPARING,
                destination,
                destination.settings().memoryDirectory().resolve("prepared").resolve(name));
        note(
                Phase.RELEASED,
                destination,
                destination.settings().stateDirectory().resolve("released").resolve(name));
    }

    private void note(Phase phase, Lab.Node node, Path file) {
        Path seen = node.seenFromHere(file);
        notes.put(phase, seen);
        before.put(phase, written(seen));
    }

    /** True when the move is in this phase or was and went on. */
    boolean reached(Phase phase) {
        HandoffState state = session.register().current(workload);
        boolean moved = state instanceof HandoffState.Owned o && o.node().equals(destination.id());
        return moved || switch (phase) {
            case PROTECTING, REQUESTED -> true;
            case TAKEN -> state instanceof HandoffState.Taken;
            case MOVED -> false;
            case FREEZING, HELD, OFFERING, PREPARING, RELEASED -> isNoted(phase);
        };
    }

    private boolean isNoted(Phase phase) {
        Optional<FileTime> now = written(notes.get(phase));
        return now.isPresent() && !now.equals(before.get(phase));
    }

    private static Optional<FileTime> written(Path file) {
        try {
            return Optional.of(Files.getLastModifiedTime(file));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            // a directory of a node that is just being changed
            return Optional.empty();
        }
    }
}
