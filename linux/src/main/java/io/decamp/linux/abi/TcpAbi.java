package io.decamp.linux.abi;

import static io.decamp.linux.abi.Struct.offset;
import static io.decamp.linux.abi.Struct.u16;
import static io.decamp.linux.abi.Struct.u32;
import static io.decamp.linux.abi.Struct.u64;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** linux/tcp.h and netinet/in.h. {@code tcp_info} grows from release to release; only what 5.4 had is described. */
public final class TcpAbi {
    public static final long AF_INET = 2;
    public static final long AF_INET6 = 10;
    public static final long IPPROTO_TCP = 6;
    public static final long TCP_INFO = 11;

    static final StructLayout sockaddr_in = Struct.of(
            "sockaddr_in",
            u16("sin_family"),
            u16("sin_port"),
            u32("sin_addr"),
            MemoryLayout.paddingLayout(8));
    static final StructLayout sockaddr_in6 = Struct.of(
            "sockaddr_in6",
            u16("sin6_family"),
            u16("sin6_port"),
            u32("sin6_flowinfo"),
            MemoryLayout.sequenceLayout(16, ValueLayout.JAVA_BYTE).withName("sin6_addr"),
            u32("sin6_scope_id"));

    /** The first fields are bit fields and counters that nobody here reads. */
    static final StructLayout tcp_info = Struct.of(
            "tcp_info",
            MemoryLayout.paddingLayout(120),
            u64("tcpi_bytes_acked"),
            MemoryLayout.paddingLayout(16),
            u32("tcpi_notsent_bytes"),
            u32("tcpi_min_rtt"),
            u32("tcpi_data_segs_in"),
            u32("tcpi_data_segs_out"),
            u64("tcpi_delivery_rate"),
            u64("tcpi_busy_time"),
            u64("tcpi_rwnd_limited"),
            u64("tcpi_sndbuf_limited"));

    static final List<StructLayout> LAYOUTS = List.of(sockaddr_in, sockaddr_in6, tcp_info);

    /** Of the part described here; a kernel with less of it (before 4.10) has no busy time. */
    public static final long INFO_BYTES = tcp_info.byteSize();

    public static final long INFO_BYTES_ACKED = offset(tcp_info, "tcpi_bytes_acked");
    public static final long INFO_BUSY_TIME = offset(tcp_info, "tcpi_busy_time");
    public static final long INFO_RWND_LIMITED = offset(tcp_info, "tcpi_rwnd_limited");
    public static final long INFO_SNDBUF_LIMITED = offset(tcp_info, "tcpi_sndbuf_limited");
    public static final long IN6_BYTES = sockaddr_in6.byteSize();
    public static final long IN_PORT = offset(sockaddr_in, "sin_port");
    public static final long IN_ADDRESS = offset(sockaddr_in, "sin_addr");
    public static final long IN6_ADDRESS = offset(sockaddr_in6, "sin6_addr");

    private TcpAbi() {}
}
