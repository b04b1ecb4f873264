package io.decamp.edge.grpc;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.v1.FoundWorkload;
import io.decamp.contracts.v1.FreezeEvent;
import io.decamp.contracts.v1.FreezeRequest;
import io.decamp.contracts.v1.IntrospectorGrpc.IntrospectorBlockingStub;
import io.decamp.contracts.v1.PreflightReport;
import io.decamp.contracts.v1.WorkloadRef;
import java.nio.file.Path;
import java.util.Iterator;

/** The introspector of this host when it is a process of its own. */
public final class RemoteWorkloadRuntime implements WorkloadRuntime {
    private static final String PEER = "introspector";

    private final IntrospectorBlockingStub stub;

    public RemoteWorkloadRuntime(IntrospectorBlockingStub stub) {
        this.stub = stub;
    }

    @Override
    public Found find(WorkloadId id) {
        FoundWorkload f = Faults.ask(PEER, () -> stub.find(ref(id)));
        Path bundle = f.getBundle().isEmpty() ? null : Path.of(f.getBundle());
        return new Found(id, f.getInitPid(), State.valueOf(f.getState()), bundle);
    }

    @Override
    public PreflightReport check(WorkloadId id) {
        return Faults.ask(PEER, () -> stub.check(ref(id)));
    }

    @Override
    public Frozen freeze(WorkloadId id, String migration, Path partsDirectory, Runnable onStopped) {
        return Faults.ask(PEER, () -> {
            Iterator<FreezeEvent> events = stub.freeze(FreezeRequest.newBuilder()
                    .setWorkload(id.value())
                    .setMigration(migration)
                    .setPartsDirectory(partsDirectory.toString())
                    .build());
            while (events.hasNext()) {
                FreezeEvent event = events.next();
                switch (event.getStage()) {
                    case STOPPED -> onStopped.run();
                    case HELD -> {
                        return frozen(event);
                    }
                    case STAGE_UNSPECIFIED, UNRECOGNIZED ->
                        throw DecampException.abort(
                                "unknown-freeze-event",
                                "The introspector reported stage " + event.getStageValue(),
                                "Run services of the same version on a node",
                                null);
                }
            }
            throw DecampException.abort(
                    "freeze-cut-off", "The introspector ended the freeze of " + id + " halfway", "See its log", null);
        });
    }

    private static Frozen frozen(FreezeEvent e) {
        return new Frozen(
                e.getPartsList().stream()
                        .map(p -> new Part(p.getName(), Path.of(p.getPath()), p.getSize()))
                        .toList(),
                e.getStoppedAtUnixMicros(),
                e.getHeldAtUnixMicros());
    }

    @Override
    public Hold hold(WorkloadId id) {
        return Hold.valueOf(Faults.ask(PEER, () -> stub.freezeState(ref(id))).getState());
    }

    @Override
    public void thaw(WorkloadId id) {
        Faults.ask(PEER, () -> stub.thaw(ref(id)));
    }

    @Override
    public void kill(WorkloadId id) {
        Faults.ask(PEER, () -> stub.kill(ref(id)));
    }

    private static WorkloadRef ref(WorkloadId id) {
        return WorkloadRef.newBuilder().setWorkload(id.value()).build();
    }
}
