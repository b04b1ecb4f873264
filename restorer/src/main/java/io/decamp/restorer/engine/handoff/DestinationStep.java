package io.decamp.restorer.engine.handoff;

import io.decamp.contracts.v1.HandoffRecord;

/** What the destination does next, which is also the state it is in; {@code why} is for people. */
public sealed interface DestinationStep {
    String why();

    /** Reads the register up to its end. */
    record CatchUp(String why) implements DestinationStep {}

    /** Restores and holds: not one instruction runs. */
    record Prepare(CopyMark mark, String why) implements DestinationStep {}

    /** Publishes and reads back. */
    record Append(HandoffRecord record, String why) implements DestinationStep {}

    /** Makes the release durable before it happens. */
    record WriteReleased(CopyMark mark, String why) implements DestinationStep {}

    /** Lets the copy run. */
    record Release(String why) implements DestinationStep {}

    /** The held copy dies without an instruction. */
    record Destroy(String why) implements DestinationStep {}

    /** A copy that runs without the right to do so dies. */
    record KillReleased(String why) implements DestinationStep {}

    /** The release is history. */
    record ClearReleased(String why) implements DestinationStep {}

    /** Nothing until the register changes or an announcement arrives; {@code why} says what it waits for. */
    record Wait(String why) implements DestinationStep {}

    /** Something outside does not answer or is not done; tried again after a while. */
    record Unreachable(String why) implements DestinationStep {}

    /** Only a person can go on. */
    record AskOperator(String why) implements DestinationStep {}

    /** Nothing of this workload is open here. */
    record Done(String why) implements DestinationStep {}
}
