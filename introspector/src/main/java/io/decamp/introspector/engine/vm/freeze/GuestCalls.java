package io.decamp.introspector.engine.vm.freeze;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Has the guest's kernel wake tasks: for each one two calls are put into the queue by which its processors ask each
 * other for calls (kernel/smp.c), {@code wake_up_process(task)} and then {@code put_task_struct_rcu_user(task)}. The
 * second one takes off the reference that is put on the task here, so that it can't be freed in between. Both run in
 * the interrupt that follows, with the guest's own locks. All but {@link #clearDone} needs the VM paused. One thread
 * at a time.
 */
final class GuestCalls {
    private static final int CALL_BYTES = CallArea.SLOT_BYTES / 2;

    /** A count beyond is saturated or damaged (include/linux/refcount.h). */
    private static final long REFERENCES_MAX = 1L << 24;

    /** In the unused upper half of the flags' word (src and dst, for debugging only): the call was in the queue. */
    private static final long WAS_QUEUED = 1L << 48;

    private final GuestKernel kernel;
    private final GuestWriter writer;
    private final long wake;
    private final long put;
    private final long flagsAt;
    private final long functionAt;
    private final long argumentAt;
    private final Map<Integer, CallArea> areas = new HashMap<>();

    GuestCalls(GuestKernel kernel, GuestWriter writer) {
        this.kernel = kernel;
        this.writer = writer;
        wake = kernel.symbol("wake_up_process");
        put = kernel.symbol("put_task_struct_rcu_user");
        flagsAt = kernel.types().offsetOf("__call_single_data", "node.u_flags");
        functionAt = kernel.types().offsetOf("__call_single_data", "func");
        argumentAt = kernel.types().offsetOf("__call_single_data", "info");
    }

    /** A slot in use. */
    private record Taken(CallArea area, long slot) {}

    /** Calls that are put into queues together. */
    final class Batch {
        private final List<Taken> taken = new ArrayList<>();
        private final Map<CallArea, Long> heads = new HashMap<>();
        private final List<CallArea> targets = online();
        private int at;
        private boolean sent;

        /** @return false when there is no room now: next time */
        boolean add(long task) {
            Taken free = findFree();
            if (free == null) {
                return false;
            }
            long users = kernel.object("task_struct", task).addressOf("rcu_users");
            long count = kernel.u32(users) & 0xffff_ffffL;
            if (count == 0 || count > REFERENCES_MAX) {
                throw DecampException.abort(
                        "vm-task-damaged",
                        "Task 0x" + Long.toHexString(task) + " of the guest has " + count + " references",
                        "The guest's memory is damaged: look into its kernel log",
                        null);
            }
            call(free.slot(), wake, task);
            writer.write32(WritePurpose.TASK_REFERENCE, users, (int) count + 1);
            call(free.slot() + CALL_BYTES, put, task);
            taken.add(free);
            return true;
        }

        /** Flags come last: an unfinished call is not taken for one. */
        private void call(long at, long function, long argument) {
            writer.write64(WritePurpose.CALL, at + functionAt, function);
            writer.write64(WritePurpose.CALL, at + argumentAt, argument);
            writer.write64(WritePurpose.CALL, at + flagsAt, KernelFacts.CALL_SYNC_LOCKED);
        }

        private Taken findFree() {
            while (at < CallArea.SLOTS * targets.size()) {
                CallArea area = targets.get(at / CallArea.SLOTS);
                int index = at++ % CallArea.SLOTS;
                if (area.isFree(index)) {
                    return new Taken(area, area.slot(index));
                }
            }
            return null;
        }

        /**
         * Puts the calls into the queues and sends the interrupts. When a step fails, everything is as it was before
         * the first {@link #add}: calls in a queue without an interrupt would hang other processors of the guest.
         */
        void send(PausedVm vm) {
            try {
                for (Taken call : taken) {
                    heads.putIfAbsent(call.area(), call.area().head());
                    link(call.area(), call.slot());
                    link(call.area(), call.slot() + CALL_BYTES);
                    mark(call.slot() + CALL_BYTES);
                }
                heads.keySet().forEach(area -> vm.interrupt(area.apicId()));
                sent = true;
            } catch (RuntimeException e) {
                undo();
                throw e;
            }
        }

        private void link(CallArea area, long node) {
            writer.write64(WritePurpose.CALL, node, area.head());
            writer.write64(WritePurpose.CALL_QUEUE, area.queue(), node);
        }

        /** What was not sent is as it was before the first {@link #add}. Nothing when it was sent. */
        void undo() {
            if (sent) {
                return;
            }
            heads.forEach((area, head) -> writer.write64(WritePurpose.CALL_QUEUE, area.queue(), head));
            heads.clear();
            taken.forEach(call -> forget(call.slot()));
            taken.clear();
        }
    }

    Batch prepare() {
        return new Batch();
    }

    private void mark(long at) {
        writer.write64(WritePurpose.CALL, at + flagsAt, KernelFacts.CALL_SYNC_LOCKED | WAS_QUEUED);
    }

    /** Takes the reference off again, which the guest will not do as it never makes the call. */
    private void forget(long slot) {
        long task = kernel.u64(slot + CALL_BYTES + argumentAt);
        long users = kernel.object("task_struct", task).addressOf("rcu_users");
        writer.write32(WritePurpose.TASK_REFERENCE, users, kernel.u32(users) - 1);
        clear(slot);
    }

    private void clear(long slot) {
        // the second half first: its function is what tells a slot of ours
        for (int i = CallArea.SLOT_BYTES - 8; i >= 0; i -= 8) {
            if (kernel.u64(slot + i) != 0) {
                writer.write64(WritePurpose.CLEAR_CALL, slot + i, 0);
            }
        }
    }

    /**
     * Zeroes what the guest is done with: it clears LOCK as its last access. Also what an earlier life of this
     * service left.
     *
     * @return calls that the guest has not made yet
     */
    int clearDone() {
        int open = 0;
        for (CallArea area : areas()) {
            for (int i = 0; i < CallArea.SLOTS; i++) {
                if (isOurs(area.slot(i))) {
                    if (isLocked(area.slot(i)) || isLocked(area.slot(i) + CALL_BYTES)) {
                        open++;
                    } else {
                        clear(area.slot(i));
                    }
                }
            }
        }
        return open;
    }

    private boolean isLocked(long call) {
        return (kernel.u32(call + flagsAt) & KernelFacts.CALL_LOCK) != 0;
    }

    /** A slot with its first call only was never finished: its second one has no function. */
    private boolean isOurs(long slot) {
        return kernel.u64(slot + functionAt) == wake && kernel.u64(slot + CALL_BYTES + functionAt) == put;
    }

    /** Sends the interrupt again where calls of ours wait: one more does no harm. */
    void remind(PausedVm vm) {
        for (CallArea area : areas()) {
            if (area.queued().stream().anyMatch(node -> holds(area, node))) {
                vm.interrupt(area.apicId());
            }
        }
    }

    /** Takes out of the queues what the guest has not begun: for a processor that never comes to it. */
    void withdraw() {
        for (CallArea area : areas()) {
            long link = area.queue();
            List<Long> ours = new ArrayList<>();
            for (long node : area.queued()) {
                if (holds(area, node)) {
                    ours.add(node);
                    writer.write64(WritePurpose.CALL_QUEUE, link, kernel.u64(node));
                } else {
                    link = node;
                }
            }
            ours.stream().filter(node -> isOurs(node)).forEach(this::forget);
        }
    }

    /**
     * After the service ended while it held the VM paused: calls that it had not queued yet are forgotten, those it had
     * queued get their interrupt.
     */
    void takeOver(PausedVm vm) {
        for (CallArea area : areas()) {
            List<Long> queued = area.queued();
            for (int i = 0; i < CallArea.SLOTS; i++) {
                long slot = area.slot(i);
                long second = slot + CALL_BYTES;
                boolean wasQueued = (kernel.u64(second + flagsAt) & WAS_QUEUED) != 0;
                if (isOurs(slot) && isLocked(second) && !wasQueued && !queued.contains(slot)) {
                    forget(slot);
                } else if (kernel.u64(slot + functionAt) == wake && !isLocked(second) && !queued.contains(slot)) {
                    clear(slot);
                }
            }
        }
        completePairs();
        remind(vm);
    }

    /**
     * Ended between the two halves of a slot: the second one, which takes the reference off, is not in the queue yet.
     */
    private void completePairs() {
        for (CallArea area : areas()) {
            List<Long> queued = area.queued();
            for (long node : queued) {
                if (holds(area, node) && isOurs(node) && !queued.contains(node + CALL_BYTES)) {
                    writer.write64(WritePurpose.CALL, node + CALL_BYTES, area.head());
                    writer.write64(WritePurpose.CALL_QUEUE, area.queue(), node + CALL_BYTES);
                    mark(node + CALL_BYTES);
                }
            }
        }
    }

    private static boolean holds(CallArea area, long node) {
        return node >= area.slot(0) && node < area.slot(CallArea.SLOTS);
    }

    private List<CallArea> online() {
        return areas().stream().filter(area -> kernel.online(area.cpu())).toList();
    }

    /** Of all processors that were ever online: what is idle never goes. */
    private List<CallArea> areas() {
        List<CallArea> all = new ArrayList<>();
        for (int cpu = 0; cpu < kernel.cpus(); cpu++) {
            if (areas.containsKey(cpu) || kernel.online(cpu)) {
                all.add(areas.computeIfAbsent(cpu, c -> CallArea.of(kernel, c)));
            }
        }
        return all;
    }
}
