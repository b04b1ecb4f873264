package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.criu.SkOptsEntry;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import java.util.OptionalLong;

/** What getsockopt(2) says at level SOL_SOCKET ({@code struct sock}, include/net/sock.h; criu/sockets.c). */
final class SocketOptions {
    // enum sock_flags, in this order since the option exists
    private static final int SOCK_URGINLINE = 2;
    private static final int SOCK_KEEPOPEN = 3;
    private static final int SOCK_LINGER = 4;
    private static final int SOCK_BROADCAST = 6;
    private static final int SOCK_LOCALROUTE = 13;

    // flags of struct socket, include/linux/net.h
    private static final int SOCK_PASSCRED = 3;
    private static final int SOCK_PASSSEC = 4;

    /** SOCK_SNDBUF_LOCK and SOCK_RCVBUF_LOCK. */
    private static final int BUFFER_LOCKS = 3;

    private static final long MICROS_PER_SECOND = 1_000_000;
    private static final long NANOS_PER_MICRO = 1_000;
    private static final long MAX_SCHEDULE_TIMEOUT = Long.MAX_VALUE;
    /** 68 years of the fastest clock, HZ=1000. */
    private static final long MAX_TICKS = 1L << 31;
    /** HZ=100 is the slowest. */
    private static final long MAX_NANOS_PER_TICK = 10_000_000;

    private final OptionalLong nanosPerTick;

    SocketOptions(GuestKernel kernel) {
        OptionalLong symbol = kernel.findSymbol("tick_nsec");
        this.nanosPerTick = symbol.isPresent() ? OptionalLong.of(kernel.u64(symbol.getAsLong())) : symbol;
    }

    /** @return why these options can't be carried, or null */
    String unsupported(KernelObject sock) {
        if (sock.number("sk_filter") != 0) {
            return "has a packet filter (SO_ATTACH_FILTER)";
        }
        if (sock.number("__sk_common.skc_bound_dev_if") != 0) {
            return "is bound to a network device (SO_BINDTODEVICE)";
        }
        if (nanosPerTick.isEmpty() && (timed(sock, "sk_sndtimeo") || timed(sock, "sk_rcvtimeo"))) {
            return "has a time-out in ticks, whose length this kernel does not tell";
        }
        return null;
    }

    private static boolean timed(KernelObject sock, String member) {
        long ticks = sock.number(member);
        return ticks != MAX_SCHEDULE_TIMEOUT && ticks != 0;
    }

    SkOptsEntry of(KernelObject socket, KernelObject sock) {
        long flags = sock.number("__sk_common.skc_flags");
        long socketFlags = socket.number("flags");
        long sendMicros = micros(sock.number("sk_sndtimeo"));
        long receiveMicros = micros(sock.number("sk_rcvtimeo"));
        SkOptsEntry.Builder options = SkOptsEntry.newBuilder()
                .setSoSndbuf((int) sock.number("sk_sndbuf"))
                .setSoRcvbuf((int) sock.number("sk_rcvbuf"))
                .setSoSndTmoSec(sendMicros / MICROS_PER_SECOND)
                .setSoSndTmoUsec(sendMicros % MICROS_PER_SECOND)
                .setSoRcvTmoSec(receiveMicros / MICROS_PER_SECOND)
                .setSoRcvTmoUsec(receiveMicros % MICROS_PER_SECOND)
                .setReuseaddr(sock.number("__sk_common.skc_reuse") != 0)
                .setSoReuseport(sock.number("__sk_common.skc_reuseport") != 0)
                .setSoPriority((int) sock.number("sk_priority"))
                .setSoRcvlowat((int) sock.number("sk_rcvlowat"))
                .setSoMark((int) sock.number("sk_mark"))
                .setSoPasscred(bit(socketFlags, SOCK_PASSCRED))
                .setSoPasssec(bit(socketFlags, SOCK_PASSSEC))
                .setSoDontroute(bit(flags, SOCK_LOCALROUTE))
                .setSoNoCheck(sock.number("sk_no_check_tx") != 0)
                .setSoBroadcast(bit(flags, SOCK_BROADCAST))
                .setSoKeepalive(bit(flags, SOCK_KEEPOPEN))
                .setSoOobinline(bit(flags, SOCK_URGINLINE) ? 1 : 0)
                .setSoBufLock((int) sock.number("sk_userlocks") & BUFFER_LOCKS);
        if (bit(flags, SOCK_LINGER)) {
            options.setSoLinger((int) (micros(sock.number("sk_lingertime")) / MICROS_PER_SECOND));
        }
        return options.build();
    }

    private static boolean bit(long flags, int bit) {
        return (flags >>> bit & 1) != 0;
    }

    /** @param ticks of the kernel's clock; 0 if this kernel does not tell how long they are */
    long seconds(long ticks) {
        return micros(ticks) / MICROS_PER_SECOND;
    }

    private long micros(long ticks) {
        if (ticks == MAX_SCHEDULE_TIMEOUT || ticks <= 0 || nanosPerTick.isEmpty()) {
            return 0;
        }
        long length = nanosPerTick.getAsLong();
        if (ticks > MAX_TICKS || length <= 0 || length > MAX_NANOS_PER_TICK) {
            throw new GuestFault(Reason.BOUND, "A time-out has " + ticks + " ticks of " + length + " ns");
        }
        return ticks * length / NANOS_PER_MICRO;
    }
}
