package io.decamp.restorer.engine.handoff;

import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.handoff.HandoffState.Offered;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.handoff.HandoffState.Taken;
import io.decamp.contracts.handoff.HandoffState.Unowned;
import io.decamp.contracts.port.CopyRuntime.Hold;
import io.decamp.restorer.engine.handoff.DestinationStep.Append;
import io.decamp.restorer.engine.handoff.DestinationStep.AskOperator;
import io.decamp.restorer.engine.handoff.DestinationStep.CatchUp;
import io.decamp.restorer.engine.handoff.DestinationStep.ClearReleased;
import io.decamp.restorer.engine.handoff.DestinationStep.Destroy;
import io.decamp.restorer.engine.handoff.DestinationStep.Done;
import io.decamp.restorer.engine.handoff.DestinationStep.KillReleased;
import io.decamp.restorer.engine.handoff.DestinationStep.Prepare;
import io.decamp.restorer.engine.handoff.DestinationStep.Release;
import io.decamp.restorer.engine.handoff.DestinationStep.Unreachable;
import io.decamp.restorer.engine.handoff.DestinationStep.Wait;
import io.decamp.restorer.engine.handoff.DestinationStep.WriteReleased;
import java.util.Optional;

/**
 * Decides what the destination of a hand-off does, from what it has read and what it sees on its own node. Pure: the
 * actor obeys it, and the model check explores it.
 *
 * <p>It may restore as soon as it knows what, since a held copy executes nothing. It lets the copy run only when it has
 * read {@code Taken(me)} and made that durable; until then a copy that fails is destroyed and given back.
 */
public final class DestinationRule {
    /** While the source still has the original, giving up at once is the shortest freeze. */
    static final int ATTEMPTS = 1;

    /** When the original is destroyed, the replica is all there is. */
    static final int ATTEMPTS_WITHOUT_ORIGINAL = 3;

    private DestinationRule() {}

    public static DestinationStep decide(HandoffState state, DestinationView v) {
        if (!v.caughtUp()) {
            return new CatchUp("the service has just started");
        }
        return switch (state) {
            case Unowned s -> notMine(s.term(), "nobody owns it", s.fenced().filter(v.me()::equals).isPresent(), v);
            case Owned s -> s.node().equals(v.me()) ? mine(s, v) : notMine(s.term(), s.node() + " owns it", true, v);
            case Offered s when s.to().equals(v.me()) -> offered(s, v);
            case Offered s when s.from().equals(v.me()) -> leaving(v);
            case Offered s -> notMine(s.term(), s.from() + " offers it to " + s.to(), true, v);
            case Taken s when s.to().equals(v.me()) -> taken(s, v);
            case Taken s when s.from().equals(v.me()) -> leaving(v);
            case Taken s -> notMine(s.term(), s.to() + " took it from " + s.from(), true, v);
        };
    }

    private static DestinationStep offered(Offered s, DestinationView v) {
        if (v.released().isPresent() && s.term() <= v.released().get().term()) {
            return behind(v);
        }
        if (v.letGo()) {
            return new KillReleased(s.from() + " owns it");
        }
        boolean failed = v.failures() >= ATTEMPTS;
        if (v.copyIs(s.digest()) && !failed) {
            return new Append(HandoffRecords.take(v.workload(), s, v.me()), "the copy is complete");
        }
        if (v.somethingToDestroy()) {
            return new Destroy("it is not a complete copy of " + s.digest());
        }
        if (failed || !v.replicaThere()) {
            String why = failed ? "no copy could be made of it" : "the replica is not here any more";
            return new Append(HandoffRecords.abort(v.workload(), s, v.me(), why), why);
        }
        return prepare(s.term(), s.digest(), s.from() + " offers it", v);
    }

    private static DestinationStep taken(Taken s, DestinationView v) {
        long released = v.released().map(Released::term).orElse(-1L);
        if (released > s.term()) {
            return behind(v);
        }
        return released == s.term() ? takenAndReleased(s, v) : takenNotReleased(s, v);
    }

    private static DestinationStep takenAndReleased(Taken s, DestinationView v) {
        return switch (v.hold()) {
            case RELEASED -> new Append(HandoffRecords.running(v.workload(), s, v.me()), "the copy runs");
            case HELD -> new Release("it was taken, and that is durable");
            // a service that died in the middle may have left it frozen, or running on memory that nobody fills in
            case RELEASING -> new Release("its release was cut off");
            case NONE, PARTIAL ->
                new AskOperator("the copy was lost after its release, so that it may have run: fence " + v.me()
                        + " to let " + s.from() + " go on from the freeze");
        };
    }

    private static DestinationStep takenNotReleased(Taken s, DestinationView v) {
        if (v.letGo()) {
            return new KillReleased("it is the copy of an earlier term");
        }
        boolean failed = v.failures() >= (s.fromFenced() ? ATTEMPTS_WITHOUT_ORIGINAL : ATTEMPTS);
        if (v.copyIs(s.digest()) && !failed) {
            return new WriteReleased(new CopyMark(s.term(), s.digest()), "it was taken");
        }
        if (v.somethingToDestroy()) {
            return new Destroy("it is not a complete copy of " + s.digest());
        }
        if (s.fromFenced() && !v.replicaThere()) {
            String why = "the original is destroyed, and so is the replica";
            return new Append(HandoffRecords.ended(v.workload(), s, v.me(), why), why);
        }
        if (!s.fromFenced()) {
            String why = failed ? "no copy could be made of it" : "the copy is not here any more";
            return new Append(HandoffRecords.returned(v.workload(), s, v.me(), why), why);
        }
        return failed
                ? new AskOperator("the original is destroyed and no copy could be made of the replica: find out why, "
                        + "then restart the restorer, which tries again")
                : prepare(s.term(), s.digest(), "the original is destroyed", v);
    }

    private static DestinationStep prepare(long term, Digest digest, String why, DestinationView v) {
        if (v.originalHere()) {
            // a source that reads on would else take this node's new right for its old one, and thaw
            return new Unreachable("the frozen original of an earlier move is to be killed first");
        }
        boolean announced = v.ready().map(CopyMark::digest).filter(digest::equals).isPresent();
        return announced
                ? new Prepare(new CopyMark(term, digest), why)
                : new Wait("snapshot-ready of " + digest);
    }

    private static DestinationStep mine(Owned s, DestinationView v) {
        boolean ran = v.released().map(Released::term).filter(t -> t == s.term()).isPresent();
        return v.somethingToDestroy() && !ran ? new Destroy("this node runs the original") : new Done("it runs here");
    }

    /** This node is the source now. */
    private static DestinationStep leaving(DestinationView v) {
        return v.somethingToDestroy() ? new Destroy("this node has the original") : new Done("it is leaving this node");
    }

    /** @param mustNotRun what runs here does so without the right to */
    private static DestinationStep notMine(long term, String why, boolean mustNotRun, DestinationView v) {
        if (v.beforeRelease(term)) {
            return behind(v);
        }
        if (v.letGo() && mustNotRun) {
            return new KillReleased(why);
        }
        if (v.released().isPresent()) {
            return new ClearReleased(why);
        }
        Optional<CopyMark> made = v.prepared().filter(p -> p.term() > term);
        if (v.somethingToDestroy()) {
            return made.isPresent() && v.hold() == Hold.HELD && !v.waitedEnough()
                    ? new Wait("the offer")
                    : new Destroy(made.isPresent() ? "no offer came" : why);
        }
        Optional<CopyMark> announced = v.ready().filter(r -> r.term() > term);
        return announced.isPresent() && v.hold() == Hold.NONE && v.replicaThere() && !v.originalHere()
                        && v.failures() == 0 && !v.waitedEnough()
                ? new Prepare(announced.get(), "it is about to be offered")
                : new Done(why);
    }

    private static DestinationStep behind(DestinationView v) {
        return new Wait("the register to reach term "
                + v.released().map(Released::term).orElseThrow());
    }
}
