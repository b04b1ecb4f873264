package io.decamp.transfer.engine.replica;

/** Named points of the seal at which a crash must do no harm; tests look at the directory there. */
@FunctionalInterface
interface Checkpoints {
    Checkpoints NONE = step -> {};

    void reached(String step);
}
