package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.VmaEntry;
import io.decamp.introspector.engine.vm.files.FileImages;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestVmas;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.image.Concerns;
import io.decamp.introspector.engine.vm.state.Mapping.Pages;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** A process's mappings as CRIU's image names them (criu/proc_parse.c, criu/include/image.h). One thread. */
final class Mappings {
    static final int REGULAR = 1;
    static final int VDSO = 1 << 3;
    static final int HEAP = 1 << 5;
    static final int FILE_PRIVATE = 1 << 6;
    static final int FILE_SHARED = 1 << 7;
    static final int ANON_PRIVATE = 1 << 9;
    static final int VVAR = 1 << 12;

    private static final int MAP_ANONYMOUS = 0x20;
    private static final int NO_FILE = -1;
    private static final int MAX_NAME = 32;
    private static final int S_IFMT = 0xf000;
    private static final int S_IFREG = 0x8000;

    private final GuestKernel kernel;
    private final GuestVmas vmas;
    private final FileImages files;
    private final Concerns concerns;
    private final long specialOperations;
    private final long ringOperations;
    private final long sharedMemoryMount;

    Mappings(GuestKernel kernel, FileImages files, Concerns concerns) {
        this.kernel = kernel;
        this.files = files;
        this.concerns = concerns;
        vmas = new GuestVmas(kernel);
        specialOperations = kernel.symbol("special_mapping_vmops");
        ringOperations = kernel.findSymbol("aio_ring_fops").orElse(0);
        OptionalLong mount = kernel.findSymbol("shm_mnt");
        sharedMemoryMount = mount.isPresent() ? kernel.u64(mount.getAsLong()) : 0;
    }

    /** @param pid for messages */
    List<Mapping> of(KernelObject mm, int pid) {
        List<Mapping> mappings = new ArrayList<>();
        for (KernelObject area : vmas.of(mm)) {
            mappings.add(one(area, mm, pid));
        }
        return mappings;
    }

    private Mapping one(KernelObject area, KernelObject mm, int pid) {
        long flags = area.number("vm_flags");
        VmaEntry.Builder entry = VmaEntry.newBuilder()
                .setStart(area.number("vm_start"))
                .setEnd(area.number("vm_end"))
                .setPgoff(0)
                .setShmid(0)
                .setProt(VmFlags.protection(flags))
                .setFlags(VmFlags.mapping(flags))
                .setFd(NO_FILE);
        if (VmFlags.advice(flags) != 0) {
            entry.setMadv(VmFlags.advice(flags));
        }
        check(area, flags, pid);
        Optional<KernelObject> file = area.tryFollow("vm_file");
        Pages pages;
        if (file.isPresent()) {
            pages = ofFile(entry, file.get(), area, flags, pid);
        } else if (area.number("vm_ops") == specialOperations) {
            pages = special(entry, area, pid);
        } else {
            pages = anonymous(entry, area, mm, flags, pid);
        }
        return new Mapping(area, entry.build(), pages);
    }

    private void check(KernelObject area, long flags, int pid) {
        if ((flags & VmFlags.HUGE_TLB) != 0) {
            refuse("vm-huge-tlb", area, pid, "huge pages of hugetlbfs", "Use transparent huge pages (madvise) instead");
        }
        if (VmFlags.unknown(flags) != 0) {
            refuse(
                    "vm-special-mapping",
                    area,
                    pid,
                    "a mapping with flags 0x" + Long.toHexString(VmFlags.unknown(flags)) + ", which are not known",
                    "Run a kernel that is known to work (docs/out-of-band.md lists them)");
        }
        Unrestored.warnOfMapping(flags, pid, concerns);
        if ((flags & VmFlags.SHADOW_STACK) != 0) {
            refuse("vm-cpu-state", area, pid, "a shadow stack", "Start it without (glibc.cpu.x86_shstk=off)");
        }
        if (area.has("vm_userfaultfd_ctx.ctx") && area.number("vm_userfaultfd_ctx.ctx") != 0) {
            refuse("vm-userfaultfd", area, pid, "memory under userfaultfd", "A workload that uses it can't be moved");
        }
    }

    private void refuse(String code, KernelObject area, int pid, String what, String advice) {
        concerns.refuse(
                code,
                "Process " + pid + " has " + what + " at 0x" + Long.toHexString(area.number("vm_start")),
                advice);
    }

    private Pages anonymous(VmaEntry.Builder entry, KernelObject area, KernelObject mm, long flags, int pid) {
        if ((flags & (VmFlags.IO | VmFlags.PFN_MAP | VmFlags.MIXED_MAP)) != 0) {
            refuse("vm-device-mapping", area, pid, "memory of a device", "Have it unmap the device");
        }
        if (VmFlags.isShared(flags)) {
            refuse("vm-shared-memory", area, pid, "shared memory without a file", "Use files on tmpfs instead");
        }
        boolean heap = entry.getStart() < mm.number("brk") && entry.getEnd() > mm.number("start_brk");
        entry.setFlags(entry.getFlags() | MAP_ANONYMOUS).setStatus(REGULAR | ANON_PRIVATE | (heap ? HEAP : 0));
        return Pages.ANONYMOUS;
    }

    /** What the kernel itself mapped at exec: the vDSO and its data. */
    private Pages special(VmaEntry.Builder entry, KernelObject area, int pid) {
        String name = kernel.object("vm_special_mapping", area.number("vm_private_data"))
                .text("name", MAX_NAME);
        entry.setFlags(entry.getFlags() | MAP_ANONYMOUS);
        switch (name) {
            case "[vdso]" -> {
                entry.setStatus(REGULAR | ANON_PRIVATE | VDSO);
                return Pages.VDSO;
            }
            case "[vvar]" -> entry.setStatus(REGULAR | ANON_PRIVATE | VVAR);
            default -> {
                refuse("vm-special-mapping", area, pid, "the kernel's mapping " + name, "Remove the probe that "
                        + "made it");
                entry.setStatus(REGULAR | ANON_PRIVATE);
            }
        }
        return Pages.ELSEWHERE;
    }

    private Pages ofFile(VmaEntry.Builder entry, KernelObject file, KernelObject area, long flags, int pid) {
        boolean shared = VmFlags.isShared(flags);
        entry.setPgoff(area.number("vm_pgoff") << 12)
                .setStatus(REGULAR | (shared ? FILE_SHARED : FILE_PRIVATE))
                .setFdflags(VmFlags.opening(flags));
        if (ringOperations != 0 && file.number("f_op") == ringOperations) {
            refuse("vm-aio", area, pid, "a ring of asynchronous I/O", "Have it use threads for its I/O");
        } else if (sharedMemoryMount != 0 && file.number("f_path.mnt") == sharedMemoryMount) {
            refuse("vm-shared-memory", area, pid, "shared memory without a file", "Use files on tmpfs instead");
        } else if ((flags & (VmFlags.IO | VmFlags.PFN_MAP | VmFlags.MIXED_MAP)) != 0 || !isRegular(file)) {
            // a file of a virtiofs with DAX is one too: pages of such mappings are not followed
            refuse("vm-device-mapping", area, pid, "memory of a device", "Have it unmap the device");
        } else {
            entry.setShmid(files.mapped(file, 0, "mapping of process " + pid));
            return shared ? Pages.ELSEWHERE : Pages.PRIVATE_FILE;
        }
        return Pages.ELSEWHERE;
    }

    private static boolean isRegular(KernelObject file) {
        return (file.follow("f_inode").number("i_mode") & S_IFMT) == S_IFREG;
    }
}
