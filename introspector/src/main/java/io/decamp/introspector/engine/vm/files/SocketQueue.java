package io.decamp.introspector.engine.vm.files;

import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The receive queue of a unix socket: {@code sk_buff_head} and {@code struct sk_buff} (include/linux/skbuff.h). Bytes
 * lie behind {@code data}, then in the fragments that {@code skb_shared_info} lists.
 */
final class SocketQueue {
    /** net.core.wmem_max lets an unprivileged process have a few thousand messages in flight. */
    private static final int MAX_MESSAGES = 1 << 16;

    /** A message of a unix socket is refused by the kernel above SO_SNDBUF; root may raise it to this. */
    private static final int MAX_MESSAGE_BYTES = 64 << 20;

    /** What one socket may have unread: SO_RCVBUF and what its peers' SO_SNDBUF add stay far below this. */
    private static final long MAX_QUEUE_BYTES = 256 << 20;

    /** MAX_SKB_FRAGS can be configured up to 45. */
    private static final int MAX_FRAGMENTS = 45;

    /** One message, or one piece of a stream. */
    record Message(byte[] bytes) {}

    /** What the queue holds besides bytes. */
    enum Cargo {
        BYTES,
        DESCRIPTORS
    }

    private final Frames frames;

    SocketQueue(Frames frames) {
        this.frames = frames;
    }

    static int length(KernelObject sock) {
        return (int) sock.number("sk_receive_queue.qlen");
    }

    Cargo cargo(KernelObject sock) {
        for (KernelObject buffer : buffers(sock)) {
            if (control(buffer).number("fp") != 0) {
                return Cargo.DESCRIPTORS;
            }
        }
        return Cargo.BYTES;
    }

    /** @param stream what was read of the first piece is left out, and empty pieces are */
    List<Message> messages(KernelObject sock, boolean stream) {
        List<Message> messages = new ArrayList<>();
        long total = 0;
        for (KernelObject buffer : buffers(sock)) {
            byte[] bytes = bytes(buffer);
            total += bytes.length;
            if (total > MAX_QUEUE_BYTES) {
                throw new GuestFault(Reason.BOUND, "A socket's queue has more than " + MAX_QUEUE_BYTES + " bytes");
            }
            int read = stream ? (int) control(buffer).number("consumed") : 0;
            if (read < 0 || read > bytes.length) {
                throw new GuestFault(Reason.BOUND, read + " of the " + bytes.length + " bytes of a message were read");
            }
            if (!stream || read < bytes.length) {
                messages.add(new Message(read == 0 ? bytes : Arrays.copyOfRange(bytes, read, bytes.length)));
            }
        }
        return messages;
    }

    /** The list ends where it began, at the head: both begin with next and prev. */
    private static List<KernelObject> buffers(KernelObject sock) {
        List<KernelObject> buffers = new ArrayList<>();
        long head = sock.addressOf("sk_receive_queue");
        long next = sock.number("sk_receive_queue.next");
        while (next != head) {
            if (buffers.size() >= MAX_MESSAGES) {
                throw new GuestFault(Reason.BOUND, "A socket's queue has more than " + MAX_MESSAGES + " messages");
            }
            KernelObject buffer = sock.kernel().object("sk_buff", next);
            buffers.add(buffer);
            next = buffer.number("next");
        }
        return buffers;
    }

    /** UNIXCB of net/unix. */
    private static KernelObject control(KernelObject buffer) {
        return buffer.kernel().object("unix_skb_parms", buffer.addressOf("cb"));
    }

    private byte[] bytes(KernelObject buffer) {
        int length = (int) buffer.number("len");
        int inFragments = (int) buffer.number("data_len");
        if (length < 0 || length > MAX_MESSAGE_BYTES || inFragments < 0 || inFragments > length) {
            throw new GuestFault(Reason.BOUND, "A message has " + length + " bytes, " + inFragments + " in fragments");
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(length);
        bytes.writeBytes(buffer.kernel().bytes(buffer.number("data"), length - inFragments));
        if (inFragments > 0) {
            fragments(buffer, bytes);
        }
        if (bytes.size() != length) {
            throw new GuestFault(Reason.BOUND, "A message has " + bytes.size() + " bytes instead of " + length);
        }
        return bytes.toByteArray();
    }

    private void fragments(KernelObject buffer, ByteArrayOutputStream bytes) {
        KernelObject shared = buffer.kernel().object("skb_shared_info", buffer.number("head") + buffer.number("end"));
        int count = (int) shared.number("nr_frags");
        if (count > MAX_FRAGMENTS || shared.number("frag_list") != 0) {
            throw new GuestFault(Reason.BOUND, "A message has " + count + " fragments, or a list of them");
        }
        for (int i = 0; i < count; i++) {
            KernelObject fragment = shared.element("frags", i);
            // a bio_vec until 6.8
            boolean vector = fragment.has("bv_page");
            long page = fragment.number(vector ? "bv_page" : "netmem");
            long offset = fragment.number(vector ? "bv_offset" : "offset");
            long length = fragment.number(vector ? "bv_len" : "len");
            if (length > MAX_MESSAGE_BYTES) {
                throw new GuestFault(Reason.BOUND, "A fragment of a message has " + length + " bytes");
            }
            MemorySegment memory = frames.bytes(page, offset, length);
            bytes.writeBytes(memory.toArray(ValueLayout.JAVA_BYTE));
        }
    }
}
