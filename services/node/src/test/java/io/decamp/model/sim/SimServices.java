package io.decamp.model.sim;

import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.handoff.HandoffState.Offered;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.handoff.HandoffState.Taken;
import io.decamp.contracts.handoff.HandoffState.Unowned;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.restorer.engine.handoff.CopyFiles;
import io.decamp.restorer.engine.handoff.DestinationCase;
import io.decamp.restorer.engine.handoff.DestinationLimits;
import io.decamp.restorer.engine.handoff.DestinationPorts;
import io.decamp.restorer.engine.handoff.DestinationStep;
import io.decamp.snapshotter.engine.handoff.HandoffLimits;
import io.decamp.snapshotter.engine.handoff.OfferMarks;
import io.decamp.snapshotter.engine.handoff.SourceCase;
import io.decamp.snapshotter.engine.handoff.SourceStep;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;

/** The services of one node: the real actors over the simulated ports. Made anew at each restart. */
final class SimServices {
    static final WorkloadId WORKLOAD = new WorkloadId("runc:sim");

    final SimRegister.Reader register;
    final DestinationCase destination;
    DestinationStep destinationStep = new DestinationStep.Done("");
    private final SimNode node;
    private final OfferMarks marks;
    private final Clock clock;
    private SourceCase source;

    SimServices(SimNode node, SimRegister log, Path memory, Path state, Clock clock) {
        this.node = node;
        this.clock = clock;
        register = log.new Reader();
        marks = new OfferMarks(memory);
        DestinationPorts ports = new DestinationPorts(
                node.id,
                w -> node.copies,
                w -> node.originals,
                node,
                register,
                node,
                new CopyFiles(memory, state),
                List.of(),
                "boot",
                DestinationLimits.DEFAULT,
                OpenTelemetry.noop().getTracer("simulation"),
                clock);
        destination = new DestinationCase(WORKLOAD, ports);
        resumeSource();
    }

    boolean mayMove() {
        return source == null
                && register.current(WORKLOAD) instanceof Owned o
                && o.node().equals(node.id)
                && node.runningCopies() == 1;
    }

    void offer(SimNode to, Digest digest, String migration) {
        source = SourceCase.offer(
                node.id,
                WORKLOAD,
                to.id,
                digest,
                migration,
                node.originals,
                register,
                marks,
                HandoffLimits.DEFAULT,
                clock);
    }

    void stepSource() {
        if (source == null && mustAnswer()) {
            resumeSource();
        }
        if (source != null && source.step() instanceof SourceStep.Done) {
            source = null;
        }
    }

    void stepDestination() {
        destinationStep = destination.step();
    }

    /** What is not done yet, for people. */
    String openEnds() {
        String copy = destinationStep instanceof DestinationStep.Done ? "" : node.id + ": " + destinationStep;
        return source == null ? copy : copy + node.id + ": " + source.step();
    }

    private void resumeSource() {
        source = SourceCase.resume(
                node.id, WORKLOAD, node.originals, register, marks, HandoffLimits.DEFAULT, clock);
    }

    private boolean mustAnswer() {
        HandoffState read = register.current(WORKLOAD);
        return switch (read) {
            case Unowned s -> s.fenced().filter(node.id::equals).isPresent();
            case Owned s -> false;
            case Offered s -> s.from().equals(node.id);
            case Taken s -> s.from().equals(node.id);
        };
    }
}
