package io.decamp.coordinator.engine;

import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.v1.Evacuation;
import io.decamp.contracts.v1.EvacuationItem;
import io.decamp.contracts.v1.EvacuationItem.State;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.coordinator.engine.plan.Candidate;
import io.decamp.coordinator.engine.plan.Leg;
import io.decamp.coordinator.engine.plan.Plan;
import io.decamp.coordinator.engine.plan.Timeline;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jboss.logging.Logger;

/**
 * Empties one node. Each call of {@link #advance} looks at what became of the moves that were asked for, plans what is
 * left, and says what to ask for next. All that another coordinator needs to go on is in the {@link Evacuation};
 * whether a workload has left is never taken from it but from the register. Asks nobody and publishes nothing itself.
 * One thread.
 */
public final class EvacuationRun {
    private static final Logger LOG = Logger.getLogger(EvacuationRun.class);

    /** A request that can't be read back after this was never written, or its writer has died: it is written again. */
    private static final long READ_BACK_MILLIS = 2_000;

    /** A request to publish, under an id that any coordinator would give it. */
    public record Ask(String id, MigrationRequested request) {}

    /** @param changed whether {@code state} must be on record before anything is asked for */
    public record Step(Evacuation state, boolean changed, List<Ask> asks) {}

    private final Fleet fleet;
    private final CoordinatorLimits limits;
    private final Candidates candidates;
    private final PlanKeeper planner;
    private final Map<String, Set<String>> avoided = new HashMap<>();
    private final Map<String, Long> askedMillis = new HashMap<>();
    private Evacuation state;
    private Map<String, EvacuationItem.Builder> items = new LinkedHashMap<>();
    private boolean changed;

    /** @param state as it was last on record, by whichever coordinator */
    public EvacuationRun(Evacuation state, Fleet fleet, CoordinatorLimits limits) {
        this.state = state;
        this.fleet = fleet;
        this.limits = limits;
        this.candidates = new Candidates(fleet);
        this.planner = new PlanKeeper(limits.movesAtOnce());
    }

    public Evacuation state() {
        return state;
    }

    /** What is true now, and what to do next; nothing any more once the state is done. */
    public Step advance() {
        items = new LinkedHashMap<>();
        state.getItemsList().forEach(item -> items.put(item.getWorkload(), item.toBuilder()));
        changed = false;
        fleet.workloadsOf(state.getNode()).forEach(this::add);
        items.values().forEach(this::settle);
        List<Ask> asks = new ArrayList<>();
        Plan plan = plan();
        start(plan, asks);
        giveUp(plan);
        items.values().stream()
                .filter(item -> item.getState() == State.MOVING)
                .forEach(item -> askAgain(item, asks));
        finish(plan);
        return new Step(state, changed, asks);
    }

    private void add(String workload) {
        if (!items.containsKey(workload)) {
            items.put(workload, EvacuationItem.newBuilder().setWorkload(workload).setState(State.PLANNED));
            changed = true;
        }
    }

    /** What the register and the answers say of an item that is not at its end. */
    private void settle(EvacuationItem.Builder item) {
        if (item.getState() != State.PLANNED && item.getState() != State.MOVING) {
            return;
        }
        HandoffState owner = fleet.owner(item.getWorkload());
        String source = Fleet.sourceOf(owner);
        if (owner instanceof HandoffState.Unowned) {
            end(item, State.FAILED, "it has ended, or is not protected any more");
        } else if (!source.equals(state.getNode())) {
            item.setDestination(source);
            end(item, State.MOVED, "");
        } else if (item.getState() == State.PLANNED && !(owner instanceof HandoffState.Owned)) {
            // somebody else has asked for it
            enter(item, State.MOVING).setStartedUnixMillis(fleet.nowMillis()).setMigration("");
        } else if (item.getState() == State.MOVING) {
            settleMoving(item, owner);
        }
    }

    private void settleMoving(EvacuationItem.Builder item, HandoffState owner) {
        fleet.answer(item.getMigration())
                .filter(Fleet.Answer.Failed.class::isInstance)
                .map(Fleet.Answer.Failed.class::cast)
                .map(Fleet.Answer.Failed::event)
                .filter(failure -> owner instanceof HandoffState.Owned)
                .ifPresent(failure -> failed(item, failure));
        long since = fleet.nowMillis() - lastSign(item);
        if (item.getState() == State.MOVING && since > limits.answerLimit().toMillis()) {
            String frozen = owner instanceof HandoffState.Owned ? "" : "; it is frozen until the register decides";
            end(item, State.FAILED, "nothing was heard of its move for " + since / 1000 + " s" + frozen);
        }
    }

    /** The start counts, and every step of it that was told. */
    private long lastSign(EvacuationItem.Builder item) {
        return Math.max(item.getStartedUnixMillis(), fleet.progressedMillis(item.getMigration()));
    }

    private void failed(EvacuationItem.Builder item, MigrationFailed failure) {
        if (failure.getCode().equals("already-migrating") || failure.getCode().equals("workload-elsewhere")) {
            // the register will say what became of it
            return;
        }
        int attempt = attempt(item);
        LOG.warnf(
                "Evacuation %s: attempt %d to move %s to %s failed: %s (%s)",
                state.getEvacuation(), attempt, item.getWorkload(), item.getDestination(), failure.getReason(),
                failure.getCode());
        if (attempt >= limits.attempts()) {
            end(item, State.FAILED, failure.getReason() + " (" + failure.getCode() + ")");
        } else {
            avoided.computeIfAbsent(item.getWorkload(), w -> new HashSet<>()).add(item.getDestination());
            enter(item, State.PLANNED);
        }
    }

    private int attempt(EvacuationItem.Builder item) {
        return Requests.attemptOf(
                state.getEvacuation(), item.getWorkload(), item.getMigration(), limits.attempts());
    }

    private Plan plan() {
        Set<String> excluded = new HashSet<>(Set.of(state.getNode()));
        fleet.evacuationsUnderWay().forEach(e -> excluded.add(e.getNode()));
        List<Candidate> planned = new ArrayList<>();
        for (EvacuationItem.Builder item : items.values()) {
            if (item.getState() == State.PLANNED) {
                planned.add(candidate(item, avoided.getOrDefault(item.getWorkload(), Set.of())));
            }
        }
        long[] running = items.values().stream()
                .filter(item -> item.getState() == State.MOVING)
                .mapToLong(this::remainingMicros)
                .toArray();
        return planner.plan(
                planned,
                Timeline.running(limits.movesAtOnce(), running),
                candidates.rooms(excluded),
                state.getDeadlineUnixMillis(),
                fleet.nowMillis());
    }

    /** A node that it failed to go to is tried again when there is no other. */
    private Candidate candidate(EvacuationItem.Builder item, Set<String> without) {
        boolean anyOther = fleet.presentNodes().stream()
                .anyMatch(n -> !n.getNode().equals(state.getNode()) && !without.contains(n.getNode()));
        return candidates.of(item.getWorkload(), state.getDestination(), anyOther ? without : Set.of());
    }

    private long remainingMicros(EvacuationItem.Builder item) {
        long elapsed = (fleet.nowMillis() - item.getStartedUnixMillis()) * 1000;
        return fleet.progress(item.getMigration())
                .map(MigrationProgress::getEtaMicros)
                .filter(eta -> eta > 0)
                .orElse(Math.max(0, item.getPredictedMicros() - elapsed));
    }

    private void start(Plan plan, List<Ask> asks) {
        if (deadlinePassed() || !fleet.isPresent(state.getNode())) {
            return;
        }
        plan.inTime().stream().limit(free()).toList().forEach(leg -> start(leg, asks));
        if (moving() == 0) {
            // what is predicted to be late must not take the link from what is not
            plan.late().stream().limit(1).forEach(leg -> start(leg, asks));
        }
    }

    private void start(Leg leg, List<Ask> asks) {
        EvacuationItem.Builder item = items.get(leg.candidate().workload());
        String id = Requests.id(state.getEvacuation(), item.getWorkload(), attempt(item) + 1);
        enter(item, State.MOVING)
                .setMigration(id)
                .setDestination(leg.destination())
                .setPriority(leg.candidate().priority())
                .setPredictedMicros(leg.candidate().aloneMicros())
                .setStartedUnixMillis(fleet.nowMillis());
        asks.add(ask(item));
        askedMillis.put(id, fleet.nowMillis());
    }

    /** A coordinator that died may have put the move on record and not have asked for it. */
    private void askAgain(EvacuationItem.Builder item, List<Ask> asks) {
        String id = item.getMigration();
        if (id.isEmpty() || fleet.wasAsked(id)) {
            return;
        }
        long last = askedMillis.getOrDefault(id, item.getStartedUnixMillis());
        if (fleet.nowMillis() - last >= READ_BACK_MILLIS) {
            askedMillis.put(id, fleet.nowMillis());
            asks.add(ask(item));
        }
    }

    private Ask ask(EvacuationItem.Builder item) {
        return new Ask(
                item.getMigration(),
                MigrationRequested.newBuilder()
                        .setWorkload(item.getWorkload())
                        .setNode(state.getNode())
                        .setReason(state.getReason())
                        .setDestination(item.getDestination())
                        .setValidUntilUnixMillis(
                                fleet.nowMillis() + limits.answerLimit().toMillis())
                        .setDeadlineUnixMillis(state.getDeadlineUnixMillis())
                        .setEvacuation(state.getEvacuation())
                        .build());
    }

    /** What can't be helped any more stays, and is told why. */
    private void giveUp(Plan plan) {
        if (deadlinePassed()) {
            leaveAll("the deadline came first");
        } else if (moving() == 0 && !fleet.isPresent(state.getNode())) {
            leaveAll("node " + state.getNode() + " is silent");
        } else if (moving() == 0) {
            // nothing is under way that would make room
            plan.homeless().forEach(c -> end(items.get(c.workload()), State.LEFT, noRoom(c)));
        }
    }

    private String noRoom(Candidate c) {
        return c.wanted().isEmpty()
                ? "no node has room for its " + (c.bytes() >> 20) + " MiB"
                : "node " + c.wanted() + " is not there or has no room for its " + (c.bytes() >> 20) + " MiB";
    }

    private void leaveAll(String why) {
        items.values().stream()
                .filter(item -> item.getState() == State.PLANNED)
                .forEach(item -> end(item, State.LEFT, why));
    }

    private void finish(Plan plan) {
        boolean done = items.values().stream()
                .noneMatch(item -> item.getState() == State.PLANNED || item.getState() == State.MOVING);
        changed |= planner.takeReplanned();
        if (!changed && done == state.getDone()) {
            return;
        }
        changed = true;
        Evacuation.Builder next = state.toBuilder().clearItems().setPlans(planner.plans() + state.getPlans());
        planner.forgetPlans();
        EvacuationSummary.inOrder(items.values(), plan).forEach(next::addItems);
        state = next.setDone(done).build();
        state = state.toBuilder()
                .setSummary(EvacuationSummary.text(state, plan.finishMicros()))
                .build();
    }

    private long free() {
        return Math.max(0, limits.movesAtOnce() - moving());
    }

    private long moving() {
        return items.values().stream()
                .filter(item -> item.getState() == State.MOVING)
                .count();
    }

    private boolean deadlinePassed() {
        return state.getDeadlineUnixMillis() > 0 && fleet.nowMillis() >= state.getDeadlineUnixMillis();
    }

    private void end(EvacuationItem.Builder item, State how, String reason) {
        enter(item, how).setEndedUnixMillis(fleet.nowMillis()).setReason(reason);
    }

    /** The one place where an item changes its state. */
    private EvacuationItem.Builder enter(EvacuationItem.Builder item, State next) {
        LOG.infof("Evacuation %s: %s %s -> %s", state.getEvacuation(), item.getWorkload(), item.getState(), next);
        changed = true;
        return item.setState(next);
    }
}
