package io.decamp.contracts.handoff;

import com.google.protobuf.ByteString;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.Abort;
import io.decamp.contracts.v1.Claim;
import io.decamp.contracts.v1.Ended;
import io.decamp.contracts.v1.Fenced;
import io.decamp.contracts.v1.HandoffRecord;
import io.decamp.contracts.v1.Offer;
import io.decamp.contracts.v1.Return;
import io.decamp.contracts.v1.Running;
import io.decamp.contracts.v1.Take;

/**
 * Makes the records of topic {@code handoff} with the term that fits the state their writer has read, so that the rule
 * of {@link HandoffFold} about terms is written down once for writers, too.
 */
public final class HandoffRecords {
    private HandoffRecords() {}

    /** Claims an unowned workload, or renews one's own claim, which voids what one may still have on the way. */
    public static HandoffRecord claim(WorkloadId workload, HandoffState read, NodeId node) {
        return claim(workload, read.term() + 1, node);
    }

    /** @param term the one to open */
    public static HandoffRecord claim(WorkloadId workload, long term, NodeId node) {
        return record(workload, term).setClaim(Claim.newBuilder().setNode(node.value())).build();
    }

    /**
     * Void wherever it lands, since no CLAIM opens term 0: appended and read back, it proves that everything before it
     * was read.
     */
    public static HandoffRecord barrier(WorkloadId workload, NodeId node) {
        return claim(workload, 0, node);
    }

    /** @param term the one to open: that of the state read, plus one */
    public static HandoffRecord offer(
            WorkloadId workload, long term, NodeId from, NodeId to, Digest digest, String migration) {
        Offer offer = Offer.newBuilder()
                .setFrom(from.value())
                .setTo(to.value())
                .setDigest(ByteString.copyFrom(digest.bytes()))
                .setMigration(migration)
                .build();
        return record(workload, term).setOffer(offer).build();
    }

    public static HandoffRecord take(WorkloadId workload, HandoffState read, NodeId node) {
        return record(workload, read.term()).setTake(Take.newBuilder().setNode(node.value())).build();
    }

    public static HandoffRecord abort(WorkloadId workload, HandoffState read, NodeId node, String reason) {
        Abort abort = Abort.newBuilder().setNode(node.value()).setReason(fit(reason)).build();
        return record(workload, read.term()).setAbort(abort).build();
    }

    public static HandoffRecord running(WorkloadId workload, HandoffState read, NodeId node) {
        return record(workload, read.term())
                .setRunning(Running.newBuilder().setNode(node.value()))
                .build();
    }

    public static HandoffRecord returned(WorkloadId workload, HandoffState read, NodeId node, String reason) {
        Return back = Return.newBuilder().setNode(node.value()).setReason(fit(reason)).build();
        return record(workload, read.term()).setReturn(back).build();
    }

    /**
     * @param fenced the node that is powered off, or whose copies are destroyed; kept so until this was read back
     * @param by who asserts it
     */
    public static HandoffRecord fenced(
            WorkloadId workload, HandoffState read, NodeId fenced, String assertion, String by) {
        Fenced step = Fenced.newBuilder()
                .setNode(fenced.value())
                .setAssertion(fit(assertion))
                .setBy(fit(by))
                .build();
        return record(workload, read.term()).setFenced(step).build();
    }

    public static HandoffRecord ended(WorkloadId workload, HandoffState read, NodeId node, String reason) {
        Ended ended = Ended.newBuilder().setNode(node.value()).setReason(fit(reason)).build();
        return record(workload, read.term()).setEnded(ended).build();
    }

    private static HandoffRecord.Builder record(WorkloadId workload, long term) {
        return HandoffRecord.newBuilder().setWorkload(workload.value()).setTerm(term);
    }

    /** A record must not become void by the length of an explanation; two texts of this length fit. */
    private static String fit(String text) {
        int limit = HandoffFold.MAX_TEXT_CHARS / 2;
        return text == null ? "" : text.substring(0, Math.min(text.length(), limit));
    }
}
