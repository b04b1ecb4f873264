package io.decamp.model;

import io.decamp.contracts.handoff.HandoffFold;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.v1.HandoffRecord;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The real fold over small numbers: every state and record that was ever met has one, and each pair is folded once. */
final class ModelRegister {
    private final Mutation mutation;
    private final List<HandoffState> states = new ArrayList<>();
    private final Map<HandoffState, Integer> stateIds = new HashMap<>();
    private final List<HandoffRecord> records = new ArrayList<>();
    private final Map<HandoffRecord, Integer> recordIds = new HashMap<>();
    private final Map<Integer, Integer> folded = new HashMap<>();

    ModelRegister(Mutation mutation) {
        this.mutation = mutation;
    }

    int id(HandoffState state) {
        return stateIds.computeIfAbsent(state, s -> {
            states.add(s);
            return fits(states.size() - 1);
        });
    }

    HandoffState state(int id) {
        return states.get(id);
    }

    int id(HandoffRecord record) {
        return recordIds.computeIfAbsent(record, r -> {
            records.add(r);
            return fits(records.size() - 1);
        });
    }

    HandoffRecord record(int id) {
        return records.get(id);
    }

    /** @return the state after it, which is the same when the record is void */
    int fold(int state, int record) {
        return folded.computeIfAbsent(state << 8 | record, k -> {
            HandoffState before = states.get(state);
            HandoffRecord r = records.get(record);
            if (mutation == Mutation.IGNORE_TERMS && r.getTerm() > 0) {
                boolean opens = r.hasClaim() || r.hasOffer();
                r = r.toBuilder().setTerm(before.term() + (opens ? 1 : 0)).build();
            }
            return id(HandoffFold.apply(before, r));
        });
    }

    private static int fits(int id) {
        if (id > 255) {
            throw new IllegalStateException("More states or records than a byte names: the bounds are too wide");
        }
        return id;
    }
}
