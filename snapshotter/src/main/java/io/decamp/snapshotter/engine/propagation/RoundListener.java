package io.decamp.snapshotter.engine.propagation;

/** Is told how a move's rounds go on. Called by the workload's loop; must not take long. */
public interface RoundListener {
    /** Nobody asks. */
    RoundListener NONE = new RoundListener() {};

    /** A batch is on its way. */
    default void sent(int round, long owedPages) {}

    /** A round has ended. */
    default void roundEnded(int round, long sentPages, RoundEnd end, long owedPages) {}
}
