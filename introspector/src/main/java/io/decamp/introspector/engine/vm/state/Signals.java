package io.decamp.introspector.engine.vm.state;

import com.google.protobuf.ByteString;
import io.decamp.contracts.criu.SaEntry;
import io.decamp.contracts.criu.SiginfoEntry;
import io.decamp.contracts.criu.SignalQueueEntry;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** What a process does with signals, and which ones wait (include/linux/signal_types.h, kernel/signal.c). */
final class Signals {
    private static final int COUNT = 64;
    private static final int KILL = 9;
    private static final int STOP = 19;

    /** {@code sizeof(siginfo_t)}; the kernel keeps what is used of it. */
    private static final int INFO_BYTES = 128;

    /** Four words: handler, flags, restorer, mask. */
    private static final int ACTION_BYTES = 32;

    /** Above any RLIMIT_SIGPENDING that guests have by default. */
    private static final int MAX_QUEUED = 1 << 17;

    private Signals() {}

    /** The actions of all signals that can have one, in their order. */
    static List<SaEntry> actions(KernelObject leader) {
        byte[] table = leader.follow("sighand").bytes("action");
        if (table.length != COUNT * ACTION_BYTES) {
            throw new GuestFault(GuestFault.Reason.TYPE, "The table of signal actions has " + table.length + " bytes");
        }
        ByteBuffer words = ByteBuffer.wrap(table).order(ByteOrder.LITTLE_ENDIAN);
        List<SaEntry> actions = new ArrayList<>(COUNT);
        for (int signal = 1; signal <= COUNT; signal++) {
            int at = (signal - 1) * ACTION_BYTES;
            if (signal != KILL && signal != STOP) {
                actions.add(SaEntry.newBuilder()
                        .setSigaction(words.getLong(at))
                        .setFlags(words.getLong(at + 8))
                        .setRestorer(words.getLong(at + 16))
                        .setMask(words.getLong(at + 24))
                        .setCompatSigaction(false)
                        .build());
            }
        }
        return actions;
    }

    /** Blocked signals; of a thread inside sigsuspend or ppoll those that it comes back to. */
    static long blocked(KernelObject task) {
        boolean suspended = task.number("restore_sigmask") != 0;
        return task.number(suspended ? "saved_sigmask.sig[0]" : "blocked.sig[0]");
    }

    /** Whether SIGSTOP waits: it is no signal to be sent again, which nobody could block, but a state to come. */
    static boolean isToStop(KernelObject pending) {
        return (pending.number("signal.sig[0]") & bit(STOP)) != 0;
    }

    /** Whether SIGKILL waits: nothing will be left to carry. */
    static boolean isToDie(KernelObject pending) {
        return (pending.number("signal.sig[0]") & bit(KILL)) != 0;
    }

    private static long bit(int signal) {
        return 1L << signal - 1;
    }

    /** @param pending a {@code struct sigpending}: of a thread, or shared by a process */
    static SignalQueueEntry queue(KernelObject pending) {
        SignalQueueEntry.Builder queue = SignalQueueEntry.newBuilder();
        long queued = 0;
        for (KernelObject entry : pending.list("list", "sigqueue", "list", MAX_QUEUED)) {
            byte[] info = entry.bytes("info");
            int signal = ByteBuffer.wrap(info).order(ByteOrder.LITTLE_ENDIAN).getInt();
            if (signal < 1 || signal > COUNT || info.length > INFO_BYTES) {
                throw new GuestFault(GuestFault.Reason.BOUND, "Signal " + signal + " of " + info.length + " "
                        + "bytes is queued");
            }
            queued |= 1L << signal - 1;
            if (signal != STOP) {
                queue.addSignals(info(info));
            }
        }
        unqueued(pending.number("signal.sig[0]") & ~queued & ~bit(STOP), queue);
        return queue.build();
    }

    /** A signal sent when memory or the queue's limit was exhausted is a bit and nothing else. */
    private static void unqueued(long signals, SignalQueueEntry.Builder queue) {
        for (long left = signals; left != 0; left &= left - 1) {
            byte[] number = ByteBuffer.allocate(Integer.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(Long.numberOfTrailingZeros(left) + 1)
                    .array();
            queue.addSignals(info(number));
        }
    }

    private static SiginfoEntry info(byte[] used) {
        byte[] whole = new byte[INFO_BYTES];
        System.arraycopy(used, 0, whole, 0, used.length);
        return SiginfoEntry.newBuilder()
                .setSiginfo(ByteString.copyFrom(whole))
                .build();
    }
}
