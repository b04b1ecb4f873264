package io.decamp.edge.kafka;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.Topics;
import io.decamp.contracts.handoff.HandoffFold;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.HandoffRegister;
import io.decamp.contracts.v1.HandoffRecord;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/** The fold so far, and those who wait for it to go on. One thread reads records into it, any number asks. */
final class RegisterState {
    private static final Logger LOG = Logger.getLogger(RegisterState.class);
    private static final HandoffState NOBODY = new HandoffState.Unowned(0);

    private final HandoffRegister.Listener listener;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition progress = lock.newCondition();
    private final Map<WorkloadId, HandoffState> states = new HashMap<>();
    private long nextOffset;
    private boolean caughtUp;
    private DecampException damage;

    /** @param listener of changes after the first catch-up; called by the reader's thread, outside the lock */
    RegisterState(HandoffRegister.Listener listener) {
        this.listener = listener;
    }

    // reader's side

    /** The offset that has to come next. */
    long nextOffset() {
        return locked(() -> nextOffset);
    }

    /** Folds the record at {@link #nextOffset}. */
    void read(HandoffRecord record) {
        WorkloadId workload;
        try {
            workload = new WorkloadId(record.getWorkload());
        } catch (DecampException e) {
            LOG.errorf("Record %d of topic %s is void: %s", nextOffset(), Topics.HANDOFF, e.getMessage());
            pass();
            return;
        }
        lock.lock();
        HandoffState before;
        HandoffFold.Outcome outcome;
        boolean news;
        long offset = nextOffset;
        try {
            before = states.getOrDefault(workload, NOBODY);
            outcome = HandoffFold.judge(before, record);
            states.put(workload, outcome.state());
            news = caughtUp;
            nextOffset++;
            progress.signalAll();
        } finally {
            lock.unlock();
        }
        if (news) {
            log(workload, offset, before, outcome);
        }
        if (news && outcome.counted()) {
            listener.changed(workload, before, outcome.state(), record);
        }
    }

    /** The record at {@link #nextOffset} counts for nothing, here as on every other node. */
    void pass() {
        locked(() -> {
            nextOffset++;
            progress.signalAll();
            return null;
        });
    }

    /** @param end offset after the last record that was there at the first connection */
    void reached(long end) {
        locked(() -> {
            if (!caughtUp && nextOffset >= end) {
                caughtUp = true;
                LOG.infof("Register read: %d records, %d workloads", nextOffset, states.size());
                progress.signalAll();
            }
            return null;
        });
    }

    void damaged(DecampException why) {
        locked(() -> {
            damage = why;
            progress.signalAll();
            return null;
        });
    }

    // asker's side

    /** @throws DecampException FATAL when the fold can't be trusted any more */
    void check() {
        locked(() -> {
            checkLocked();
            return null;
        });
    }

    HandoffState current(WorkloadId workload) {
        return locked(() -> {
            checkRead();
            return states.getOrDefault(workload, NOBODY);
        });
    }

    Map<WorkloadId, HandoffState> all() {
        return locked(() -> {
            checkRead();
            return Map.copyOf(states);
        });
    }

    boolean isCaughtUp() {
        return locked(() -> caughtUp && damage == null);
    }

    void awaitCaughtUp(Duration limit) {
        awaitLocked("Topic " + Topics.HANDOFF + " was not read to its end", deadline(limit), () -> caughtUp);
    }

    HandoffState awaitRead(WorkloadId workload, long offset, long deadlineNanos) {
        awaitLocked("Record " + offset + " of " + workload + " was not read", deadlineNanos, () -> nextOffset > offset);
        return current(workload);
    }

    HandoffState await(WorkloadId workload, Predicate<HandoffState> wanted, Duration limit) {
        HandoffState[] found = new HandoffState[1];
        awaitLocked("The register did not say what was waited for of " + workload, deadline(limit), () -> {
            found[0] = states.getOrDefault(workload, NOBODY);
            return caughtUp && wanted.test(found[0]);
        });
        return found[0];
    }

    private void awaitLocked(String what, long deadlineNanos, BooleanSupplier condition) {
        lock.lock();
        try {
            checkLocked();
            while (!condition.getAsBoolean()) {
                long left = deadlineNanos - System.nanoTime();
                if (left <= 0) {
                    throw timeout(what, null);
                }
                progress.await(left, TimeUnit.NANOSECONDS);
                checkLocked();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw timeout(what, e);
        } finally {
            lock.unlock();
        }
    }

    private void checkRead() {
        checkLocked();
        if (!caughtUp) {
            throw DecampException.retry(
                    "register-not-read",
                    "Topic " + Topics.HANDOFF + " is read up to offset " + nextOffset + " only",
                    "Wait until the register has caught up; check the broker when it does not",
                    null);
        }
    }

    private void checkLocked() {
        if (damage != null) {
            throw DecampException.fatal(damage.code(), damage.getMessage(), damage.advice(), damage);
        }
    }

    private <R> R locked(Supplier<R> action) {
        lock.lock();
        try {
            return action.get();
        } finally {
            lock.unlock();
        }
    }

    private static void log(WorkloadId workload, long offset, HandoffState before, HandoffFold.Outcome outcome) {
        outcome.voidBecause()
                .ifPresentOrElse(
                        why -> LOG.infof("Register %s @%d: %s", workload, offset, why),
                        () -> LOG.infof("Register %s @%d: %s -> %s", workload, offset, before, outcome.state()));
    }

    private static DecampException timeout(String what, Throwable cause) {
        return DecampException.retry("register-timeout", what + " in time", "Check that a broker answers", cause);
    }

    private static long deadline(Duration limit) {
        return System.nanoTime() + limit.toNanos();
    }
}
