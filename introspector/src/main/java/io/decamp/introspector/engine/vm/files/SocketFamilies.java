package io.decamp.introspector.engine.vm.files;

import io.decamp.introspector.engine.vm.guest.KernelObject;
import java.util.Map;

/** Sockets that are not carried, in words (include/linux/socket.h, include/net/tcp_states.h). */
final class SocketFamilies {
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_DGRAM = 2;
    private static final int TCP_LISTEN = 10;
    private static final int TCP_CLOSE = 7;
    private static final Map<Integer, String> OTHERS = Map.of(
            16, "a netlink socket", 17, "a packet socket", 38, "a socket of the kernel's ciphers", 40, "a VM socket",
            44, "an XDP socket");

    private SocketFamilies() {}

    static String words(int family, KernelObject socket) {
        if (family != AF_INET && family != AF_INET6) {
            return OTHERS.getOrDefault(family, "a socket of address family " + family);
        }
        int type = (int) socket.number("type");
        if (type == SOCK_DGRAM) {
            return "a UDP socket";
        }
        if (type != SOCK_STREAM) {
            return "a raw socket";
        }
        int state = (int) socket.follow("sk").number("__sk_common.skc_state");
        return switch (state) {
            case TCP_LISTEN -> "a TCP socket that listens";
            case TCP_CLOSE -> "a TCP socket that is not connected";
            default -> "a TCP connection";
        };
    }
}
