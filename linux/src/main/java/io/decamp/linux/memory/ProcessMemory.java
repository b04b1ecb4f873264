package io.decamp.linux.memory;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.libc.MemoryCalls;
import io.decamp.linux.libc.ProcessCalls;
import io.decamp.linux.libc.SyscallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The memory of another process. A copy is exact about how far it came; it is torn if the process writes meanwhile.
 * Reading a hole of private memory makes it a present zero page there: ask the page tables first.
 *
 * <p>process_vm_readv goes by PID, so each call ends with a look at the /proc/PID/pagemap opened at the beginning,
 * which stays with the old memory after an exec or exit: what was copied from a successor is reported as {@link
 * Outcome#GONE}.
 * Thread safe; does not allocate.
 */
public final class ProcessMemory implements AutoCloseable {
    /** Why a call returned. Where it stands is in the batch. */
    public enum Outcome {
        COMPLETE,
        /** Nothing is mapped at {@link IoBatch#remoteAddress}. {@link IoBatch#advance} goes on behind it. */
        UNMAPPED,
        /** The address space has ended (exit, exec): nothing of this call may be used. */
        GONE
    }

    /** Where {@link #isAlive} reads to; its content is of no interest, so all threads share it. */
    private static final MemorySegment PROBE = Arena.global().allocate(Long.BYTES, Long.BYTES);

    private final int pid;
    private final FileDescriptor mem;
    private final FileDescriptor pagemap;

    private ProcessMemory(int pid, FileDescriptor mem, FileDescriptor pagemap) {
        this.pid = pid;
        this.mem = mem;
        this.pagemap = pagemap;
    }

    /** @throws SyscallException ENOENT when there is no such process, EACCES without the right to trace it */
    public static ProcessMemory open(int pid) {
        FileDescriptor mem = FileDescriptor.open("/proc/" + pid + "/mem", FileAbi.O_RDWR, 0);
        try {
            FileDescriptor pagemap = FileDescriptor.open("/proc/" + pid + "/pagemap", FileAbi.O_RDONLY, 0);
            return new ProcessMemory(pid, mem, pagemap);
        } catch (RuntimeException e) {
            mem.close();
            throw e;
        }
    }

    /** Copies all that is left of the batch from the process to here. */
    public Outcome read(IoBatch batch) {
        return copy(batch, false);
    }

    /** Copies all that is left of the batch to the process. Private pages are copied on write; read-only ones too. */
    public Outcome write(IoBatch batch) {
        return copy(batch, true);
    }

    /** False once the address space that was opened has ended. */
    public boolean isAlive() {
        // A read of no byte would not look at the address space, one of pagemap's first entry does and costs no page.
        return FileCalls.pread(pagemap.number(), PROBE.address(), Long.BYTES, 0) > 0;
    }

    private Outcome copy(IoBatch batch, boolean write) {
        while (batch.leftBytes() > 0) {
            long done = vector(batch, write);
            if (done == -Errno.ESRCH) {
                return Outcome.GONE;
            }
            if (done == -Errno.EFAULT) {
                done = single(batch, write);
                if (done == 0) {
                    return Outcome.GONE;
                }
                if (done == -Errno.EIO) {
                    return isAlive() ? Outcome.UNMAPPED : Outcome.GONE;
                }
            }
            if (done < 0) {
                throw new SyscallException(
                        write ? "write of memory" : "read of memory",
                        (int) -done,
                        "pid " + pid + " at " + MemoryCalls.range(batch.remoteAddress(), batch.entryBytes()));
            }
            batch.advance(done);
        }
        return isAlive() ? Outcome.COMPLETE : Outcome.GONE;
    }

    private long vector(IoBatch batch, boolean write) {
        int entries = batch.leftEntries();
        return write
                ? ProcessCalls.writeMemory(pid, batch.localVector(), entries, batch.remoteVector(), entries)
                : ProcessCalls.readMemory(pid, batch.localVector(), entries, batch.remoteVector(), entries);
    }

    /** /proc/PID/mem passes over the protection of mappings (FOLL_FORCE), which process_vm_readv obeys. */
    private long single(IoBatch batch, boolean write) {
        return write
                ? FileCalls.pwrite(mem.number(), batch.localAddress(), batch.entryBytes(), batch.remoteAddress())
                : FileCalls.pread(mem.number(), batch.localAddress(), batch.entryBytes(), batch.remoteAddress());
    }

    @Override
    public void close() {
        mem.close();
        pagemap.close();
    }
}
