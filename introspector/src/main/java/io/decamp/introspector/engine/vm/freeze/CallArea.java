package io.decamp.introspector.engine.vm.freeze;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import java.util.ArrayList;
import java.util.List;

/**
 * Where calls for one processor are written: the lowest 4 KiB of the 16 KiB stack of its idle thread, which is never
 * freed. Bytes that are zero there have not been used by any call chain since boot: stacks are zeroed when they are
 * made, and the deepest that an idle thread was seen to have reached is 2,112 bytes, on the processor that booted
 * (interrupts have stacks of their own). A slot is only taken when it is zero.
 *
 * @param stack lowest address of the idle thread's stack
 * @param queue address of the processor's call_single_queue
 */
record CallArea(GuestKernel kernel, int cpu, int apicId, long stack, long queue) {
    /** Two struct __call_single_data. */
    static final int SLOT_BYTES = 64;

    /** Leaves the end-of-stack magic, which is at the very bottom, in peace. */
    private static final int FIRST_SLOT = 128;

    private static final int END = 4096;

    static final int SLOTS = (END - FIRST_SLOT) / SLOT_BYTES;

    static CallArea of(GuestKernel kernel, int cpu) {
        KernelObject idle = kernel.perCpu("runqueues", "rq", cpu).follow("idle");
        long stack = idle.number("stack");
        int apicId = kernel.u16(kernel.perCpuAddress("x86_cpu_to_apicid", cpu)) & 0xffff;
        if (idle.number("pid") != 0
                || (kernel.u64(stack) & 0xffff_ffffL) != KernelFacts.STACK_END_MAGIC
                || apicId > KernelFacts.APIC_ID_MAX) {
            throw DecampException.refused(
                    "vm-freeze-unsupported",
                    "Processor " + cpu + " of the guest can't be called: idle thread " + idle.number("pid")
                            + ", stack 0x" + Long.toHexString(stack) + ", APIC id " + apicId,
                    "Guests with APIC ids up to " + KernelFacts.APIC_ID_MAX + " and CONFIG_VMAP_STACK are supported");
        }
        return new CallArea(kernel, cpu, apicId, stack, kernel.perCpuAddress("call_single_queue", cpu));
    }

    long slot(int index) {
        return stack + FIRST_SLOT + (long) index * SLOT_BYTES;
    }

    boolean isFree(int index) {
        for (int i = 0; i < SLOT_BYTES; i += 8) {
            if (kernel.u64(slot(index) + i) != 0) {
                return false;
            }
        }
        return true;
    }

    /** @return its first node */
    long head() {
        return kernel.u64(queue);
    }

    /** Nodes in the queue, the one that was put in last first. */
    List<Long> queued() {
        List<Long> nodes = new ArrayList<>();
        for (long node = head(); node != 0; node = kernel.u64(node)) {
            if (nodes.size() == QUEUE_LIMIT) {
                throw DecampException.abort(
                        "vm-freeze-unsupported",
                        "The call queue of the guest's processor " + cpu + " has no end",
                        "The guest's memory is damaged: restart it",
                        null);
            }
            nodes.add(node);
        }
        return nodes;
    }

    /** Each other processor has at most some calls there, and each task that is being woken one. */
    private static final int QUEUE_LIMIT = 1 << 16;
}
