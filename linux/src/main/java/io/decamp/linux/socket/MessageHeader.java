package io.decamp.linux.socket;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.abi.SocketAbi;
import io.decamp.linux.fd.FileDescriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * A struct msghdr with one iovec and room for one SCM_RIGHTS message:
 *
 * <pre>
 *   msghdr -> iovec -> payload
 *          -> cmsghdr { len, SOL_SOCKET, SCM_RIGHTS } fd fd ... (rounded up to 8 bytes, CMSG_ALIGN)
 * </pre>
 */
final class MessageHeader {
    private final MemorySegment header;
    private final MemorySegment iovec;
    private final MemorySegment control;

    MessageHeader(Arena arena, int descriptorsMax) {
        header = arena.allocate(SocketAbi.MSGHDR_BYTES, 8);
        iovec = arena.allocate(FileAbi.IOVEC_BYTES, 8);
        header.set(ValueLayout.JAVA_LONG, SocketAbi.MSG_IOV, iovec.address());
        header.set(ValueLayout.JAVA_LONG, SocketAbi.MSG_IOVLEN, 1);
        long fds = (long) descriptorsMax * Integer.BYTES;
        long aligned = (fds + Long.BYTES - 1) / Long.BYTES * Long.BYTES;
        control = arena.allocate(SocketAbi.CMSGHDR_BYTES + aligned, 8);
        if (descriptorsMax > 0) {
            header.set(ValueLayout.JAVA_LONG, SocketAbi.MSG_CONTROL, control.address());
            header.set(ValueLayout.JAVA_LONG, SocketAbi.MSG_CONTROLLEN, control.byteSize());
        }
    }

    long address() {
        return header.address();
    }

    void payload(MemorySegment payload) {
        iovec.set(ValueLayout.JAVA_LONG, FileAbi.IOVEC_BASE, payload.address());
        iovec.set(ValueLayout.JAVA_LONG, FileAbi.IOVEC_LEN, payload.byteSize());
    }

    void attach(List<FileDescriptor> descriptors) {
        if (descriptors.isEmpty()) {
            return;
        }
        long bytes = SocketAbi.CMSGHDR_BYTES + (long) descriptors.size() * Integer.BYTES;
        control.set(ValueLayout.JAVA_LONG, SocketAbi.CMSG_LEN, bytes);
        control.set(ValueLayout.JAVA_INT, SocketAbi.CMSG_LEVEL, (int) SocketAbi.SOL_SOCKET);
        control.set(ValueLayout.JAVA_INT, SocketAbi.CMSG_TYPE, (int) SocketAbi.SCM_RIGHTS);
        for (int i = 0; i < descriptors.size(); i++) {
            long offset = SocketAbi.CMSGHDR_BYTES + (long) i * Integer.BYTES;
            control.set(ValueLayout.JAVA_INT, offset, descriptors.get(i).number());
        }
    }

    void detach() {
        header.set(ValueLayout.JAVA_LONG, SocketAbi.MSG_CONTROL, 0);
        header.set(ValueLayout.JAVA_LONG, SocketAbi.MSG_CONTROLLEN, 0);
    }

    boolean isTruncated() {
        int flags = header.get(ValueLayout.JAVA_INT, SocketAbi.MSG_FLAGS);
        return (flags & (SocketAbi.MSG_TRUNC | SocketAbi.MSG_CTRUNC)) != 0;
    }

    /** The descriptors of a received message; from now on they are somebody's. */
    List<FileDescriptor> received(String from) {
        List<FileDescriptor> descriptors = new ArrayList<>();
        long length = header.get(ValueLayout.JAVA_LONG, SocketAbi.MSG_CONTROLLEN);
        if (length < SocketAbi.CMSGHDR_BYTES
                || control.get(ValueLayout.JAVA_INT, SocketAbi.CMSG_LEVEL) != SocketAbi.SOL_SOCKET
                || control.get(ValueLayout.JAVA_INT, SocketAbi.CMSG_TYPE) != SocketAbi.SCM_RIGHTS) {
            return descriptors;
        }
        long end = control.get(ValueLayout.JAVA_LONG, SocketAbi.CMSG_LEN);
        for (long offset = SocketAbi.CMSGHDR_BYTES; offset + Integer.BYTES <= end; offset += Integer.BYTES) {
            descriptors.add(FileDescriptor.own(control.get(ValueLayout.JAVA_INT, offset), "received on " + from));
        }
        return descriptors;
    }
}
