package io.decamp.linux.socket;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.abi.SocketAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.libc.SocketCalls;
import io.decamp.linux.libc.SyscallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A connected UNIX socket that passes descriptors along with bytes, which the JDK's can't. Blocking. One thread may
 * send
 * while another one receives.
 */
public final class UnixSocket implements AutoCloseable {
    /** Whether the boundaries of messages are kept. */
    public enum Type {
        STREAM(SocketAbi.SOCK_STREAM),
        SEQPACKET(SocketAbi.SOCK_SEQPACKET);

        private final long value;

        Type(long value) {
            this.value = value;
        }

        long value() {
            return value;
        }
    }

    /** Two ends of one connection. */
    public record Pair(UnixSocket first, UnixSocket second) implements AutoCloseable {
        @Override
        public void close() {
            first.close();
            second.close();
        }
    }

    private final Type type;
    private final FileDescriptor descriptor;

    UnixSocket(Type type, FileDescriptor descriptor) {
        this.type = type;
        this.descriptor = descriptor;
    }

    public static UnixSocket connect(Path path, Type type) {
        FileDescriptor descriptor = FileDescriptor.own(SocketCalls.socket(type.value()), "connection to " + path);
        try {
            SocketCalls.connect(descriptor.number(), path.toString());
            return new UnixSocket(type, descriptor);
        } catch (RuntimeException e) {
            descriptor.close();
            throw e;
        }
    }

    public static Pair pair(Type type) {
        int[] two = SocketCalls.pair(type.value());
        return new Pair(
                new UnixSocket(type, FileDescriptor.own(two[0], "first of a socket pair")),
                new UnixSocket(type, FileDescriptor.own(two[1], "second of a socket pair")));
    }

    /** Takes over a descriptor that is a connected UNIX socket of that type. */
    public static UnixSocket of(FileDescriptor descriptor, Type type) {
        return new UnixSocket(type, descriptor);
    }

    public FileDescriptor descriptor() {
        return descriptor;
    }

    /** Sends all bytes. */
    public void send(byte[] bytes) {
        send(bytes, List.of());
    }

    /**
     * Sends all bytes, and with the first of them the descriptors, which stay ours too.
     *
     * @throws SyscallException EPIPE when the other end is closed, EMSGSIZE for too long a packet, EAGAIN when a limit
     *     set by {@link #limitWaits} is over
     */
    public void send(byte[] bytes, List<FileDescriptor> descriptors) {
        if (bytes.length == 0) {
            throw new IllegalArgumentException("a message needs a byte: the end of a stream reads as none");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment payload = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            MessageHeader header = new MessageHeader(arena, descriptors.size());
            header.attach(descriptors);
            long done = 0;
            while (done < bytes.length) {
                header.payload(payload.asSlice(done));
                long sent = SocketCalls.send(descriptor.number(), header.address(), SocketAbi.MSG_NOSIGNAL);
                if (sent < 0) {
                    throw new SyscallException("sendmsg", (int) -sent, descriptor + ", " + bytes.length + " bytes");
                }
                header.detach();
                done += sent;
            }
        }
    }

    /** {@link #receive(int, int)} without descriptors. */
    public Received receive(int capacityBytes) {
        return receive(capacityBytes, 0);
    }

    /**
     * Waits for one packet, or whatever a stream has next.
     *
     * @return with no byte at the end of the connection
     * @throws SyscallException EAGAIN when a limit set by {@link #limitWaits} is over, ECONNRESET
     * @throws IllegalStateException when the packet is longer or brings more descriptors; those that came are closed
     */
    public Received receive(int capacityBytes, int descriptorsMax) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment payload = arena.allocate(capacityBytes);
            MessageHeader header = new MessageHeader(arena, descriptorsMax);
            header.payload(payload);
            long got = SocketCalls.receive(descriptor.number(), header.address(), SocketAbi.MSG_CMSG_CLOEXEC);
            if (got < 0) {
                throw new SyscallException("recvmsg", (int) -got, descriptor.toString());
            }
            byte[] bytes = payload.asSlice(0, got).toArray(ValueLayout.JAVA_BYTE);
            Received received = new Received(bytes, header.received(descriptor.toString()));
            if (header.isTruncated()) {
                received.close();
                throw new IllegalStateException("message on " + descriptor + " is longer than " + capacityBytes
                        + " bytes or has more than " + descriptorsMax + " descriptors");
            }
            return received;
        }
    }

    /** Reads exactly that many bytes of a stream. @throws IllegalStateException when it ends before */
    public byte[] receiveFully(int bytes) {
        byte[] all = new byte[bytes];
        int done = 0;
        while (done < bytes) {
            byte[] part = receive(bytes - done).bytes();
            if (part.length == 0) {
                throw new IllegalStateException(descriptor + " ended after " + done + " of " + bytes + " bytes");
            }
            System.arraycopy(part, 0, all, done, part.length);
            done += part.length;
        }
        return all;
    }

    /** @return false when nothing came within {@code limit}; the end of the connection is something */
    public boolean awaitReadable(Duration limit) {
        return FileCalls.poll(descriptor.number(), FileAbi.POLLIN, (int) limit.toMillis()) != 0;
    }

    /** Bounds each later send and receive, which then fail with EAGAIN. Zero: no limit. */
    public void limitWaits(Duration limit) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment timeval = arena.allocateFrom(
                    ValueLayout.JAVA_LONG, limit.toSeconds(), limit.toNanosPart() / 1000L);
            SocketCalls.setOption(descriptor.number(), SocketAbi.SO_RCVTIMEO, timeval);
            SocketCalls.setOption(descriptor.number(), SocketAbi.SO_SNDTIMEO, timeval);
        }
    }

    public PeerCredentials peer() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ucred = arena.allocate(SocketAbi.UCRED_BYTES, 4);
            SocketCalls.getOption(descriptor.number(), SocketAbi.SO_PEERCRED, ucred);
            return new PeerCredentials(
                    ucred.get(ValueLayout.JAVA_INT, SocketAbi.UCRED_PID),
                    ucred.get(ValueLayout.JAVA_INT, SocketAbi.UCRED_UID),
                    ucred.get(ValueLayout.JAVA_INT, SocketAbi.UCRED_GID));
        }
    }

    public Type type() {
        return type;
    }

    /** Ends both directions, also for a thread that waits in {@link #receive}. */
    public void shutdown() {
        SocketCalls.shutdown(descriptor.number(), SocketAbi.SHUT_RDWR);
    }

    @Override
    public void close() {
        descriptor.close();
    }
}
