package io.decamp.linux.workload;

/**
 * A process inside a VM that can't be mistaken for another one with its PID, or for that of an earlier boot.
 *
 * @param vm name of the VM on this node
 * @param bootId of the guest's kernel: /proc/sys/kernel/random/boot_id there
 * @param pid as the guest's initial PID namespace counts
 * @param startTicks field 22 of the guest's /proc/PID/stat: clock ticks (10 ms) between its boot and the start
 */
public record GuestProcess(String vm, String bootId, int pid, long startTicks) {}
