package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.criu.FownEntry;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PidNumbers;
import java.util.Optional;

/**
 * An open file description, {@code struct file} (include/linux/fs.h).
 *
 * @param user who has it, for messages: {@code descriptor 3 of process 7}
 */
record OpenFile(KernelObject file, Inode inode, String user) {
    static final int O_WRONLY = 1;
    static final int O_RDWR = 2;
    static final int O_APPEND = 02000;
    static final int O_DIRECT = 040000;
    static final int O_PATH = 010000000;

    /** O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC and O_CLOEXEC act once, and {@code __FMODE_EXEC} is the kernel's own. */
    private static final int FLAGS_THAT_DO_NOT_STAY = 0100 | 0200 | 0400 | 01000 | 02000000 | 0x20;

    private static final int O_TMPFILE = 020200000;
    private static final int FMODE_WRITE = 2;

    static OpenFile of(KernelObject file, String user) {
        return new OpenFile(file, new Inode(file.follow("f_inode")), user);
    }

    long address() {
        return file.address();
    }

    /** As fcntl(F_GETFL) gives them, with O_LARGEFILE. */
    int flags() {
        int flags = (int) file.number("f_flags") & ~FLAGS_THAT_DO_NOT_STAY;
        return (flags & O_TMPFILE) == O_TMPFILE ? flags & ~O_TMPFILE : flags;
    }

    long position() {
        return file.number("f_pos");
    }

    boolean isWritable() {
        return (file.number("f_mode") & FMODE_WRITE) != 0;
    }

    /** What the file's own operations keep for it, taken as {@code type}. */
    KernelObject privateData(String type) {
        return file.kernel().object(type, file.number("private_data"));
    }

    /** Who gets its signals. @param pids numbers of the workload's own PID namespace */
    FownEntry owner(PidNumbers pids) {
        FownEntry.Builder entry = FownEntry.newBuilder()
                .setUid(0)
                .setEuid(0)
                .setSignum(0)
                .setPidType(0)
                .setPid(0);
        Optional<KernelObject> owner = fown();
        if (owner.isEmpty()) {
            return entry.build();
        }
        entry.setSignum((int) owner.get().number("signum"));
        Optional<KernelObject> pid = owner.get().tryFollow("pid");
        if (pid.isPresent()) {
            entry.setPid(pids.ofPid(pid.get()))
                    .setPidType((int) owner.get().number("pid_type"))
                    .setUid((int) owner.get().number("uid.val"))
                    .setEuid((int) owner.get().number("euid.val"));
        }
        return entry.build();
    }

    /** Part of the file until 6.11, allocated with the first owner since 6.12. */
    private Optional<KernelObject> fown() {
        return file.has("f_owner.signum") ? Optional.of(file.at("f_owner")) : file.tryFollow("f_owner");
    }
}
