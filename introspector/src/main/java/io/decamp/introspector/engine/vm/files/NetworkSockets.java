package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.criu.FdType;
import io.decamp.contracts.criu.InetSkEntry;
import io.decamp.contracts.criu.IpOptsEntry;
import io.decamp.contracts.criu.SkOptsEntry;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PidNumbers;
import java.util.Map;
import java.util.OptionalLong;

/**
 * TCP and UDP sockets without a connection's state: those that listen, are bound, or are new ({@code struct inet_sock},
 * include/net/inet_sock.h; criu/sk-inet.c). Connections, and sockets of other families, are refused by name.
 */
final class NetworkSockets {
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_DGRAM = 2;
    private static final int IPPROTO_TCP = 6;
    private static final int IPPROTO_UDP = 17;
    private static final int TCP_ESTABLISHED = 1;
    private static final int TCP_CLOSE = 7;
    private static final int TCP_LISTEN = 10;
    private static final int SHUT_BOTH = 3;
    private static final int PORT_MASK = 0xffff;

    private static final Map<Integer, String> OTHER_FAMILIES = Map.of(
            16, "a netlink socket",
            17, "a packet socket",
            38, "a socket of the kernel's ciphers",
            40, "a VM socket",
            44, "an XDP socket");

    private final FileTable table;
    private final PidNumbers pids;
    private final SocketOptions options;
    private final Refusals refusals;
    private int last;

    NetworkSockets(FileTable table, PidNumbers pids, SocketOptions options, Refusals refusals) {
        this.table = table;
        this.pids = pids;
        this.options = options;
        this.refusals = refusals;
    }

    /** @param socket the {@code struct socket}, of any family but AF_UNIX */
    void socket(int id, OpenFile file, KernelObject socket) {
        KernelObject sock = socket.follow("sk");
        int family = (int) sock.number("__sk_common.skc_family");
        int type = (int) socket.number("type");
        int protocol = (int) sock.number("sk_protocol");
        int state = (int) sock.number("__sk_common.skc_state");
        String unsupported = unsupported(family, type, protocol, state);
        if (unsupported != null) {
            refusals.kind(file, unsupported);
            return;
        }
        String hindrance = hindrance(sock, type, state);
        if (hindrance != null) {
            refusals.state(file, "is a socket of the network that " + hindrance);
        }
        InetSkEntry.Builder entry = InetSkEntry.newBuilder()
                .setId(id)
                .setIno(++last)
                .setFamily(family)
                .setType(type)
                .setProto(protocol)
                .setState(state)
                .setSrcPort((int) sock.number("__sk_common.skc_num"))
                .setDstPort(Short.reverseBytes((short) sock.number("__sk_common.skc_dport")) & PORT_MASK)
                .setFlags(file.flags())
                .setBacklog(state == TCP_LISTEN ? (int) sock.number("sk_max_ack_backlog") : 0)
                .setFown(file.owner(pids))
                .setOpts(socketOptions(socket, sock, type))
                .setIpOpts(ipOptions(sock));
        addresses(entry, sock, family);
        int shutdown = (int) sock.number("sk_shutdown") & SHUT_BOTH;
        if (type == SOCK_DGRAM && shutdown != 0) {
            entry.setShutdown(shutdown);
        }
        table.add(table.entry(FdType.INETSK, id).setIsk(entry));
    }

    private static String unsupported(int family, int type, int protocol, int state) {
        if (family != AF_INET && family != AF_INET6) {
            return OTHER_FAMILIES.getOrDefault(family, "a socket of address family " + family);
        }
        if (type == SOCK_STREAM && protocol == IPPROTO_TCP) {
            return state == TCP_LISTEN || state == TCP_CLOSE ? null : "a TCP connection";
        }
        if (type == SOCK_DGRAM && protocol == IPPROTO_UDP) {
            return state == TCP_CLOSE || state == TCP_ESTABLISHED ? null : "a UDP socket in state " + state;
        }
        return "a socket of type " + type + " and protocol " + protocol;
    }

    /** @return what criu's image can't say of it, or null */
    private String hindrance(KernelObject sock, int type, int state) {
        String unsupported = options.unsupported(sock);
        if (unsupported != null) {
            return unsupported;
        }
        if (state == TCP_LISTEN && sock.number("sk_ack_backlog") != 0) {
            return "has connections that were not accepted yet";
        }
        if (sock.as("inet_sock").number("mc_list") != 0) {
            return "is a member of multicast groups";
        }
        if (type == SOCK_STREAM && sock.as("tcp_sock").number("nonagle") != 0) {
            return "passes TCP_NODELAY or TCP_CORK on to its connections";
        }
        if (state == TCP_LISTEN
                && sock.as("inet_connection_sock").number("icsk_accept_queue.rskq_defer_accept") != 0) {
            return "defers accepting (TCP_DEFER_ACCEPT)";
        }
        if (type == SOCK_DGRAM && unread(sock)) {
            return "has datagrams that were not read yet";
        }
        if (type == SOCK_STREAM && state == TCP_CLOSE && SocketQueue.length(sock) != 0) {
            return "was closed by its peer, with bytes that were not read yet";
        }
        return null;
    }

    private static boolean unread(KernelObject sock) {
        return SocketQueue.length(sock) != 0 || sock.as("udp_sock").number("reader_queue.qlen") != 0;
    }

    private SkOptsEntry socketOptions(KernelObject socket, KernelObject sock, int type) {
        SkOptsEntry general = options.of(socket, sock);
        if (type != SOCK_STREAM) {
            return general;
        }
        KernelObject tcp = sock.as("tcp_sock");
        KernelObject network = sock.follow("__sk_common.skc_net.net");
        return general.toBuilder()
                .setTcpKeepcnt((int) ownOr(tcp, "keepalive_probes", network, "ipv4.sysctl_tcp_keepalive_probes"))
                .setTcpKeepidle((int) options.seconds(
                        ownOr(tcp, "keepalive_time", network, "ipv4.sysctl_tcp_keepalive_time")))
                .setTcpKeepintvl((int) options.seconds(
                        ownOr(tcp, "keepalive_intvl", network, "ipv4.sysctl_tcp_keepalive_intvl")))
                .build();
    }

    /** A socket's own figure, or else that of its network namespace. */
    private static long ownOr(KernelObject tcp, String own, KernelObject network, String general) {
        long figure = tcp.number(own);
        return figure != 0 ? figure : network.number(general);
    }

    /** A bit of a bitfield until 6.5, then one of inet_flags. */
    private static IpOptsEntry ipOptions(KernelObject sock) {
        KernelObject inet = sock.as("inet_sock");
        OptionalLong bit = sock.kernel().types().enumerator("INET_FLAGS_FREEBIND");
        boolean free = bit.isPresent() && inet.has("inet_flags")
                ? (inet.number("inet_flags") >>> bit.getAsLong() & 1) != 0
                : inet.number("freebind") != 0;
        return free
                ? IpOptsEntry.newBuilder().setFreebind(true).build()
                : IpOptsEntry.getDefaultInstance();
    }

    /** In network order, as they lie in memory. */
    private static void addresses(InetSkEntry.Builder entry, KernelObject sock, int family) {
        if (family == AF_INET) {
            entry.addSrcAddr((int) sock.number("__sk_common.skc_rcv_saddr"));
            entry.addDstAddr((int) sock.number("__sk_common.skc_daddr"));
            return;
        }
        entry.setV6Only(sock.number("__sk_common.skc_ipv6only") != 0);
        for (long word : sock.numbers("__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32")) {
            entry.addSrcAddr((int) word);
        }
        for (long word : sock.numbers("__sk_common.skc_v6_daddr.in6_u.u6_addr32")) {
            entry.addDstAddr((int) word);
        }
    }
}
