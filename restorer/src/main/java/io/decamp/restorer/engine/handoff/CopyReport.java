package io.decamp.restorer.engine.handoff;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.handoff.HandoffState.Offered;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.handoff.HandoffState.Taken;
import io.decamp.contracts.handoff.HandoffState.Unowned;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.Phase;
import io.decamp.contracts.v1.Restored;
import io.decamp.contracts.v1.SnapshotReady;
import io.decamp.contracts.v1.Truth;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What the world is told of a copy: spans, {@code restored}, {@code migration-failed}. */
final class CopyReport {
    private final WorkloadId workload;
    private final DestinationPorts ports;
    private final List<Phase> phases = new ArrayList<>();
    private Context context = Context.root();
    private long releasedAtUnixMicros;
    private String lastLost = "";

    CopyReport(WorkloadId workload, DestinationPorts ports) {
        this.workload = workload;
        this.ports = ports;
    }

    /** A new try: its spans belong to {@code trace}. */
    void startedBy(Context trace) {
        context = trace;
        phases.clear();
        releasedAtUnixMicros = 0;
    }

    void phase(String name, Runnable work) {
        Span span = ports.tracer()
                .spanBuilder(name)
                .setParent(context)
                .setAttribute("decamp.workload", workload.value())
                .startSpan();
        long start = nowUnixMicros();
        long startNanos = System.nanoTime();
        try (Scope _ = span.makeCurrent()) {
            work.run();
            long micros = (System.nanoTime() - startNanos) / 1000;
            phases.add(Phase.newBuilder()
                    .setName(name)
                    .setStartUnixMicros(start)
                    .setDurationMicros(micros)
                    .build());
            if (name.equals("release")) {
                releasedAtUnixMicros = start + micros;
            }
        } catch (RuntimeException e) {
            span.recordException(e).setStatus(StatusCode.ERROR);
            throw e;
        } finally {
            span.end();
        }
    }

    /** Times that were measured before a restart of this service are missing, not guessed. */
    void restored(long term, Optional<SnapshotReady> ready) {
        Restored.Builder event = Restored.newBuilder()
                .setWorkload(workload.value())
                .setTo(ports.me().value())
                .setTerm(term)
                .addAllPhases(phases);
        ready.ifPresent(r -> {
            event.setMigration(r.getMigration())
                    .setFrom(r.getNode())
                    .setBytesBefore(r.getBytesBefore())
                    .setBytesAfter(r.getBytesAfter());
            if (releasedAtUnixMicros > 0 && r.getStoppedAtUnixMicros() > 0) {
                event.setFreezeMicros(releasedAtUnixMicros - r.getStoppedAtUnixMicros());
            }
            if (releasedAtUnixMicros > 0 && r.getRequestedAtUnixMicros() > 0) {
                event.setEvictionMicros(releasedAtUnixMicros - r.getRequestedAtUnixMicros());
            }
        });
        ports.events().restored(event.build());
    }

    void failed(HandoffState state, String phase, DecampException e) {
        report(state, phase, e.code(), e.getMessage(), e.advice(), Truth.FROZEN_AT_SOURCE, "the hand-off to go back");
    }

    /** Once for each reason. */
    void lost(HandoffState state, String why) {
        if (!why.equals(lastLost)) {
            lastLost = why;
            report(state, "release", "copy-lost", why, "Decide, then say so with FENCED", Truth.UNKNOWN, "an operator");
        }
    }

    private void report(
            HandoffState state, String at, String code, String why, String advice, Truth truth, String waiting) {
        String migration =
                switch (state) {
                    case Offered s -> s.migration();
                    case Taken s -> s.migration();
                    case Owned s -> "";
                    case Unowned s -> "";
                };
        ports.events()
                .migrationFailed(MigrationFailed.newBuilder()
                        .setWorkload(workload.value())
                        .setMigration(migration)
                        .setNode(ports.me().value())
                        .setStep(at)
                        .setCode(code)
                        .setReason(why)
                        .setAdvice(advice)
                        .setTruth(truth)
                        .setWaitingFor(waiting)
                        .build());
    }

    private long nowUnixMicros() {
        var now = ports.clock().instant();
        return now.getEpochSecond() * 1_000_000 + now.getNano() / 1000;
    }
}
