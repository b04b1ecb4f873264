package io.decamp.transfer.engine.replica;

/**
 * Where a replica is.
 *
 * <pre>
 *  Empty --begin--> Receiving(direct) --seal--> Sealed --begin--> Receiving(staged) --seal--> Sealing --applied--> Sealed
 *  Receiving(direct) --broken--> Empty          Receiving(staged) --broken--> Sealed          any --drop--> Dropped
 * </pre>
 */
sealed interface ReplicaState {
    /** Nothing was ever sealed; there are no files. */
    record Empty() implements ReplicaState {}

    /** An epoch comes in. {@code sealed} is null when it is the first, which is written in place. */
    record Receiving(long epoch, Manifest sealed) implements ReplicaState {
        boolean direct() {
            return sealed == null;
        }
    }

    /** The epoch counts from now on, though not all of it is in the space files yet. */
    record Sealing(Manifest manifest) implements ReplicaState {}

    /** All of it is. */
    record Sealed(Manifest manifest) implements ReplicaState {}

    /** Its files are gone. */
    record Dropped() implements ReplicaState {}
}
