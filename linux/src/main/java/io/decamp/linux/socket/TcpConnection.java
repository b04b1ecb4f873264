package io.decamp.linux.socket;

import io.decamp.linux.abi.TcpAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.libc.SocketCalls;
import io.decamp.linux.libc.SyscallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteOrder;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * What the kernel knows of a TCP connection of this process: {@code getsockopt(TCP_INFO)}. The JDK does not tell the
 * descriptor of a channel, so it is looked for among this process's by the two addresses of the connection. It is
 * duplicated before they are compared, hence whoever closes the channel meanwhile can't make this another file; the
 * connection ends only when both are closed. Thread safe.
 */
public final class TcpConnection implements AutoCloseable {
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
    private static final ValueLayout.OfShort NETWORK_SHORT =
            ValueLayout.JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN);
    private static final int ADDRESS_BYTES = 16;

    /** A reading; the caller keeps one and has it filled again and again. */
    public static final class Reading {
        private long bytesAcked;
        private long busyMicros;

        /** Payload that the peer's kernel has acknowledged since the connection was made. */
        public long bytesAcked() {
            return bytesAcked;
        }

        public void set(long acked, long busy) {
            bytesAcked = acked;
            busyMicros = busy;
        }

        /**
         * How long something was on its way or waited to be, in microseconds; the kernel counts it in its clock ticks, 1 to
         * 10 ms each.
         */
        public long busyMicros() {
            return busyMicros;
        }
    }

    private final Arena arena = Arena.ofShared();
    private final MemorySegment info = arena.allocate(TcpAbi.INFO_BYTES, Long.BYTES);
    private final MemorySegment length = arena.allocate(ValueLayout.JAVA_INT);
    private final FileDescriptor descriptor;
    private boolean closed;

    private TcpConnection(FileDescriptor descriptor) {
        this.descriptor = descriptor;
    }

    /** @return empty when this process has no such connection, or the kernel tells too little of it */
    public static Optional<TcpConnection> find(InetSocketAddress local, InetSocketAddress remote) throws IOException {
        try (DirectoryStream<Path> all = Files.newDirectoryStream(DESCRIPTORS)) {
            for (Path entry : all) {
                if (isSocket(entry)) {
                    Optional<TcpConnection> found =
                            match(Integer.parseInt(entry.getFileName().toString()), local, remote);
                    if (found.isPresent()) {
                        return found;
                    }
                }
            }
        }
        return Optional.empty();
    }

    private static boolean isSocket(Path entry) {
        try {
            return Files.readSymbolicLink(entry).toString().startsWith("socket:");
        } catch (IOException closedMeanwhile) {
            return false;
        }
    }

    private static Optional<TcpConnection> match(int number, InetSocketAddress local, InetSocketAddress remote) {
        FileDescriptor copy;
        try {
            copy = FileDescriptor.own(FileCalls.duplicate(number), "TCP connection to " + remote);
        } catch (SyscallException closedMeanwhile) {
            return Optional.empty();
        }
        TcpConnection candidate = new TcpConnection(copy);
        try {
            if (candidate.isBetween(local, remote) && candidate.read(new Reading())) {
                return Optional.of(candidate);
            }
        } catch (RuntimeException e) {
            candidate.close();
            throw e;
        }
        candidate.close();
        return Optional.empty();
    }

    private boolean isBetween(InetSocketAddress local, InetSocketAddress remote) {
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment address = scratch.allocate(TcpAbi.IN6_BYTES, Integer.BYTES);
            return SocketCalls.localAddress(descriptor.number(), address.address(), room(TcpAbi.IN6_BYTES)) == 0
                    && is(address, local)
                    && SocketCalls.peerAddress(descriptor.number(), address.address(), room(TcpAbi.IN6_BYTES)) == 0
                    && is(address, remote);
        }
    }

    private long room(long bytes) {
        length.set(ValueLayout.JAVA_INT, 0, (int) bytes);
        return length.address();
    }

    private static boolean is(MemorySegment address, InetSocketAddress expected) {
        long family = address.get(ValueLayout.JAVA_SHORT, 0);
        if (Short.toUnsignedInt(address.get(NETWORK_SHORT, TcpAbi.IN_PORT)) != expected.getPort()) {
            return false;
        }
        byte[] bytes;
        if (family == TcpAbi.AF_INET) {
            bytes = address.asSlice(TcpAbi.IN_ADDRESS, Integer.BYTES).toArray(ValueLayout.JAVA_BYTE);
        } else if (family == TcpAbi.AF_INET6) {
            bytes = address.asSlice(TcpAbi.IN6_ADDRESS, ADDRESS_BYTES).toArray(ValueLayout.JAVA_BYTE);
        } else {
            return false;
        }
        try {
            // an IPv4 address that is mapped into IPv6 becomes itself again here
            return Arrays.equals(
                    InetAddress.getByAddress(bytes).getAddress(),
                    expected.getAddress().getAddress());
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address of " + bytes.length + " bytes", e);
        }
    }

    /** @return false when the connection is closed here, or the kernel is too old to count busy time */
    public synchronized boolean read(Reading into) {
        if (closed) {
            return false;
        }
        int result = SocketCalls.getOption(
                descriptor.number(), TcpAbi.IPPROTO_TCP, TcpAbi.TCP_INFO, info.address(), room(TcpAbi.INFO_BYTES));
        if (result < 0 || length.get(ValueLayout.JAVA_INT, 0) < TcpAbi.INFO_BYTES) {
            return false;
        }
        into.set(
                info.get(ValueLayout.JAVA_LONG, TcpAbi.INFO_BYTES_ACKED),
                info.get(ValueLayout.JAVA_LONG, TcpAbi.INFO_BUSY_TIME));
        return true;
    }

    /** Idempotent. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            descriptor.close();
            arena.close();
        }
    }
}
