package io.decamp.coordinator.engine;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.Evacuation;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Truth;
import io.decamp.contracts.v1.WorkloadSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;

/**
 * Works on what is this coordinator's of all that there are: empties nodes that somebody asked to be emptied, and finds
 * standbys. Has no memory of its own that matters: whoever holds the same share tomorrow goes on from the topics.
 */
public final class Coordinator implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(Coordinator.class);
    /** What nobody tells: time that passes, nodes that fall silent. Everything else nudges. */
    private static final Duration TICK = Duration.ofMillis(500);

    /** As long as requests are kept; the topic would grow for ever. */
    private static final Duration KEEP_DONE = Duration.ofDays(7);

    private static final Duration STOP_LIMIT = Duration.ofSeconds(10);

    private final Fleet fleet;
    private final CoordinatorLimits limits;
    private final CoordinatorPorts ports;
    private final EvacuationGate gate;
    private final StandbyKeeper standbys;
    private final Map<String, EvacuationRun> runs = new HashMap<>();
    private final Map<String, Evacuation> unrecorded = new HashMap<>();
    private final AtomicBoolean nudged = new AtomicBoolean();
    private final ScheduledExecutorService loop = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("coordinator").factory());

    /** Does nothing yet: {@link #start} when {@code fleet} knows all there is to know. */
    public Coordinator(Fleet fleet, CoordinatorLimits limits, CoordinatorPorts ports) {
        this.fleet = fleet;
        this.limits = limits;
        this.ports = ports;
        this.gate = new EvacuationGate(fleet);
        this.standbys = new StandbyKeeper(fleet, limits);
    }

    public void start() {
        loop.scheduleWithFixedDelay(this::work, 0, TICK.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Something was heard that may matter. Cheap, and may be called by any thread. */
    public void nudge() {
        if (nudged.compareAndSet(false, true)) {
            try {
                loop.execute(this::work);
            } catch (RejectedExecutionException ending) {
                LOG.debug("Something was heard after the end");
            }
        }
    }

    /**
     * Somebody asks for all of a node to leave. Returns when the request is on record, or answered with a refusal.
     *
     * @throws DecampException RETRY: neither could be said; the request is to be given again
     */
    public void requested(String id, Instant saidAt, MigrationRequested request) {
        if (fleet.evacuation(id).isPresent()) {
            return;
        }
        try {
            Evacuation admitted = gate.admit(id, saidAt, request);
            ports.record(admitted);
            fleet.evacuating(id, Optional.of(admitted));
            LOG.infof("Evacuation %s: node %s is to be emptied", id, admitted.getNode());
            nudge();
        } catch (DecampException e) {
            if (e.category() != DecampException.Category.REFUSED) {
                throw e;
            }
            LOG.warnf("Node %s is not emptied: %s (%s)", request.getNode(), e.getMessage(), e.code());
            ports.refuse(MigrationFailed.newBuilder()
                    .setMigration(id)
                    .setStep("request")
                    .setCode(e.code())
                    .setReason(e.getMessage())
                    .setAdvice(e.advice())
                    .setTruth(Truth.RUNNING_AT_SOURCE)
                    .build());
        }
    }

    private void work() {
        nudged.set(false);
        try {
            runs.keySet().removeIf(id -> !isMine(id));
            unrecorded.keySet().retainAll(runs.keySet());
            for (Evacuation evacuation : fleet.evacuationsUnderWay()) {
                if (ports.isMine(evacuation.getNode())) {
                    advance(runs.computeIfAbsent(evacuation.getEvacuation(), id -> taken(evacuation)));
                }
            }
            long old = fleet.nowMillis() - KEEP_DONE.toMillis();
            for (Evacuation done : fleet.evacuationsDoneBefore(old)) {
                if (ports.isMine(done.getNode())) {
                    ports.forget(done.getEvacuation());
                    fleet.evacuating(done.getEvacuation(), Optional.empty());
                }
            }
            for (WorkloadSpec spec : standbys.changes(ports::isMine)) {
                ports.specify(spec);
                fleet.specified(spec.getWorkload(), Optional.of(spec));
            }
        } catch (DecampException e) {
            LOG.warnf("What could not be said is said again: %s (%s)", e.getMessage(), e.code());
        } catch (RuntimeException e) {
            LOG.error("The coordinator has a defect and goes on", e);
        }
    }

    private boolean isMine(String id) {
        return fleet.evacuation(id).filter(e -> !e.getDone() && ports.isMine(e.getNode())).isPresent();
    }

    private EvacuationRun taken(Evacuation evacuation) {
        if (evacuation.getItemsCount() > 0) {
            LOG.infof("Evacuation %s of %s is taken over", evacuation.getEvacuation(), evacuation.getNode());
        }
        return new EvacuationRun(evacuation, fleet, limits);
    }

    /** First on record, then asked for: whoever takes over knows what may have been asked for. */
    private void advance(EvacuationRun run) {
        EvacuationRun.Step step = run.advance();
        String id = step.state().getEvacuation();
        if (step.changed() || unrecorded.containsKey(id)) {
            unrecorded.put(id, step.state());
            ports.record(step.state());
            unrecorded.remove(id);
            fleet.evacuating(id, Optional.of(step.state()));
        }
        step.asks().forEach(ports::ask);
        if (step.state().getDone()) {
            LOG.infof("Evacuation %s: %s", id, step.state().getSummary());
            runs.remove(id);
        }
    }

    @Override
    public void close() {
        loop.shutdown();
        try {
            if (!loop.awaitTermination(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                loop.shutdownNow();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            loop.shutdownNow();
        }
    }
}
