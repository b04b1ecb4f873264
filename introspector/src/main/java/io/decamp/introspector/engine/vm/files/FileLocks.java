package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.criu.FileLockEntry;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.image.ImageDirectory;
import io.decamp.introspector.engine.vm.image.ImageFile;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * flock(2) and fcntl(2) locks on files that are open ({@code struct file_lock}, include/linux/filelock.h;
 * criu/file-lock.c). Locks are per file: those of others on the same file are left out, leases and locks of
 * descriptions are refused.
 */
final class FileLocks {
    private static final int FL_POSIX = 1;
    private static final int FL_FLOCK = 2;
    private static final int FL_OFDLCK = 1024;
    private static final int MAX_LOCKS = 1 << 14;
    private static final long WHOLE_FILE = Long.MAX_VALUE;

    private final Refusals refusals;
    private final Map<Long, OpenFile> files = new LinkedHashMap<>();
    private final List<FileLockEntry> entries = new ArrayList<>();

    FileLocks(Refusals refusals) {
        this.refusals = refusals;
    }

    void watch(OpenFile file) {
        if (file.inode().kind() == Inode.S_IFREG) {
            files.putIfAbsent(file.inode().address(), file);
        }
    }

    /** When all tables are known. */
    void check(Descriptors descriptors) {
        for (OpenFile file : files.values()) {
            file.inode().object().tryFollow("i_flctx").ifPresent(locks -> {
                locks(locks, "flc_flock", file, descriptors);
                locks(locks, "flc_posix", file, descriptors);
                if (locks.number("flc_lease.next") != locks.addressOf("flc_lease")) {
                    refusals.state(file, "has a lease");
                }
            });
        }
    }

    private void locks(KernelObject context, String list, OpenFile file, Descriptors descriptors) {
        // since 6.9 what locks and leases share is a struct of its own
        boolean core = context.kernel().types().has("file_lock", "c.flc_list");
        String prefix = core ? "c.flc_" : "fl_";
        for (KernelObject lock : context.list(list, "file_lock", prefix + "list", MAX_LOCKS)) {
            int flags = (int) lock.number(prefix + "flags");
            long description = lock.number(prefix + "file");
            long owner = lock.number(prefix + "owner");
            boolean posix = (flags & FL_POSIX) != 0;
            Descriptors.Table holder = posix ? descriptors.table(owner) : descriptors.lowest(description);
            if ((flags & FL_OFDLCK) != 0) {
                if (descriptors.lowest(description) != null) {
                    refusals.state(file, "has a lock of its description (F_OFD_SETLK)");
                }
            } else if (holder != null) {
                int descriptor = holder.descriptor(description);
                if (descriptor < 0) {
                    refusals.state(file, "is locked by a descriptor that is another one by now");
                } else {
                    entries.add(entry(lock, prefix, posix, holder, descriptor));
                }
            }
        }
    }

    private static FileLockEntry entry(
            KernelObject lock, String prefix, boolean posix, Descriptors.Table holder, int descriptor) {
        long start = posix ? lock.number("fl_start") : 0;
        long end = lock.number("fl_end");
        return FileLockEntry.newBuilder()
                .setFlag(posix ? FL_POSIX : FL_FLOCK)
                .setType((int) lock.number(prefix + "type"))
                .setPid(holder.pid())
                .setFd(descriptor)
                .setStart(start)
                .setLen(!posix || end == WHOLE_FILE ? 0 : end - start + 1)
                .build();
    }

    void write(ImageDirectory images) {
        if (!entries.isEmpty()) {
            images.write(ImageFile.FILE_LOCKS, entries);
        }
    }
}
