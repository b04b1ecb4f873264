package io.decamp.model.sim;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.HandoffFold;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.HandoffRegister;
import io.decamp.contracts.v1.HandoffRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Predicate;

/** One log for all; each reader sees a prefix. Appends get lost, land late, land twice, or land without an answer. */
final class SimRegister {
    private final List<HandoffRecord> log = new ArrayList<>();
    private final List<HandoffState> states = new ArrayList<>(List.of(HandoffState.NOBODY));
    private final List<HandoffRecord> flying = new ArrayList<>();
    private final Random random;
    /** Out of a hundred appends, how many go wrong. */
    int lossPercent;

    SimRegister(Random random) {
        this.random = random;
    }

    HandoffState truth() {
        return fold(log.size());
    }

    /** Straight to the log: an operator who waits for the answer. */
    void append(HandoffRecord record) {
        log.add(record);
    }

    /** A late record arrives, perhaps more than once. */
    void landOne() {
        if (!flying.isEmpty()) {
            int which = random.nextInt(flying.size());
            log.add(flying.get(which));
            if (random.nextInt(3) > 0) {
                flying.remove(which);
            }
        }
    }

    void landAll() {
        log.addAll(flying);
        flying.clear();
    }

    List<HandoffRecord> records() {
        return List.copyOf(log);
    }

    /** The state after the first {@code count} records; each is folded once. */
    private HandoffState fold(int count) {
        while (states.size() <= count) {
            states.add(HandoffFold.apply(states.getLast(), log.get(states.size() - 1)));
        }
        return states.get(count);
    }

    /** What one process reads: from the beginning when it starts. */
    final class Reader implements HandoffRegister {
        private int position;

        void readOn() {
            position = Math.min(log.size(), position + 1 + random.nextInt(3));
        }

        void readAll() {
            position = log.size();
        }

        @Override
        public HandoffState current(WorkloadId workload) {
            return fold(position);
        }

        @Override
        public HandoffState append(WorkloadId workload, HandoffRecord record, Duration limit) {
            if (random.nextInt(100) < lossPercent) {
                switch (random.nextInt(3)) {
                    case 0 -> log.add(record);
                    case 1 -> flying.add(record);
                    default -> {}
                }
                throw DecampException.retry("register-unreachable", "No answer", "Wait", null);
            }
            log.add(record);
            readAll();
            return fold(position);
        }

        @Override
        public HandoffState await(WorkloadId workload, Predicate<HandoffState> wanted, Duration limit) {
            throw new UnsupportedOperationException("The actors' steps never wait");
        }

        @Override
        public void onChange(Listener listener) {
            throw new UnsupportedOperationException("The actors' steps never wait");
        }
    }
}
