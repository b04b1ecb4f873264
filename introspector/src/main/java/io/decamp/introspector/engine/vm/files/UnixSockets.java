package io.decamp.introspector.engine.vm.files;

import com.google.protobuf.ByteString;
import io.decamp.contracts.criu.FdType;
import io.decamp.contracts.criu.FilePermsEntry;
import io.decamp.contracts.criu.SkPacketEntry;
import io.decamp.contracts.criu.UnixSkEntry;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PidNumbers;
import io.decamp.introspector.engine.vm.image.ImageDirectory;
import io.decamp.introspector.engine.vm.image.ImageFile;
import io.decamp.introspector.engine.vm.image.ImageWriter;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Unix sockets with their peers, names and queues ({@code struct unix_sock}, include/net/af_unix.h; criu/sk-unix.c and
 * sk-queue.c). Both ends of a connection must belong to the workload.
 */
final class UnixSockets {
    static final int SOCK_STREAM = 1;
    static final int SOCK_DGRAM = 2;
    static final int SOCK_SEQPACKET = 5;

    private static final int TCP_ESTABLISHED = 1;
    private static final int TCP_CLOSE = 7;
    private static final int TCP_LISTEN = 10;
    private static final int SHUT_BOTH = 3;

    /** sizeof(struct sockaddr_un) and its family in front of the name. */
    private static final int MAX_ADDRESS_BYTES = 110;

    private static final int FAMILY_BYTES = 2;

    private record Socket(int id, int number, OpenFile file, KernelObject sock, UnixSkEntry.Builder entry) {}

    private final FileTable table;
    private final PidNumbers pids;
    private final Names names;
    private final RegularFiles regular;
    private final SocketOptions options;
    private final SocketQueue queue;
    private final Refusals refusals;
    private final Map<Long, Socket> sockets = new HashMap<>();
    private final List<Socket> order = new ArrayList<>();

    UnixSockets(
            FileTable table,
            PidNumbers pids,
            Names names,
            RegularFiles regular,
            SocketOptions options,
            SocketQueue queue,
            Refusals refusals) {
        this.table = table;
        this.pids = pids;
        this.names = names;
        this.regular = regular;
        this.options = options;
        this.queue = queue;
        this.refusals = refusals;
    }

    /** @param socket the {@code struct socket}, whose family is AF_UNIX */
    void socket(int id, OpenFile file, KernelObject socket) {
        KernelObject sock = socket.follow("sk");
        int type = (int) socket.number("type");
        int state = (int) sock.number("__sk_common.skc_state");
        String unsupported = options.unsupported(sock);
        if (unsupported != null) {
            refusals.state(file, "is a unix socket that " + unsupported);
        }
        if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET) {
            refusals.kind(file, "a unix socket of type " + type);
        }
        int number = sockets.size() + 1;
        UnixSkEntry.Builder entry = UnixSkEntry.newBuilder()
                .setId(id)
                .setIno(number)
                .setType(type)
                .setState(state)
                .setFlags(file.flags())
                .setUflags(0)
                .setBacklog(state == TCP_LISTEN ? (int) sock.number("sk_max_ack_backlog") : 0)
                .setFown(file.owner(pids))
                .setOpts(options.of(socket, sock))
                .setName(ByteString.EMPTY);
        int shutdown = (int) sock.number("sk_shutdown") & SHUT_BOTH;
        if (shutdown != 0) {
            entry.setShutdown(shutdown);
        }
        KernelObject unix = sock.as("unix_sock");
        unix.tryFollow("addr").ifPresent(address -> name(entry, file, unix, address));
        Socket known = new Socket(id, number, file, sock, entry);
        sockets.put(sock.address(), known);
        order.add(known);
    }

    private void name(UnixSkEntry.Builder entry, OpenFile file, KernelObject unix, KernelObject address) {
        int length = (int) address.number("len");
        if (length <= FAMILY_BYTES || length > MAX_ADDRESS_BYTES) {
            return;
        }
        byte[] name = unix.kernel().bytes(address.addressOf("name") + FAMILY_BYTES, length - FAMILY_BYTES);
        entry.setName(ByteString.copyFrom(name));
        if (name[0] == 0) {
            return;
        }
        KernelObject path = unix.at("path");
        Inode inode = new Inode(path.follow("dentry").follow("d_inode"));
        entry.setFilePerms(FilePermsEntry.newBuilder()
                .setMode(inode.mode())
                .setUid(inode.uid())
                .setGid(inode.gid()));
        if (names.isUnlinked(path)) {
            entry.setDeleted(true);
        }
        String full = names.path(path);
        regular.requireDirectoryOf(full, file.user());
        if (name[0] != '/') {
            relative(entry, file, full, text(name));
        }
    }

    /** Bound by a path from the directory it worked in then: the part of the full path before that. */
    private void relative(UnixSkEntry.Builder entry, OpenFile file, String full, String name) {
        if (full.endsWith("/" + name)) {
            entry.setNameDir(full.substring(0, Math.max(1, full.length() - name.length() - 1)));
        } else {
            refusals.state(file, "is a unix socket bound as " + name + ", which is not the end of " + full);
        }
    }

    private static String text(byte[] name) {
        int length = name.length;
        while (length > 0 && name[length - 1] == 0) {
            length--;
        }
        return new String(name, 0, length, StandardCharsets.UTF_8);
    }

    /** When all sockets are known: peers, and what is on its way between them. */
    void join() {
        for (Socket socket : order) {
            int state = socket.entry().getState();
            Optional<KernelObject> peer = socket.sock().as("unix_sock").tryFollow("peer");
            Socket known = peer.map(p -> sockets.get(p.address())).orElse(null);
            if (peer.isPresent() && known == null) {
                refusals.peer(socket.file(), "is a unix socket that is connected to another");
            } else if (state == TCP_LISTEN && SocketQueue.length(socket.sock()) != 0) {
                refusals.state(socket.file(), "is a unix socket with connections that were not accepted yet");
            } else if (peer.isEmpty()
                    && state == TCP_ESTABLISHED
                    && socket.entry().getType() != SOCK_DGRAM
                    && socket.entry().getShutdown() != SHUT_BOTH) {
                refusals.state(socket.file(), "is a unix socket whose connection was not accepted yet");
            } else if (state != TCP_LISTEN && state != TCP_ESTABLISHED && state != TCP_CLOSE) {
                refusals.state(socket.file(), "is a unix socket in state " + state);
            }
            if (hasUrgent(socket.sock())) {
                refusals.state(socket.file(), "has urgent data on its way to it (MSG_OOB)");
            }
            if (state != TCP_LISTEN && queue.cargo(socket.sock()) == SocketQueue.Cargo.DESCRIPTORS) {
                refusals.state(socket.file(), "has descriptors on their way to it (SCM_RIGHTS)");
            }
            socket.entry().setPeer(known == null ? 0 : known.number());
            table.add(table.entry(FdType.UNIXSK, socket.id()).setUsk(socket.entry()));
        }
    }

    /** It lies in the queue as any other byte, and would be one. CONFIG_AF_UNIX_OOB. */
    private static boolean hasUrgent(KernelObject sock) {
        KernelObject unix = sock.as("unix_sock");
        return unix.has("oob_skb") && unix.number("oob_skb") != 0;
    }

    void write(ImageDirectory images) {
        if (order.isEmpty()) {
            return;
        }
        try (ImageWriter writer = images.open(ImageFile.SK_QUEUES)) {
            for (Socket socket : order) {
                if (socket.entry().getState() == TCP_LISTEN) {
                    continue;
                }
                boolean stream = socket.entry().getType() == SOCK_STREAM;
                for (SocketQueue.Message message : queue.messages(socket.sock(), stream)) {
                    writer.message(SkPacketEntry.newBuilder()
                            .setIdFor(socket.id())
                            .setLength(message.bytes().length)
                            .build());
                    writer.raw(MemorySegment.ofArray(message.bytes()));
                }
            }
        }
    }
}
