package io.decamp.model;

/** A protocol error that the model check must find: what proves that it looks. */
enum Mutation {
    /** The protocol as it is. */
    NONE,
    /** The source kills when it reads TAKE instead of waiting for RUNNING: a copy that fails then has no original. */
    KILL_ON_TAKE,
    /** The source thaws when its limit passes, without asking the register. */
    THAW_ON_TIMEOUT,
    /** The source thaws on an {@code Owned(me)} that is older than its own offer, which may still be on its way. */
    THAW_ON_OLD_OWNED,
    /** The source notes the offer when it is acknowledged, not before it is sent. */
    UNACKNOWLEDGED_OFFER_IS_NOT_SENT,
    /** The end of criu counts as an abort. */
    END_OF_FILE_IS_A_VERDICT,
    /** The destination lets its copy run once TAKE is sent, not once it is read back. */
    TAKE_WITHOUT_READ_BACK,
    /** The destination lets its copy run before RELEASED is durable. */
    RELEASE_BEFORE_DURABLE,
    /** The destination gives back a copy that died after its release. */
    RETURN_AFTER_RELEASE,
    /** A node restores a copy while it still holds the frozen original of an earlier move. */
    PREPARE_BESIDE_AN_ORIGINAL,
    /** A release that was cut off counts as one that is over, though the copy may still be frozen. */
    BEGUN_RELEASE_IS_OVER,
    /** Records count whatever their term. */
    IGNORE_TERMS;

    /** Enough room for the error to show. */
    Explorer.Bounds bounds() {
        return this == PREPARE_BESIDE_AN_ORIGINAL ? new Explorer.Bounds(2, 0, 0, 0) : new Explorer.Bounds(2, 1, 1, 1);
    }
}
