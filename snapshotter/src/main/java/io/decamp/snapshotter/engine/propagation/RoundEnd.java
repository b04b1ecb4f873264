package io.decamp.snapshotter.engine.propagation;

/** Why a round ended. */
public enum RoundEnd {
    /** Everything that was owed has been sent. */
    ALL_SENT("all-sent"),
    /** What is left, or what was sent by then, is written again too fast for it to be worth going on. */
    REWRITING("rewriting"),
    /** Its time was over: what has been sent is looked at again before the rest goes. */
    TIME("time");

    private final String label;

    RoundEnd(String label) {
        this.label = label;
    }

    /** As in {@code pages-dirty}. */
    public String label() {
        return label;
    }
}
