package io.decamp.linux.probe;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What Decamp may need of a kernel, each with a probe that tries it (never asks for the version). A probe acts on this
 * process only and leaves nothing behind; its result is kept, as it does not change while a kernel runs.
 */
public enum KernelFeature {
    USERFAULTFD_USER_MODE(5, 11, true, "userfaultfd(UFFD_USER_MODE_ONLY)", MemoryProbes::userfaultfd),
    UFFD_WRITE_PROTECT_ASYNC(6, 7, true, "UFFD_FEATURE_WP_ASYNC", MemoryProbes::writeProtectAsync),
    PAGEMAP_SCAN(6, 7, true, "ioctl PAGEMAP_SCAN", MemoryProbes::pagemapScan),
    PAGE_FRAME_NUMBERS(2, 6, true, "page frame numbers in /proc/PID/pagemap", MemoryProbes::frameNumbers),
    SOFT_DIRTY(3, 11, false, "soft-dirty bits", MemoryProbes::softDirty),
    PROCESS_VM_READV(3, 2, true, "process_vm_readv", MemoryProbes::processVmReadv),
    MADV_POPULATE_WRITE(5, 14, true, "madvise(MADV_POPULATE_WRITE)", MemoryProbes::populateWrite),
    PIDFD_GETFD(5, 6, true, "pidfd_getfd", ProcessProbes::pidfdGetfd),
    PTRACE_ANY(3, 4, true, "ptrace of any process", ProcessProbes::ptrace),
    PTRACE_SUSPEND_SECCOMP(4, 3, true, "PTRACE_O_SUSPEND_SECCOMP", ProcessProbes::suspendSeccomp),
    PID_NAMESPACES(3, 8, true, "PID namespaces", ProcessProbes::pidNamespaces),
    TIME_NAMESPACES(5, 6, false, "time namespaces", ProcessProbes::timeNamespaces),
    CGROUP_V1_FREEZER(2, 6, false, "cgroup v1 freezer", CgroupProbes::freezerV1),
    CGROUP_V2_FREEZER(5, 2, false, "cgroup v2 freezer", CgroupProbes::freezerV2);

    private static final Map<KernelFeature, Support> FOUND = new EnumMap<>(KernelFeature.class);

    private final KernelVersion since;
    private final boolean everywhere;
    private final String title;
    private final Supplier<Support> probe;

    KernelFeature(int major, int minor, boolean everywhere, String title, Supplier<Support> probe) {
        this.since = new KernelVersion(major, minor);
        this.everywhere = everywhere;
        this.title = title;
        this.probe = probe;
    }

    /** The first release that has it. */
    public KernelVersion since() {
        return since;
    }

    /** True when root has it on each kernel of the supported architectures that is new enough, however configured. */
    public boolean isEverywhere() {
        return everywhere;
    }

    /** Its name among kernel people. */
    public String title() {
        return title;
    }

    public Support support() {
        synchronized (FOUND) {
            Support found = FOUND.get(this);
            if (found == null) {
                found = probe.get();
                FOUND.put(this, found);
            }
            return found;
        }
    }

    public boolean isSupported() {
        return support() instanceof Support.Supported;
    }
}
