package io.decamp.testkit.vm;

import java.util.regex.Pattern;

/**
 * A guest that is wanted.
 *
 * @param name what Decamp knows the VM by: {@code vm:NAME/pid:N}
 * @param cpuModel QEMU's; {@code max} has all that the accelerator offers (by TCG 5-level page tables too),
 *     {@code Nehalem} neither those nor XSAVE
 * @param receives whether workloads that move to its node come to life in it
 */
public record GuestSpec(
        String name, int memoryMib, int cpus, String cpuModel, GuestImage.Kernel kernel, boolean receives) {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,62}");
    private static final int DEFAULT_MEMORY_MIB = 512;

    public GuestSpec {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("Not a VM's name: " + name);
        }
    }

    /** Two processors, 512 MiB, Debian's own kernel, does not receive. */
    public static GuestSpec named(String name) {
        return new GuestSpec(name, DEFAULT_MEMORY_MIB, 2, "max", GuestImage.Kernel.STABLE, false);
    }

    public GuestSpec withMemoryMib(int mib) {
        return new GuestSpec(name, mib, cpus, cpuModel, kernel, receives);
    }

    public GuestSpec withCpus(int count) {
        return new GuestSpec(name, memoryMib, count, cpuModel, kernel, receives);
    }

    public GuestSpec withCpuModel(String model) {
        return new GuestSpec(name, memoryMib, cpus, model, kernel, receives);
    }

    public GuestSpec withKernel(GuestImage.Kernel other) {
        return new GuestSpec(name, memoryMib, cpus, cpuModel, other, receives);
    }

    public GuestSpec receiving() {
        return new GuestSpec(name, memoryMib, cpus, cpuModel, kernel, true);
    }
}
