package io.decamp.requesters.rebalance;

/** One move of a plan. */
public record Move(Movable workload, String to) {
    public String from() {
        return workload.node();
    }

    /** Its memory is there already, but for what it writes. */
    public boolean toStandby() {
        return to.equals(workload.standby());
    }

    /** What the destination must have room for: the process, and where there is no replica yet, that too. */
    long neededBytes() {
        return toStandby() ? workload.bytes() : 2 * workload.bytes();
    }

    /** What is gone of the destination's room in the end: a replica that was there is given back. */
    long takenBytes() {
        return toStandby() ? 0 : workload.bytes();
    }
}
