package io.decamp.linux.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import io.decamp.contracts.error.DecampException;
import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.SyscallException;
import io.decamp.linux.pid.PidFd;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.proc.MapsParser;
import io.decamp.linux.proc.Vma;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A QEMU process and the file that is its guest's memory. The file is opened through the mapping that QEMU has of it
 * (/proc/PID/map_files), so that a memfd, a deleted file and one in another mount namespace are all right. A pidfd is
 * held: once QEMU has ended nothing here answers for a later process. Thread safe.
 */
public final class QemuRam implements AutoCloseable {
    private static final Pattern HOST_ADDRESS = Pattern.compile("\\((.+)\\) is (?:0x)?([0-9a-f]+)");

    private final String vm;
    private final String block;
    private final PidFd process;
    private final ProcessIdentity identity;
    private final long hostAddress;
    private final long bytes;
    private final FileDescriptor file;

    private QemuRam(
            String vm,
            String block,
            PidFd process,
            ProcessIdentity identity,
            long hostAddress,
            long bytes,
            FileDescriptor file) {
        this.vm = vm;
        this.block = block;
        this.process = process;
        this.identity = identity;
        this.hostAddress = hostAddress;
        this.bytes = bytes;
        this.file = file;
    }

    /**
     * @param vm named in errors
     * @throws DecampException {@code vm-not-qemu}, {@code vm-ram-not-shared}, {@code vm-gone}
     */
    public static QemuRam find(String vm, Qmp qmp) {
        Matcher host = HOST_ADDRESS.matcher(qmp.hmp("gpa2hva 0x0"));
        if (!host.find()) {
            throw DecampException.refused(
                    "vm-ram-not-shared",
                    "VM " + vm + " has no memory at address 0",
                    "Only machine types with ordinary memory (pc, q35) can be looked into");
        }
        requireShared(vm, qmp, host.group(1));
        int pid = qmp.peer().pid();
        PidFd process = pid <= 0 ? null : PidFd.find(pid).orElse(null);
        if (process == null) {
            throw DecampException.refused(
                    "vm-not-qemu",
                    "Who listens at the monitor socket of VM " + vm + " is no process that can be seen from here",
                    "Run the node in the PID namespace of QEMU's host");
        }
        try {
            ProcessIdentity identity =
                    ProcessIdentity.of(pid).filter(one -> !process.hasExited()).orElseThrow(() -> gone(vm));
            return open(vm, host.group(1), process, identity, Long.parseUnsignedLong(host.group(2), 16));
        } catch (RuntimeException e) {
            process.close();
            throw e;
        }
    }

    /** What QEMU says of its own: it names an unshared default memory as well. */
    private static void requireShared(String vm, Qmp qmp, String block) {
        for (JsonNode backend : qmp.execute("query-memdev")) {
            String id = backend.path("id").asText();
            boolean named = id.equals(block) || block.endsWith("/" + id);
            if (named && !backend.path("share").asBoolean()) {
                throw notShared(vm, "backend '" + block + "' is private to QEMU");
            }
        }
    }

    private static QemuRam open(String vm, String block, PidFd process, ProcessIdentity identity, long address) {
        List<Vma> vmas = MapsParser.ofProcess(identity.pid()).orElseThrow(() -> gone(vm));
        Vma first = vmas.stream()
                .filter(vma -> vma.contains(address))
                .findFirst()
                .orElseThrow(() -> DecampException.refused(
                        "vm-not-qemu",
                        "Process " + identity.pid() + " at the monitor socket of " + vm + " does not hold its memory",
                        "Have QEMU itself make the socket: -qmp unix:PATH,server=on,wait=off"));
        if (!first.shared() || first.inode() == 0) {
            throw notShared(vm, "QEMU maps it as " + first);
        }
        if (first.start() != address || first.offset() != 0) {
            throw DecampException.refused(
                    "vm-ram-layout",
                    "Memory of VM " + vm + " does not begin where its file begins: " + first,
                    "Give the memory backend a file of its own, without offset");
        }
        long end = first.end();
        // madvise and mbind of a part split a mapping into several
        for (Vma vma : vmas) {
            if (vma.start() == end && vma.inode() == first.inode() && vma.offset() == end - address) {
                end = vma.end();
            }
        }
        String mapped = "/proc/" + identity.pid() + "/map_files/" + Long.toHexString(first.start()) + "-"
                + Long.toHexString(first.end());
        try {
            FileDescriptor file = FileDescriptor.open(mapped, FileAbi.O_RDWR, 0);
            return new QemuRam(vm, block, process, identity, address, end - address, file);
        } catch (SyscallException e) {
            throw process.hasExited()
                    ? gone(vm)
                    : DecampException.refused(
                            "vm-ram-not-readable",
                            "Memory file of VM " + vm + " can't be opened (" + e.getMessage() + ")",
                            "Run the node as root of the host, with CAP_SYS_ADMIN");
        }
    }

    public String vm() {
        return vm;
    }

    public ProcessIdentity process() {
        return identity;
    }

    /** Where QEMU has byte 0 of the file mapped. */
    public long hostAddress() {
        return hostAddress;
    }

    /** Of the mapping, and of the file. */
    public long bytes() {
        return bytes;
    }

    /** The file by a path that is good in this process as long as this is open. */
    public Path path() {
        return Path.of("/proc/self/fd/" + file.number());
    }

    /** Name of the memory backend, as QEMU's memory tree has it. */
    public String block() {
        return block;
    }

    public boolean hasExited() {
        return process.hasExited();
    }

    /** @throws DecampException {@code vm-gone} */
    public void requireAlive() {
        if (process.hasExited()) {
            throw gone();
        }
    }

    /** For who finds that QEMU's memory is no more: it is ending, even if it can still be seen. */
    public DecampException gone() {
        return gone(vm);
    }

    @Override
    public void close() {
        file.close();
        process.close();
    }

    private static DecampException gone(String vm) {
        return DecampException.abort(
                "vm-gone",
                "The QEMU process of VM " + vm + " has ended, and with it all that ran inside",
                "Start the VM and its workloads again, then protect them anew",
                null);
    }

    private static DecampException notShared(String vm, String why) {
        return DecampException.refused(
                "vm-ram-not-shared",
                "Memory of VM " + vm + " is not shared: " + why,
                "Start it with -object memory-backend-memfd,id=ram,size=SIZE,share=on -machine memory-backend=ram");
    }
}
