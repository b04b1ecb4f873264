package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.RseqEntry;
import io.decamp.contracts.criu.UserX86RegsEntry;
import io.decamp.introspector.engine.vm.guest.AddressSpace;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.image.Concerns;
import java.util.Optional;

/**
 * A thread's registration for restartable sequences (kernel/rseq.c, include/uapi/linux/rseq.h): a thread that was
 * stopped in
 * the middle of one continues at its abort handler, as after any preemption.
 */
final class RestartableSequence {
    /** {@code sizeof(struct rseq)} until 6.3, which the kernel then did not keep per thread. */
    private static final int ORIGINAL_BYTES = 32;

    private static final long CURRENT = 8;
    private static final long FLAGS = 16;
    private static final int NO_RESTART_ON_SIGNAL = 1 << 1;

    private RestartableSequence() {}

    /** @param regs gets another instruction pointer when it is inside a sequence */
    static Optional<RseqEntry> read(
            KernelObject task, AddressSpace memory, UserX86RegsEntry.Builder regs, Concerns concerns) {
        if (!task.has("rseq") || task.number("rseq") == 0) {
            return Optional.empty();
        }
        long area = task.number("rseq");
        RseqEntry.Builder entry = RseqEntry.newBuilder()
                .setRseqAbiPointer(area)
                .setRseqAbiSize(task.has("rseq_len") ? (int) task.number("rseq_len") : ORIGINAL_BYTES)
                .setSignature((int) task.number("rseq_sig"));
        long sequence = memory.u64(area + CURRENT);
        if (sequence != 0) {
            leave(entry, regs, memory, sequence, memory.u32(area + FLAGS), concerns);
        }
        return Optional.of(entry.build());
    }

    private static void leave(
            RseqEntry.Builder entry,
            UserX86RegsEntry.Builder regs,
            AddressSpace memory,
            long sequence,
            int areaFlags,
            Concerns concerns) {
        int version = memory.u32(sequence);
        int flags = memory.u32(sequence + 4) | areaFlags;
        if (version != 0) {
            concerns.refuse(
                    "vm-rseq-version",
                    "A restartable sequence has version " + version,
                    "CRIU knows version 0 only; build the program with another libc");
            return;
        }
        if ((flags & NO_RESTART_ON_SIGNAL) != 0) {
            entry.setRseqCsPointer(sequence);
        } else if (Long.compareUnsigned(regs.getIp() - memory.u64(sequence + 8), memory.u64(sequence + 16)) < 0) {
            regs.setIp(memory.u64(sequence + 24));
        }
    }
}
