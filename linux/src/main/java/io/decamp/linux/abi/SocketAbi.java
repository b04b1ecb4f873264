package io.decamp.linux.abi;

import static io.decamp.linux.abi.Struct.offset;
import static io.decamp.linux.abi.Struct.u16;
import static io.decamp.linux.abi.Struct.u32;
import static io.decamp.linux.abi.Struct.u64;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** sys/socket.h and sys/un.h. */
public final class SocketAbi {
    public static final long AF_UNIX = 1;
    public static final long SOCK_STREAM = 1;
    public static final long SOCK_SEQPACKET = 5;
    public static final long SOCK_CLOEXEC = 0x80000;
    public static final long SOCK_NONBLOCK = 0x800;
    public static final long SOL_SOCKET = 1;
    public static final long SO_PEERCRED = 17;
    public static final long SO_RCVTIMEO = 20;
    public static final long SO_SNDTIMEO = 21;
    public static final long SCM_RIGHTS = 1;
    public static final long MSG_CTRUNC = 0x08;
    public static final long MSG_TRUNC = 0x20;
    public static final long MSG_NOSIGNAL = 0x4000;
    public static final long MSG_CMSG_CLOEXEC = 0x40000000;
    public static final long SHUT_RD = 0;
    public static final long SHUT_WR = 1;
    public static final long SHUT_RDWR = 2;

    static final StructLayout sockaddr_un = Struct.of(
            "sockaddr_un",
            u16("sun_family"),
            MemoryLayout.sequenceLayout(108, ValueLayout.JAVA_BYTE).withName("sun_path"));
    static final StructLayout msghdr = Struct.of(
            "msghdr",
            u64("msg_name"),
            u32("msg_namelen"),
            MemoryLayout.paddingLayout(4),
            u64("msg_iov"),
            u64("msg_iovlen"),
            u64("msg_control"),
            u64("msg_controllen"),
            u32("msg_flags"),
            MemoryLayout.paddingLayout(4));
    static final StructLayout cmsghdr =
            Struct.of("cmsghdr", u64("cmsg_len"), u32("cmsg_level"), u32("cmsg_type"));
    static final StructLayout ucred = Struct.of("ucred", u32("pid"), u32("uid"), u32("gid"));
    static final List<StructLayout> LAYOUTS = List.of(sockaddr_un, msghdr, cmsghdr, ucred);

    public static final long SOCKADDR_UN_BYTES = sockaddr_un.byteSize();
    public static final long SUN_FAMILY = offset(sockaddr_un, "sun_family");
    public static final long SUN_PATH = offset(sockaddr_un, "sun_path");
    public static final long SUN_PATH_BYTES = SOCKADDR_UN_BYTES - SUN_PATH;
    public static final long MSGHDR_BYTES = msghdr.byteSize();
    public static final long MSG_IOV = offset(msghdr, "msg_iov");
    public static final long MSG_IOVLEN = offset(msghdr, "msg_iovlen");
    public static final long MSG_CONTROL = offset(msghdr, "msg_control");
    public static final long MSG_CONTROLLEN = offset(msghdr, "msg_controllen");
    public static final long MSG_FLAGS = offset(msghdr, "msg_flags");
    public static final long CMSGHDR_BYTES = cmsghdr.byteSize();
    public static final long CMSG_LEN = offset(cmsghdr, "cmsg_len");
    public static final long CMSG_LEVEL = offset(cmsghdr, "cmsg_level");
    public static final long CMSG_TYPE = offset(cmsghdr, "cmsg_type");
    public static final long UCRED_BYTES = ucred.byteSize();
    public static final long UCRED_PID = offset(ucred, "pid");
    public static final long UCRED_UID = offset(ucred, "uid");
    public static final long UCRED_GID = offset(ucred, "gid");

    private SocketAbi() {}
}
