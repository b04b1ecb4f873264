package io.decamp.snapshotter.engine.handoff;

import io.decamp.contracts.v1.HandoffRecord;
import io.decamp.snapshotter.engine.Handover;

/** What the source does next, which is also the state it is in; {@code why} is for people. */
public sealed interface SourceStep {
    String why();

    /** Reads the register up to its end. */
    record CatchUp(String why) implements SourceStep {}

    /** Publishes and reads back. */
    record Append(HandoffRecord record, String why) implements SourceStep {}

    /** Both locks off: the workload runs on. */
    record Thaw(String why) implements SourceStep {}

    /** The frozen tasks die. */
    record Kill(String why) implements SourceStep {}

    /** The offer is over and carried out: forgets it. */
    record ClearMark(String why) implements SourceStep {}

    /** Nothing until the register changes or the limit for TAKE passes; {@code why} says what it waits for. */
    record Wait(String why) implements SourceStep {}

    /** Something outside does not answer; tried again after a while. */
    record Unreachable(String why) implements SourceStep {}

    /** Only a person can go on. */
    record AskOperator(String why) implements SourceStep {}

    record Done(Handover.Outcome outcome, String why) implements SourceStep {}
}
