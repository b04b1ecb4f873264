package io.decamp.snapshotter.engine.propagation;

/** Plain pre-copy: all that a scan found, by address, then the next scan. The baseline of the others. */
final class AddressOrder implements PropagationPolicy {
    @Override
    public String name() {
        return "address";
    }

    @Override
    public RoundPlan plan(PageSet owed, View view) {
        return new RoundPlan(owed.toRuns(), RoundEnd.ALL_SENT, Long.MAX_VALUE);
    }

    @Override
    public boolean holdsHotRuns() {
        return false;
    }
}
